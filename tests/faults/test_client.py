"""The sixteen faults, through the client: for whole replies, for streams of text, and for streams of events."""

from __future__ import annotations

import asyncio
from typing import Literal

import pytest
from msgspec.structs import replace

from tests.client.world import words
from tests.faults.cases import CASES, TOKENS, Answer, Case
from tests.faults.world import Two, client
from tramite import AsyncClient, Reply, Restarted, TramiteError
from tramite.simulator import fast_forward

How = Literal["whole", "stream", "events"]
HOWS: tuple[How, ...] = ("whole", "stream", "events")


async def carry(case: Case, how: How) -> tuple[Reply | TramiteError, list[object], Two]:
    """What the caller gets, the events that a reader of them saw, and the providers."""
    llm, two = client(case)
    seen: list[object] = []
    try:
        if how == "whole":
            return await llm.chat("hello"), seen, two
        stream = llm.stream("hello")
        if how == "stream":
            seen.append("".join([text async for text in stream.text]))
        else:
            seen.extend([event async for event in stream])
        return stream.reply, seen, two
    except TramiteError as error:
        return error, seen, two
    finally:
        await asyncio.sleep(1)  # so that a provider that was given up has seen it


@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.number}-{case.primary}")
def test_a_fault_of_the_primary(case: Case, how: How) -> None:
    got, seen, two = fast_forward(carry(case, how))
    expected: Answer = getattr(case, how)
    primary, backup = two.primary.stats(), two.backup.stats()
    assert primary.requests <= (case.asked if how == "whole" else case.asked_in_stream)
    assert primary.open_now == backup.open_now == 0
    if case.closed:
        assert len(primary.client_gone) == primary.requests
    if not case.backup_asked:
        assert backup.requests == 0
    if expected == "error":
        assert type(got).__name__ == case.error
        assert isinstance(got, TramiteError)
        assert len(got.attempts) == primary.requests + backup.requests
        if how != "whole":
            assert getattr(got, "partial", "") == words(case.partial)
        return
    assert isinstance(got, Reply)
    assert got.text == words(TOKENS)
    assert (got.finish, got.usage.output_tokens, got.usage.source) == ("stop", TOKENS, "provider")
    assert len(got.attempts) == primary.requests + backup.requests
    if expected != "whole":
        assert got.target.startswith(expected)
    if how == "events" and case.stream == "error":
        assert [type(event) for event in seen].count(Restarted) == 1
        assert "".join(_texts_after_restart(seen)) == words(TOKENS)


def _texts_after_restart(events: list[object]) -> list[str]:
    last = max(position for position, event in enumerate(events) if isinstance(event, Restarted))
    return [event.text for event in events[last:] if type(event).__name__ == "TextDelta"]  # type: ignore[attr-defined]


def test_1_a_throttle_is_not_asked_again_before_its_time() -> None:
    alone = Case(number=1, primary="429:retry-after=2:times=1", whole="whole", stream="whole", events="whole")

    async def main() -> list[float]:
        llm, two = client(alone)
        await llm.chat("hello", model=f"primary/{alone.primary},tokens={TOKENS}")
        return [entry.at for entry in two.primary.engine.bill.recent()]

    first, second = fast_forward(main())
    assert second - first >= 2


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


@pytest.mark.parametrize("how", ["stream", "events"])
@pytest.mark.parametrize("fault", ["cut@40", "stall@20:30s", "malformed@10"])
def test_8_to_10_a_target_that_takes_a_prefill_goes_on_exactly_where_it_broke_off(how: How, fault: str) -> None:
    got, seen, two = fast_forward(carry(replace(CONTINUES, primary=fault), how))
    assert isinstance(got, Reply)
    assert got.text == words(TOKENS)
    assert two.primary.stats().requests == two.backup.stats().requests == 1
    assert not any(isinstance(event, Restarted) for event in seen)
    assert any("went on from there" in notice for notice in got.notices)
    assert got.usage.source == "partial"
    assert [bool(attempt.error) for attempt in got.attempts] == [True, False]


def test_12_a_prompt_that_is_too_long_may_go_to_a_larger_window() -> None:
    case = Case(number=12, primary="context", whole="backup", stream="backup", events="backup")
    targets = [f"primary/{case.primary},tokens={TOKENS}", f"backup/{case.backup},tokens={TOKENS}"]

    async def main() -> tuple[Reply, Two]:
        llm, two = client(case)
        windows = zip(targets, (8_000, 128_000), strict=True)
        models = {target: replace(llm.config.models[target], context_tokens=window) for target, window in windows}
        wider = AsyncClient(replace(llm.config, models=models), transport=two)
        return await wider.chat("hello"), two

    reply, two = fast_forward(main())
    assert reply.target == targets[1]
    assert two.primary.stats().requests == 1


@pytest.mark.parametrize("how", HOWS)
def test_15_every_second_call_fails_and_none_is_lost(how: How) -> None:
    case = Case(number=15, primary="500,alternate", whole="whole", stream="whole", events="whole")

    async def main() -> list[Reply]:
        llm, _ = client(case)
        replies = []
        for _ in range(30):
            if how == "whole":
                replies.append(await llm.chat("hello"))
                continue
            stream = llm.stream("hello")
            async for _ in stream:
                pass
            replies.append(stream.reply)
        return replies

    replies = fast_forward(main())
    assert [reply.text for reply in replies] == [words(TOKENS)] * 30


def test_15_a_primary_that_is_down_is_left_alone_while_it_cools_down() -> None:
    case = Case(number=15, primary="503", whole="backup", stream="backup", events="backup")

    async def main() -> tuple[int, int, int]:
        llm, two = client(case)
        await llm.chat("hello")
        first = two.primary.stats().requests
        for _ in range(10):
            await llm.chat("hello")
        resting = two.primary.stats().requests
        await asyncio.sleep(31)
        await asyncio.gather(*[llm.chat("hello") for _ in range(10)])
        return first, resting, two.primary.stats().requests

    first, resting, probed = fast_forward(main())
    assert first == resting == 3
    assert probed == 6  # one request's tries; the others went round


@pytest.mark.parametrize("how", HOWS)
def test_16_usage_and_cost_are_the_backups_and_every_attempt_is_listed(how: How) -> None:
    case = Case(number=16, primary="503", whole="backup", stream="backup", events="backup")
    got, _, two = fast_forward(carry(case, how))
    assert isinstance(got, Reply)
    assert [attempt.target.partition("/")[0] for attempt in got.attempts] == ["primary"] * 3 + ["backup"]
    assert [attempt.status for attempt in got.attempts] == [503, 503, 503, 200]
    assert two.primary.stats().billed_nanousd == 0
    assert got.cost_nanousd == two.backup.stats().billed_nanousd > 0
    assert (got.usage.input_tokens, got.usage.output_tokens) == (
        two.backup.stats().input_tokens,
        two.backup.stats().output_tokens,
    )
