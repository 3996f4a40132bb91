"""The sixteen faults, through the gateway: what the client gets, and what the provider was asked."""

from __future__ import annotations

import time
from collections.abc import Callable

import msgspec
import pytest

from tests.client.world import words
from tests.faults.cases import CASES, TOKENS, Case
from tests.gateway.world import frames, gateway, text

ERRORS = {
    "ContextTooLong": (400, "context_length_exceeded"),
    "ContentFiltered": (400, "content_filter"),
    "IncompleteStream": (502, "incomplete_stream"),
    "TimedOut": (504, "timeout_error"),
    "BadReply": (502, "bad_reply"),
}
DONE = b"data: [DONE]\n\n"


def soon(seen: Callable[[], bool]) -> bool:
    """Whether it comes to be so within a second."""
    until = time.monotonic() + 1
    while not seen() and time.monotonic() < until:
        time.sleep(0.005)
    return seen()


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.number}-{case.primary}")
def test_a_fault_and_a_whole_reply(case: Case) -> None:
    with gateway(case) as world:
        status, body = world.chat()
        assert soon(lambda: world.primary.stats().open_now == 0)
        primary, backup = world.primary.stats(), world.backup.stats()
    assert primary.requests <= case.asked
    assert case.backup_asked or backup.requests == 0
    if case.whole == "error":
        assert (status, msgspec.json.decode(body)["error"]["code"]) == ERRORS[case.error]
        return
    assert status == 200
    reply = msgspec.json.decode(body)
    assert reply["choices"][0]["message"]["content"] == words(TOKENS)
    assert reply["usage"]["completion_tokens"] == TOKENS
    if case.whole == "backup":
        assert backup.requests == 1
    if case.closed:
        assert len(primary.client_gone) == primary.requests


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.number}-{case.primary}")
def test_a_fault_and_a_stream(case: Case) -> None:
    with gateway(case) as world:
        status, body = world.chat(stream=True, stream_options={"include_usage": True})
        assert soon(lambda: world.primary.stats().open_now == 0)
        primary, backup = world.primary.stats(), world.backup.stats()
    assert primary.requests <= case.asked_in_stream
    assert case.backup_asked or backup.requests == 0
    if case.stream != "error":
        assert (status, text(body), body.count(DONE)) == (200, words(TOKENS), 1)
        assert frames(body)[-1]["usage"]["completion_tokens"] == TOKENS  # type: ignore[index]
        return
    assert DONE not in body
    if case.partial:
        assert (status, text(body)) == (200, words(case.partial))
        assert frames(body)[-1]["error"]["code"] == ERRORS[case.error][1]  # type: ignore[index]
        assert b'"finish_reason":"' not in body
    else:
        assert (status, msgspec.json.decode(body)["error"]["code"]) == ERRORS[case.error]


CONTINUES = Case(
    number=8,
    primary="cut@40",
    whole="whole",
    stream="backup",
    events="backup",
    on_stream_failure="continue",
    backup="prefill",
    backup_prefills=True,
)


@pytest.mark.parametrize("backup", ["openai", "anthropic"])
@pytest.mark.parametrize("fault", ["cut@40", "stall@20:30s", "malformed@10"])
def test_8_to_10_a_target_that_takes_a_prefill_goes_on_exactly_where_it_broke_off(fault: str, backup: str) -> None:
    case = msgspec.structs.replace(CONTINUES, primary=fault)
    with gateway(case, dialects=("openai", backup)) as world:
        status, body = world.chat(stream=True, max_tokens=200)
        assert world.primary.stats().requests == world.backup.stats().requests == 1
    assert (status, text(body), body.count(DONE)) == (200, words(TOKENS), 1)
    assert len({frame["id"] for frame in frames(body)}) == 1
    roles = [choice["delta"].get("role") for frame in frames(body) for choice in frame["choices"]]  # type: ignore[attr-defined]
    assert roles.count("assistant") == 1


@pytest.mark.parametrize("stream", [False, True])
def test_15_every_second_call_fails_and_none_is_lost(stream: bool) -> None:
    case = Case(number=15, primary="500,alternate", whole="whole", stream="whole", events="whole")
    with gateway(case) as world:
        for _ in range(30):
            status, body = world.chat(stream=stream)
            assert status == 200
            said = text(body) if stream else msgspec.json.decode(body)["choices"][0]["message"]["content"]
            assert said == words(TOKENS)


def test_15_a_primary_that_is_down_is_left_alone() -> None:
    case = Case(number=15, primary="503", whole="backup", stream="backup", events="backup")
    with gateway(case) as world:
        for _ in range(10):
            assert world.chat()[0] == 200
        assert world.primary.stats().requests == 3
        assert world.backup.stats().requests == 10


@pytest.mark.parametrize("stream", [False, True])
def test_16_the_ledger_has_every_attempt_and_the_cost_is_the_backups(stream: bool) -> None:
    case = Case(number=16, primary="503", whole="backup", stream="backup", events="backup")
    with gateway(case) as world:
        assert world.chat(stream=stream)[0] == 200
        ledger = world.gate.core.governor.ledger
        assert ledger is not None
        world.run(ledger.store.flush)
        database = ledger.store.connect()
        rows = database.execute("SELECT provider, outcome, cost_nanousd, status FROM attempts ORDER BY seq")
        database.close()
        billed = world.backup.stats().billed_nanousd
    assert rows == [("primary", "Overloaded", 0, 503)] * 3 + [("backup", "ok", billed, 200)]
