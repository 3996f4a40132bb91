"""Who may ask, and is told of what: keys, their models and addresses at every door; and whoever asks without a key."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.gateway.serving import Served, served
from tramite.config import load
from tramite.gateway.app import Gateway
from tramite.gateway.gate import Gate
from tramite.gateway.reloading import Reloader
from tramite.store.keys import Terms, open_keys

CHAT = {"messages": [{"role": "user", "content": "hello"}]}
ROUTES = '[routes.fast]\ntargets = ["demo/demo"]\n[routes.both]\ntargets = ["demo/demo", "demo/ok"]\n'


def write(more: str = "", store: str = "keys") -> Path:
    file = Path("doors.toml")
    state = '[state]\nurl = "memory"\n'
    file.write_text(f'{ROUTES}{more}[store]\nurl = "sqlite:///{Path.cwd()}/{store}.sqlite"\n{state}')
    return file


@contextmanager
def gateway(more: str = "", **terms: Any) -> Iterator[tuple[Served, Gate, dict[str, str]]]:
    """A gateway, and the headers of a key with these terms; without terms there is no key."""
    file, headers = write(more), {}
    if terms:
        with open_keys(load(file).store.url) as keys:
            headers = {"authorization": f"Bearer {keys.create('alice', Terms(**terms)).secret}"}
    gate = Gate(load(file))
    with served(Gateway(gate), lifespan="on", ws="websockets-sansio") as found:
        yield found, gate, headers


def test_a_key_is_shown_the_models_that_it_may_use() -> None:
    with gateway(models=("fast", "demo/ok")) as (door, _, headers):
        listed = door.client.get("/v1/models", headers=headers).json()["data"]
        one = [door.client.get(f"/v1/models/{name}", headers=headers).status_code for name in ("fast", "both")]
        there = door.client.get("/v1/models/demo%2Fok", headers=headers)
    assert [each["id"] for each in listed] == ["fast", "demo/ok"]
    assert (one, there.status_code) == ([200, 404], 200)


@pytest.mark.parametrize("path", ["/v1/models", "/v1/models/fast", "/tickets", "/v1/chat/completions"])
def test_an_address_that_a_key_may_not_be_used_from_is_refused_everywhere(path: str) -> None:
    with gateway(addresses=("10.0.0.0/8",)) as (door, _, headers):
        if path.startswith("/v1/models"):
            came = door.client.get(path, headers=headers)
        else:
            came = door.client.post(path, json={**CHAT, "model": "fast", "for": "websocket"}, headers=headers)
    assert (came.status_code, came.json()["error"]["code"]) == (403, "address_not_allowed")


@pytest.mark.parametrize("header", ["x-forwarded-for", "forwarded", "via"])
def test_without_keys_a_proxy_that_asks_for_somebody_else_is_refused(header: str) -> None:
    with gateway() as (door, _, _):
        alone = door.client.post("/v1/chat/completions", json={**CHAT, "model": "fast"})
        passed_on = door.client.get("/v1/models", headers={header: "for=203.0.113.9"})
    assert (alone.status_code, passed_on.status_code) == (200, 401)
    assert passed_on.json()["error"]["code"] == "no_keys"


def test_without_keys_a_gateway_with_a_name_for_others_answers_nobody() -> None:
    with gateway('[gateway]\nhosts = ["llm.example"]\n') as (door, _, _):
        came = door.client.post("/v1/chat/completions", json={**CHAT, "model": "fast"})
    assert (came.status_code, came.json()["error"]["code"]) == (401, "no_keys")


def test_a_reload_leaves_to_the_next_start_where_it_listens_and_where_its_keys_are() -> None:
    """Else a gateway that others reach would take itself for one that they do not, or for one without keys."""
    with gateway('[gateway]\nhost = "0.0.0.0"\n') as (door, gate, _):
        file = write('[gateway]\nhost = "127.0.0.1"\ndrain_s = 7\n', store="other")
        changes = door.run(Reloader(gate, lambda: load(file), lambda fresh: None).reload)
        came = door.client.post("/v1/chat/completions", json={**CHAT, "model": "fast"})
    assert changes.after_restart == ("gateway.host", "store.url")
    assert (gate.config.gateway.host, gate.config.gateway.drain_s) == ("0.0.0.0", 7)
    assert gate.config.store.url.endswith("keys.sqlite")
    assert (came.status_code, came.json()["error"]["code"]) == (401, "no_keys")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/v1/chat/completions", "POST"),
        ("DELETE", "/v1/messages", "POST"),
        ("GET", "/tickets", "POST"),
        ("POST", "/v1/models", "GET, HEAD"),
        ("DELETE", "/v1/models/fast", "GET, HEAD"),
    ],
)
def test_what_is_asked_in_another_way_is_told_how(method: str, path: str, allowed: str) -> None:
    with gateway() as (door, _, _):
        came = door.client.request(method, path)
    assert (came.status_code, came.headers["allow"]) == (405, allowed)
    assert came.json()["error"]["type"] == "invalid_request_error"


def test_who_has_no_key_learns_of_no_model_and_has_nothing_read() -> None:
    """Its body never comes: what is wrong with the key is said before."""
    with gateway(models=("fast",)) as (door, _, _):
        near = door.client.post("/v1/chat/completions", json={**CHAT, "model": "demo/demoo"})
        port = int(door.url.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port), 5) as client:
            client.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1000000\r\n\r\n")
            early = client.recv(100)
    assert (near.status_code, near.json()["error"]["code"]) == (401, "missing_api_key")
    assert early.startswith(b"HTTP/1.1 401 ")


def test_a_key_is_told_the_same_of_models_that_it_may_not_use_and_of_those_that_are_not_there() -> None:
    with gateway(models=("fast",)) as (door, _, headers):
        said = [
            door.client.post("/v1/chat/completions", json={**CHAT, "model": model}, headers=headers).json()["error"]
            for model in ("demo/demo", "openai/gpt-4o", "nowhere/at-all", "bothh")
        ]
    assert {error["code"] for error in said} == {"model_not_allowed"}
    assert all("it may use fast" in error["message"] for error in said)


@pytest.mark.parametrize("model", ["demo/" + "x" * 1_000_000, "y" * 1_000_000 + "/x"])
def test_a_name_that_no_model_has_is_neither_kept_nor_repeated(model: str) -> None:
    with gateway() as (door, _, _):
        came = door.client.post("/v1/chat/completions", json={**CHAT, "model": model})
    assert (came.status_code, len(came.content) < 500) == (404, True)
