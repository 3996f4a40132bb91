"""What bodies say to get past what the gateway has to keep: a key's models, its budget, what is stored for whom."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.gateway.serving import Served, served
from tramite.config import load
from tramite.gateway.app import Gateway
from tramite.gateway.asgi import Receive, Scope, Send, read_body, respond
from tramite.gateway.gate import Gate
from tramite.gateway.guards import Guards
from tramite.store.filters import Filter
from tramite.store.reading import open_ledger

CHAT, COMPLETION, RESPONSES = "/v1/chat/completions", "/v1/completions", "/v1/responses"
ASKED = {"model": "rec/m", "messages": [{"role": "user", "content": "hello"}]}
PRICES = '[models."{0}/m"]\ninput_per_million = 1\noutput_per_million = 1000\n'


class Recorder:
    """A provider that answers everything, and remembers what it was asked."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.status, self.answer = 200, _answer()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.bodies.append(json.loads(await read_body(scope, receive, 10_000_000)))
        await respond(send, self.status, [(b"content-type", b"application/json")], json.dumps(self.answer).encode())


def _answer() -> dict[str, Any]:
    choice = {"index": 0, "message": {"role": "assistant", "content": "hi"}, "text": "hi", "finish_reason": "stop"}
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    return {"id": "x", "object": "chat.completion", "model": "m", "choices": [choice], "usage": usage}


@contextmanager
def world(more: str = "", prices: str = "", kept: str = "") -> Iterator[tuple[Served, Recorder]]:
    """A gateway before one provider, by the names of its dialects: `rec`, `new` (of OpenAI's), `resp`, `claude`."""
    dialects = {"rec": "openai", "new": "openai", "resp": "openai-responses", "claude": "anthropic"}
    recorder = Recorder()
    with served(recorder, lifespan="off") as upstream:
        rows = [
            f'[providers.{name}]\nbase_url = "{upstream.url}/v1"\ndialect = "{dialect}"\n'
            f'api_key = "wx-{name}-0123456789abcdef"\nkinds = ["chat", "completion", "embedding"]\n'
            + ('max_tokens_field = "max_completion_tokens"\n' if name == "new" else "")
            for name, dialect in dialects.items()
        ]
        file = Path("hostile.toml")
        prices = prices or "".join(PRICES.format(name) for name in dialects)
        store = f'[store]\nurl = "sqlite:///{Path.cwd()}/ledger.sqlite"\n{kept}[state]\nurl = "memory"\n'
        file.write_text(more + "".join(rows) + prices + store + "[retry]\nattempts = 1\n")
        gate = Gate(load(file))
        with served(Guards(Gateway(gate), gate.config.gateway), lifespan="on") as found:
            yield found, recorder


@pytest.mark.parametrize(
    "name", ["Model", "MODEL", "MAX_TOKENS", "Max_Completion_Tokens", "max_to\u212aens", "\u017ftream"]
)
def test_a_name_that_some_servers_take_for_another_is_refused(name: str) -> None:
    with world() as (gateway, provider):
        came = gateway.client.post(CHAT, json={**ASKED, name: 1})
    assert (came.status_code, came.json()["error"]["param"], provider.bodies) == (400, name, [])


@pytest.mark.parametrize("name", ["models", "fallbacks"])
def test_only_routes_say_who_stands_in_for_whom(name: str) -> None:
    with world() as (gateway, provider):
        came = gateway.client.post(CHAT, json={**ASKED, name: ["rec/dear"]})
    assert (came.status_code, came.json()["error"]["param"], provider.bodies) == (400, name, [])


@pytest.mark.parametrize(
    ("path", "said"),
    [
        (RESPONSES, {"previous_response_id": "resp_of_another_key"}),
        (RESPONSES, {"conversation": "conv_1"}),
        (RESPONSES, {"prompt": {"id": "pmpt_1"}}),
        (RESPONSES, {"store": True}),
        (RESPONSES, {"background": True}),
        (CHAT, {"store": True}),
    ],
    ids=str,
)
def test_nothing_is_stored_at_a_provider_of_the_same_dialect_either(path: str, said: dict[str, Any]) -> None:
    asked = {"model": "resp/m", "input": "hello"} if path == RESPONSES else ASKED
    with world() as (gateway, provider):
        came = gateway.client.post(path, json={**asked, **said})
    assert (came.status_code, came.json()["error"]["param"], provider.bodies) == (400, next(iter(said)), [])


