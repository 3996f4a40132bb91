"""Limits as a client keeps them: configured, learned from its provider, and shared out along a route."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from tests.client.world import in_process
from tests.faults.cases import Case
from tests.faults.world import client
from tramite import LimitExceeded, Reply, TramiteError
from tramite.simulator import fast_forward


def limits(**settings: object) -> str:
    lines = "".join(f"{name} = {value}\n" for name, value in settings.items())
    return f'[limits."sim/ok"]\n{lines}'


def test_requests_go_no_faster_than_they_may() -> None:
    async def main() -> list[float]:
        llm, provider = in_process(more=limits(requests_per_second=5))
        await asyncio.gather(*[llm.chat("hello") for _ in range(20)])
        return [entry.at for entry in provider.engine.bill.recent()]

    starts = fast_forward(main())
    assert 3.6 < starts[-1] - starts[0] < 4.2
    assert all(later - earlier > 0.19 for earlier, later in zip(starts, starts[2:], strict=False))


def test_no_more_are_under_way_than_may_be() -> None:
    async def main() -> int:
        llm, provider = in_process(more=limits(concurrency=3), latency_s=1.0)
        await asyncio.gather(*[llm.chat("hello") for _ in range(10)])
        return provider.stats().open_max

    assert fast_forward(main()) == 3


def test_a_request_that_would_wait_too_long_is_told_at_once() -> None:
    async def main() -> tuple[float, LimitExceeded]:
        llm, provider = in_process(more=limits(requests_per_minute=1))
        await llm.chat("hello")
        began = provider.clock.now()
        with pytest.raises(LimitExceeded, match="requests_per_minute") as caught:
            await llm.chat("hello", max_wait_s=5)
        return provider.clock.now() - began, caught.value

    passed_s, error = fast_forward(main())
    assert passed_s < 0.1
    assert error.retry_after_s is not None
    assert 50 < error.retry_after_s <= 61


def test_one_that_can_never_fit_is_told_so() -> None:
    async def main() -> LimitExceeded:
        llm, _ = in_process(more=limits(tokens_per_minute=100))
        with pytest.raises(LimitExceeded, match="can never fit") as caught:
            await llm.chat("hello", max_tokens=200)
        return caught.value

    assert fast_forward(main()).retry_after_s is None


Leaving = Callable[[Any], Coroutine[Any, Any, object]]


async def _whole(llm: Any) -> object:
    return await llm.chat("hello")


async def _streamed(llm: Any) -> object:
    return [event async for event in llm.stream("hello")]


@pytest.mark.parametrize("ask", [_whole, _streamed])
def test_who_leaves_while_waiting_takes_nothing(ask: Leaving) -> None:
    async def main() -> tuple[int, float]:
        llm, provider = in_process(more=limits(requests_per_second=1))
        await llm.chat("hello")
        leaving = [asyncio.ensure_future(ask(llm)) for _ in range(5)]
        await asyncio.sleep(0.1)
        for task in leaving:
            task.cancel()
        await asyncio.gather(*leaving, return_exceptions=True)
        began = provider.clock.now()
        await llm.chat("hello")
        return provider.stats().requests, provider.clock.now() - began

    requests, waited_s = fast_forward(main())
    assert requests == 2
    assert waited_s < 1.0


def test_the_wait_is_in_the_timings() -> None:
    async def main() -> Reply:
        llm, _ = in_process(more=limits(requests_per_second=1))
        await llm.chat("hello")
        return await llm.chat("hello")

    reply = fast_forward(main())
    assert 0.9 < reply.timings.waited_s <= 1.1
    assert reply.timings.total_s >= reply.timings.waited_s


def test_the_deadline_covers_the_wait_for_a_limit() -> None:
    async def main() -> float:
        llm, provider = in_process(more=limits(requests_per_minute=1))
        await llm.chat("hello")
        began = provider.clock.now()
        with pytest.raises(TramiteError):
            await llm.chat("hello", max_wait_s=100, deadline_s=3)
        return provider.clock.now() - began

    assert fast_forward(main()) < 3.1


def test_what_the_provider_allows_is_learned_and_kept_to() -> None:
    async def main() -> tuple[int, int]:
        llm, provider = in_process(rpm=120)
        await llm.chat("hello")
        await asyncio.sleep(2)
        await asyncio.gather(*[llm.chat("hello", max_wait_s=60) for _ in range(60)])
        return provider.stats().refused.get("rpm", 0), provider.stats().requests

    refused, requests = fast_forward(main())
    assert refused == 0
    assert requests == 61


def test_a_closed_bucket_is_passed_over() -> None:
    case = Case(number=2, primary="429:retry-after=20", whole="backup", stream="backup", events="backup")

    async def main() -> tuple[int, int, float]:
        llm, two = client(case)
        began = two.primary.clock.now()
        for _ in range(10):
            await llm.chat("hello")
        return two.primary.stats().requests, two.backup.stats().requests, two.primary.clock.now() - began

    asked, answered, passed_s = fast_forward(main())
    assert (asked, answered) == (1, 10)
    assert passed_s < 1


def test_a_request_that_our_own_limit_keeps_waiting_goes_to_the_next_target() -> None:
    case = Case(number=2, primary="ok", whole="backup", stream="backup", events="backup")
    more = '[limits."primary/ok,tokens=60"]\nrequests_per_minute = 1\n'

    async def main() -> list[str]:
        llm, _ = client(case, more)
        return [(await llm.chat("hello", max_wait_s=5)).target.partition("/")[0] for _ in range(3)]

    assert fast_forward(main()) == ["primary", "backup", "backup"]


def test_limits_can_be_turned_off() -> None:
    async def main() -> float:
        llm, provider = in_process(more='[state]\nurl = "off"\n' + limits(requests_per_minute=1))
        began = provider.clock.now()
        await asyncio.gather(*[llm.chat("hello") for _ in range(5)])
        return provider.clock.now() - began

    assert fast_forward(main()) < 1


def test_batches_give_way_to_who_waits_for_an_answer() -> None:
    async def main() -> list[str]:
        llm, provider = in_process(more=limits(requests_per_second=2))
        order: list[str] = []

        async def ask(who: str) -> None:
            await llm.chat("hello", priority="batch" if who == "batch" else "interactive")
            order.append(who)

        batch = [asyncio.ensure_future(ask("batch")) for _ in range(6)]
        await asyncio.sleep(0.1)
        await ask("person")
        await asyncio.gather(*batch)
        assert provider.stats().requests == 7
        return order

    assert fast_forward(main()).index("person") <= 3
