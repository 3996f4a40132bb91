"""What every request meets before a handler does."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.gateway.running import echo
from tramite.config import Gateway
from tramite.gateway import access
from tramite.gateway.asgi import App, BodyTooLarge, ClientGone, Message, Receive, Scope, Send
from tramite.gateway.guards import Guards, Rules

OURS = Gateway(host="10.1.2.3", hosts=("llm.example.org",), origins=("https://app.example.org/",))
HOST = ("host", "127.0.0.1:4000")


def scope(*headers: tuple[str, str], **facts: Any) -> Scope:
    raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    return {
        "type": "http",
        "method": "GET",
        "path": "/v1/models",
        "headers": raw,
        "server": ("10.9.9.9", 4000),
        **facts,
    }


class Answer:
    """What was sent: status, headers, and the body as JSON where it is any."""

    def __init__(self, messages: list[Message]) -> None:
        self.messages = messages
        self.status = messages[0].get("status")
        self.headers = {str(k, "latin-1"): str(v, "latin-1") for k, v in messages[0].get("headers", ())}
        body = b"".join(message.get("body", b"") for message in messages[1:])
        self.json: Any = json.loads(body) if body.startswith(b"{") else None
        self.text = body.decode()


async def ask(guards: Guards, asked: Scope) -> Answer:
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b""}

    async def send(message: Message) -> None:
        sent.append(message)

    await guards(asked, receive, send)
    return Answer(sent)


def answer(*headers: tuple[str, str], settings: Gateway = OURS, app: App = echo, **facts: Any) -> Answer:
    return asyncio.run(ask(Guards(app, settings), scope(*headers, **facts)))


@pytest.mark.parametrize(
    "host",
    [
        *("localhost", "localhost:4000", "LocalHost:81", "127.0.0.1", "127.0.0.1:4000", "[::1]", "[::1]:4000"),
        *("localhost.", "10.1.2.3:4000", "llm.example.org", "LLM.example.org:443"),
        "10.9.9.9:4000",  # the address that the connection came to
    ],
)
def test_it_is_reached_by_names_of_this_machine_and_by_configured_ones(host: str) -> None:
    assert answer(("host", host)).status == 200


@pytest.mark.parametrize(
    "host",
    [
        *(
            "",
            "evil.example",
            "localhost.evil.example",
            "evil.example:4000",
            "evil@localhost",
            "localhost@evil.example",
        ),
        *(
            "localhost:4000:80",
            "localhost:x",
            "[::2]",
            "127.0.0.1.evil.example",
            "10.9.9.8",
            "localhost/x",
            "[localhost]",
        ),
        *("localhost..", "llm.example.org.evil.example", "lo calhost", "\xff"),
    ],
)
def test_a_page_of_another_name_cannot_get_at_it_by_dns_rebinding(host: str) -> None:
    came = answer(("host", host))
    assert (came.status, came.json["error"]["code"]) == (421, "unknown_host")


def test_without_a_host_nothing_is_answered() -> None:
    assert answer().status == 421


@pytest.mark.parametrize("name", ["host", "origin", "authorization", "content-type", "x-api-key", "content-length"])
def test_two_opinions_about_what_decides_are_refused(name: str) -> None:
    came = answer(HOST, (name, "1"), (name, "1")) if name != "host" else answer(HOST, HOST)
    assert (came.status, came.json["error"]["code"]) == (400, "repeated_header")
    assert answer(HOST, ("accept", "a"), ("accept", "b")).status == 200


@pytest.mark.parametrize(
    "origin", ["null", "http://evil.example", "http://127.0.0.1:3000", "https://app.example.org.evil"]
)
def test_pages_of_other_origins_may_not_ask(origin: str) -> None:
    came = answer(HOST, ("origin", origin))
    assert (came.status, came.json["error"]["code"]) == (403, "unknown_origin")
    assert "access-control-allow-origin" not in came.headers


@pytest.mark.parametrize("origin", ["http://127.0.0.1:4000", "https://127.0.0.1:4000"])
def test_its_own_page_may_ask(origin: str) -> None:
    assert answer(HOST, ("origin", origin)).status == 200


def test_pages_of_configured_origins_may_ask_and_read_the_answer() -> None:
    came = answer(HOST, ("origin", "https://app.example.org"))
    assert came.status == 200
    assert came.headers["access-control-allow-origin"] == "https://app.example.org"
    assert came.headers["vary"] == "origin"


def test_a_preflight_is_answered_for_configured_origins_alone() -> None:
    asked = [
        HOST,
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "authorization, x-stainless-os"),
    ]
    came = answer(*asked, ("origin", "https://app.example.org"), method="OPTIONS")
    assert came.status == 200
    assert came.headers["access-control-allow-headers"] == "authorization, x-stainless-os"
    assert answer(*asked, ("origin", "https://evil.example"), method="OPTIONS").status == 403


@pytest.mark.parametrize("kind", ["application/json", "Application/JSON; charset=utf-8", "application/vnd.api+json"])
def test_json_is_taken(kind: str) -> None:
    assert answer(HOST, ("content-length", "2"), ("content-type", kind), method="POST").status == 200


@pytest.mark.parametrize("kind", ["text/plain", "", "application/jsonx", "text/plain; application/json", "text/json+x"])
@pytest.mark.parametrize("length", [("content-length", "2"), ("transfer-encoding", "chunked")])
def test_what_a_form_of_another_page_could_send_is_refused(kind: str, length: tuple[str, str]) -> None:
    came = answer(HOST, length, ("content-type", kind), method="POST")
    assert (came.status, came.json["error"]["code"]) == (415, "not_json")
    assert answer(HOST, length, method="POST").status == 415


def test_a_sane_request_id_is_kept_and_another_one_made() -> None:
    assert answer(HOST, ("x-request-id", "abc-1.2_3")).headers["x-request-id"] == "abc-1.2_3"
    for insane in ("a b", "x" * 129, "é", "a\tb"):
        assert answer(HOST, ("x-request-id", insane)).headers["x-request-id"].startswith("req-")


def test_every_answer_has_an_id_of_its_own() -> None:
    guards = Guards(echo, OURS)

    async def ask_all() -> list[str]:
        hosts = (HOST, ("host", "evil.example"), HOST)
        return [(await ask(guards, scope(host))).headers["x-request-id"] for host in hosts]

    assert len(set(asyncio.run(ask_all()))) == 3


def test_a_fault_of_ours_tells_the_caller_nothing_and_the_log_no_secret(caplog: pytest.LogCaptureFixture) -> None:
    async def broken(scope: Scope, receive: Receive, send: Send) -> None:
        raise ValueError("password=hunter2hunter2 in /srv/secret.py")

    with caplog.at_level(logging.ERROR, "tramite.gateway"):
        came = answer(HOST, app=broken)
    assert (came.status, came.json["error"]["code"]) == (500, "internal_error")
    assert "hunter2" not in came.text + caplog.text
    assert "secret.py" not in came.text
    assert came.headers["x-request-id"] in came.text
    assert came.headers["x-request-id"] in caplog.text
    assert "ValueError" in caplog.text


def test_a_body_that_is_too_large_is_said_to_be() -> None:
    async def reads(scope: Scope, receive: Receive, send: Send) -> None:
        raise BodyTooLarge

    assert answer(HOST, app=reads).status == 413


def test_whoever_has_left_is_told_nothing() -> None:
    async def reads(scope: Scope, receive: Receive, send: Send) -> None:
        raise ClientGone

    guards, sent = Guards(reads, OURS), []

    async def send(message: Message) -> None:
        sent.append(message)

    asyncio.run(guards(scope(HOST), send, send))  # type: ignore[arg-type]  # nothing is received
    assert not sent
    assert not guards.under_way


def test_refusals_are_in_the_callers_dialect() -> None:
    came = answer(("host", "evil.example"), path="/v1/messages")
    assert came.json["type"] == "error"
    assert came.json["error"]["type"] == "invalid_request_error"


async def waiting(guards: Guards, number: int) -> list[asyncio.Task[Answer]]:
    tasks = [asyncio.ensure_future(ask(guards, scope(HOST, path="/wait"))) for _ in range(number)]
    await asyncio.sleep(0)
    return tasks


def held() -> tuple[asyncio.Event, App]:
    gate = asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/wait":
            await gate.wait()
        await echo(scope, receive, send)

    return gate, app


def test_beyond_the_most_requests_at_once_one_is_told_when_to_come_back_and_health_is_answered() -> None:
    async def main() -> None:
        gate, app = held()
        guards = Guards(app, Gateway(max_requests=2))
        tasks = await waiting(guards, 2)
        came = await ask(guards, scope(HOST))
        assert (came.status, came.headers["retry-after"]) == (503, "1")
        assert (await ask(guards, scope(HOST, path="/health/live"))).status == 200
        gate.set()
        assert [(await task).status for task in tasks] == [200, 200]
        assert (await ask(guards, scope(HOST))).status == 200
        assert guards.refused == {"busy": 1}

    asyncio.run(main())


def test_while_it_drains_nothing_new_begins_and_what_has_begun_ends() -> None:
    async def main() -> None:
        gate, app = held()
        guards = Guards(app, OURS)
        (task,) = await waiting(guards, 1)
        guards.draining = True
        came = await ask(guards, scope(HOST))
        assert (came.status, came.headers["connection"], came.json["error"]["code"]) == (503, "close", "stopping")
        idle = asyncio.ensure_future(guards.idle())
        await asyncio.sleep(0)
        assert not idle.done()
        assert repr(guards) == "<Guards: 1 under way, draining>"
        gate.set()
        await idle
        assert (await task).status == 200

    asyncio.run(main())


def test_a_caller_that_is_cancelled_is_not_counted_any_more() -> None:
    async def main() -> None:
        _, app = held()
        guards = Guards(app, OURS)
        (task,) = await waiting(guards, 1)
        task.cancel()
        await guards.idle()
        assert not guards.under_way

    asyncio.run(main())


def websocket(*headers: tuple[str, str], **facts: Any) -> Scope:
    return scope(*headers, type="websocket", extensions={"websocket.http.response": {}}, **facts)


@pytest.mark.parametrize(
    ("header", "status"), [(("host", "evil.example"), 421), (("origin", "http://evil.example"), 403)]
)
def test_a_websocket_passes_the_same_guards(header: tuple[str, str], status: int) -> None:
    headers = [header] if header[0] == "host" else [HOST, header]
    came = asyncio.run(ask(Guards(echo, OURS), websocket(*headers)))
    assert came.messages[0]["type"] == "websocket.http.response.start"
    assert came.status == status
    plain = asyncio.run(ask(Guards(echo, OURS), {**websocket(*headers), "extensions": {}}))
    assert plain.messages == [{"type": "websocket.close", "code": 1008}]


def test_a_websocket_whose_handler_fails_is_closed_with_a_code() -> None:
    async def broken(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "websocket.accept"})
        raise ValueError("hunter2")

    came = asyncio.run(ask(Guards(broken, OURS), websocket(HOST)))
    assert came.headers["x-request-id"]
    assert came.messages[1] == {"type": "websocket.close", "code": 1011}


def test_the_access_log_has_what_was_told_of_the_request_and_is_off_by_default(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        facts = access.FACTS.get()
        if facts is not None:
            facts["target"] = "openai/gpt-4o"
        await echo(scope, receive, send)

    with caplog.at_level(logging.INFO, "tramite.access"):
        answer(HOST, app=app)
        assert not caplog.records
        answer(HOST, ("authorization", "Bearer sk-hunter2hunter2hunter2"), app=app, settings=Gateway(access_log=True))
        answer(("host", "evil.example"), app=app, settings=Gateway(access_log=True))
    first, second = (record.facts for record in caplog.records)  # type: ignore[attr-defined]  # an extra
    assert first["ms"] >= 0
    assert {"status": 200, "target": "openai/gpt-4o", "path": "/v1/models"}.items() <= first.items()
    assert second["status"] == 421
    assert "target" not in second
    assert "hunter2" not in str(first)


def test_settings_of_a_reload_hold_from_the_next_request_on() -> None:
    guards = Guards(echo, OURS)
    asked = scope(("host", "new.example"))
    assert asyncio.run(ask(guards, asked)).status == 421
    guards.configure(Gateway(hosts=("new.example",)))
    assert asyncio.run(ask(guards, asked)).status == 200


names = st.sampled_from(["host", "origin", "content-type", "content-length", "transfer-encoding", "x-request-id"])
values = st.text(st.characters(max_codepoint=255), max_size=40)


@given(st.lists(st.tuples(names, values)))
def test_no_header_makes_it_fail(headers: list[tuple[str, str]]) -> None:
    assert answer(*headers, settings=OURS).status in (200, 400, 403, 415, 421)


@given(st.text(st.characters(max_codepoint=255), max_size=30))
def test_only_our_names_are_ours_whatever_stands_around_them(host: str) -> None:
    rules, raw = Rules(Gateway()), host.encode("latin-1")
    if rules.refusal(scope(("host", host)), {b"host": raw}) is None:
        assert host.lower().startswith(("localhost", "127.0.0.1", "[::1]", "10.9.9.9"))