def test_what_is_not_wished_may_be_said() -> None:
    with world() as (gateway, provider):
        came = gateway.client.post(CHAT, json={**ASKED, "store": False})
        assert came.status_code == 200
        gateway.client.post(RESPONSES, json={"model": "resp/m", "input": "x", "previous_response_id": None})
    assert len(provider.bodies) == 2


@pytest.mark.parametrize("field", ["n", "stream", "model", "max_tokens"])
def test_a_number_that_no_computer_has_is_a_wrong_request(field: str) -> None:
    with world() as (gateway, _):
        came = gateway.client.post(
            CHAT,
            content=b'{"messages": [], "%b": 1e999}' % field.encode(),
            headers={"content-type": "application/json"},
        )
    assert (came.status_code, came.json()["error"]["param"]) == (400, field)


TIGHT = "[budgets.global]\nlimit = '{0}/total'\n"


@pytest.mark.parametrize(
    ("path", "said", "output"),
    [
        (CHAT, {**ASKED, "max_tokens": 1, "max_completion_tokens": 1000}, 1000),
        (COMPLETION, {"model": "rec/m", "prompt": ["a", "b", "c"], "max_tokens": 100}, 300),
        (COMPLETION, {"model": "rec/m", "prompt": [[1, 2], [3]], "max_tokens": 100}, 200),
        (COMPLETION, {"model": "rec/m", "prompt": [1, 2], "max_tokens": 100, "n": 2, "best_of": 5}, 500),
    ],
    ids=["two lengths", "three prompts", "two prompts in tokens", "best of five"],
)
def test_the_worst_case_of_all_answers_is_held(path: str, said: dict[str, Any], output: int) -> None:
    """A thousandth of a dollar for each token that is written."""
    with world(TIGHT.format(f"{output / 1000 - 0.001:.3f}")) as (gateway, provider):
        assert gateway.client.post(path, json=said).status_code == 402
        assert not provider.bodies
    Path("ledger.sqlite").unlink()
    with world(TIGHT.format(f"{output / 1000 + 0.001:.3f}")) as (gateway, _):
        assert gateway.client.post(path, json=said).status_code == 200


@pytest.mark.parametrize(("path", "name"), [(CHAT, "max_completion_tokens"), (COMPLETION, "max_tokens")])
def test_a_largest_output_is_sent_by_the_name_that_the_operation_has(path: str, name: str) -> None:
    asked = {"model": "new/m", "prompt": "a"} if path == COMPLETION else {**ASKED, "model": "new/m"}
    with world(TIGHT.format(100)) as (gateway, provider):
        assert gateway.client.post(path, json=asked).status_code == 200
    assert {key: value for key, value in provider.bodies[0].items() if "max" in key} == {name: 4096}


PICTURE = b'[{"type": "im\\u0061ge_url", "im\\u0061ge_url": {"url": "https://pictures.example/1.png"}}]'
PDF = b'[{"type": "document", "source": {"type": "url", "url": "https://files.example/1.pdf"}}]'
CALLED = b'{"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "read", "input": {}}]}, '
FILE = b'[{"type": "input_file", "file_url": "https://files.example/1.pdf"}]'


