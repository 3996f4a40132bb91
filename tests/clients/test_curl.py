"""curl, as the documentation of every provider shows it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from tests.gateway.keyed import Keyed, keyed

CHAT: dict[str, Any] = {"model": "primary/ok,tokens=3", "messages": [{"role": "user", "content": "Ciao"}]}


@pytest.fixture
def door() -> Iterator[Keyed]:
    with keyed("ok,tokens=3", "ok", "cut@3") as door:
        yield door


def curl(door: Keyed, path: str, *arguments: str, body: object = None) -> str:
    """What it writes."""
    command = ["curl", "--silent", f"{door.url}{path}", *arguments]
    if body is not None:
        command += ["-H", "content-type: application/json", "-d", json.dumps(body)]
    return subprocess.run(command, capture_output=True, text=True, timeout=20, check=True).stdout


def bearer(door: Keyed) -> tuple[str, str]:
    return "-H", f"Authorization: Bearer {door.secret}"


def test_a_chat(door: Keyed) -> None:
    reply = json.loads(curl(door, "/v1/chat/completions", *bearer(door), body=CHAT))
    assert reply["choices"][0]["message"]["content"] == "token-1 token-2 token-3"


def test_a_stream_with_its_headers(door: Keyed) -> None:
    said = curl(door, "/v1/chat/completions", "-N", "-i", *bearer(door), body={**CHAT, "stream": True})
    assert said.startswith("HTTP/1.1 200")
    assert "\nx-ratelimit-limit-requests: 60000" in said
    assert said.count('"content":') >= 3
    assert said.endswith("data: [DONE]\n\n")


def test_a_stream_that_was_cut_has_no_end(door: Keyed) -> None:
    body = {**CHAT, "model": "primary/cut@3", "stream": True}
    said = curl(door, "/v1/chat/completions", "-N", *bearer(door), body=body)
    assert '"code":"incomplete_stream"' in said
    assert "[DONE]" not in said
    assert '"finish_reason":"' not in said


def test_a_message_in_anthropic_s_form(door: Keyed) -> None:
    headers = ("-H", f"x-api-key: {door.secret}", "-H", "anthropic-version: 2023-06-01")
    reply = json.loads(curl(door, "/v1/messages", *headers, body={**CHAT, "max_tokens": 99}))
    assert reply["content"] == [{"type": "text", "text": "token-1 token-2 token-3"}]


def test_azures_address_and_header(door: Keyed) -> None:
    path = "/openai/deployments/primary%2Fok,tokens=3/chat/completions?api-version=2024-10-21"
    reply = json.loads(curl(door, path, "-H", f"api-key: {door.secret}", body={"messages": CHAT["messages"]}))
    assert reply["choices"][0]["message"]["content"] == "token-1 token-2 token-3"


def test_models_and_vectors(door: Keyed) -> None:
    models = json.loads(curl(door, "/v1/models", *bearer(door)))["data"]
    assert "primary/ok" in [model["id"] for model in models]
    vectors = json.loads(curl(door, "/v1/embeddings", *bearer(door), body={"model": "primary/ok", "input": "Ciao"}))
    assert len(vectors["data"][0]["embedding"]) == 64


def test_without_a_key(door: Keyed) -> None:
    said = curl(door, "/v1/chat/completions", "-w", "%{http_code}", body=CHAT)
    assert said.endswith("401")
    assert json.loads(said[:-3])["error"]["code"] == "missing_api_key"