@pytest.mark.parametrize(
    ("path", "model", "content"),
    [
        (CHAT, "rec/m", PICTURE),
        ("/v1/messages", "claude/m", PDF),
        ("/v1/messages", "claude/m", b'[{"type": "tool_result", "tool_use_id": "t", "content": %b}]' % PDF),
        (RESPONSES, "resp/m", FILE),
        (RESPONSES, "resp/m", FILE.replace(b"input_file", b"input\\u005ffile")),
    ],
    ids=["a picture", "a document", "a tool's document", "a file", "an escaped file"],
)
def test_what_is_to_be_read_elsewhere_is_held_too(path: str, model: str, content: bytes) -> None:
    """A millionth of a dollar for each token that is read: 50,000 in a picture, 200,000 in the window."""
    window = f'[models."{model}"]\ncontext_tokens = 200000\ninput_per_million = 1\noutput_per_million = 1\n'
    name = b"input" if path == RESPONSES else b"messages"
    asked = b'{"model": "%b", "max_tokens": 5, "%b": [%b{"role": "user", "content": %b}]}' % (
        model.encode(),
        name,
        CALLED if b"tool_result" in content else b"",
        content,
    )
    if path == RESPONSES:
        asked = asked.replace(b"max_tokens", b"max_output_tokens")
    with world(TIGHT.format("0.04"), prices=window) as (gateway, provider):
        came = gateway.client.post(path, content=asked, headers={"content-type": "application/json"})
    assert (came.status_code, provider.bodies) == (402, [])


def test_a_provider_that_repeats_its_secret_is_not_repeated() -> None:
    with world() as (gateway, provider):
        provider.status = 400
        provider.answer = {"error": {"message": "wrong header authorization: Bearer wx-rec-0123456789abcdef"}}
        came = gateway.client.post(CHAT, json=ASKED)
    assert came.status_code == 400
    assert "0123456789abcdef" not in came.text


def test_a_bare_name_opens_no_folder_of_this_machine() -> None:
    with world('default_provider = "local"\n') as (gateway, _):
        came = gateway.client.post(CHAT, json={**ASKED, "model": "some-folder"})
    assert (came.status_code, came.json()["error"]["code"]) == (404, "model_not_found")
    assert "does not serve" in came.json()["error"]["message"]


@pytest.mark.parametrize(
    ("path", "said", "passes"),
    [
        (CHAT, {"service_tier": "priority"}, False),
        (CHAT, {"service_tier": "auto"}, True),
        (CHAT, {"web_search_options": {}}, False),
        (CHAT, {"tools": [{"type": "function", "function": {"name": "f"}}]}, True),
        ("/v1/messages", {"speed": "fast"}, False),
        ("/v1/messages", {"tools": [{"type": "web_search_20250305", "name": "web_search"}]}, False),
        (
            "/v1/messages",
            {"tools": [{"name": "f", "input_schema": {}}, {"type": "bash_20250124", "name": "bash"}]},
            True,
        ),
        (RESPONSES, {"tools": [{"type": "code_interpreter"}]}, False),
    ],
    ids=str,
)
def test_what_costs_more_than_its_tokens_is_not_for_a_budget(path: str, said: dict[str, Any], passes: bool) -> None:
    asked = {
        CHAT: {**ASKED, "max_tokens": 5},
        RESPONSES: {"model": "resp/m", "input": "x", "max_output_tokens": 5},
        "/v1/messages": {**ASKED, "model": "claude/m", "max_tokens": 5},
    }
    with world(TIGHT.format(100)) as (gateway, provider):
        came = gateway.client.post(path, json={**asked[path], **said})
    assert (came.status_code != 400, bool(provider.bodies)) == (passes, passes), came.text
    with world() as (gateway, provider):
        gateway.client.post(path, json={**asked[path], **said})
    assert provider.bodies, "without a budget it passes"


@pytest.mark.parametrize(
    ("path", "said"),
    [
        (COMPLETION, {"model": "rec/m", "prompt": ["a private matter", "another"], "max_tokens": 5}),
        (CHAT, {**ASKED, "functions": [{"name": "a private matter"}], "max_tokens": 5}),
    ],
    ids=["two prompts", "functions"],
)
def test_a_ledger_that_keeps_texts_keeps_what_only_the_provider_understands(path: str, said: dict[str, Any]) -> None:
    with world(TIGHT.format(100), kept="keep_text = true\n") as (gateway, provider):
        came = gateway.client.post(path, json=said)
        assert (came.status_code, len(provider.bodies)) == (200, 1)
    with open_ledger(f"sqlite:///{Path.cwd()}/ledger.sqlite") as ledger:  # type: ignore[union-attr]
        found = list(ledger.entries(Filter(search="private matter")))
    assert [entry.outcome for entry in found] == ["ok"]
