"""Who goes when: order, priorities, what may pass what, giving up, leaving."""

from __future__ import annotations

import asyncio
import pickle
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.pipeline.limits.world import World, now, run
from tramite.config import Limits
from tramite.errors import LimitExceeded
from tramite.pipeline.limits import Limiter, Scope
from tramite.pipeline.limits.limiter import PLANS
from tramite.pipeline.limits.memory import MemoryState
from tramite.pipeline.observing import Priority

ONE_A_SECOND = (Scope("m", Limits(requests_per_minute=60)),)
ONE_AT_ONCE = (Scope("m", Limits(concurrency=1)),)


def test_who_comes_first_goes_first_at_the_pace_of_the_limit() -> None:
    async def main() -> None:
        world = World()
        await asyncio.gather(*await world.line(*[world.ask(str(n), ONE_A_SECOND) for n in range(5)]))
        assert world.order == "01234"
        assert [at for _, at in world.went] == pytest.approx([0, 1.015, 2.03, 3.045, 4.06], abs=0.06)

    run(main())


def test_a_permit_tells_how_long_it_waited() -> None:
    async def main() -> list[float]:
        world = World()
        permits = await asyncio.gather(*await world.line(*[world.ask(str(n), ONE_A_SECOND) for n in range(2)]))
        return [permit.waited_s for permit in permits]

    assert run(main()) == pytest.approx([0, 1], abs=0.06)


def test_interactive_requests_go_before_batches_that_came_earlier() -> None:
    async def main() -> str:
        world = World()
        batches = [world.ask(name, ONE_A_SECOND, priority="batch") for name in "abc"]
        people = [world.ask(name, ONE_A_SECOND) for name in "xy"]
        tasks = await world.line(*batches, *people)
        await asyncio.gather(*tasks)
        return world.order

    assert run(main()) in ("axybc", "abxyc")  # b may have been granted its start already


def test_nobody_who_comes_later_passes_without_waiting() -> None:
    async def main() -> None:
        world = World()
        await world.ask("a", ONE_A_SECOND)
        assert world.limiter.take_now(ONE_A_SECOND, 0) is None
        waiting = await world.line(world.ask("b", ONE_A_SECOND))
        await asyncio.sleep(0.99)
        assert world.limiter.take_now(ONE_A_SECOND, 0) is None
        await asyncio.gather(*waiting)

    run(main())


def test_whoever_gives_up_or_is_cancelled_takes_no_place() -> None:
    async def main() -> None:
        world = World()
        tasks = await world.line(*[world.ask(name, ONE_A_SECOND) for name in "abcd"])
        await asyncio.sleep(0.5)
        tasks[1].cancel()  # it was granted a start half a second ahead
        tasks[2].cancel()  # it was waiting in line
        await asyncio.gather(*tasks, return_exceptions=True)
        assert world.order == "ad"
        assert world.at("d") == pytest.approx(1.0, abs=0.06)

    run(main())


def test_a_permit_that_was_not_used_gives_its_place_back() -> None:
    async def main() -> None:
        limiter = Limiter(MemoryState())
        for _ in range(10):
            permit = limiter.take_now(ONE_A_SECOND, 0)
            assert permit is not None
            permit.abandon(sent=False)
            permit.abandon(sent=False)
            permit.settle(5)
        permit = limiter.take_now(ONE_A_SECOND, 0)
        assert permit is not None
        permit.abandon(sent=True)
        assert limiter.take_now(ONE_A_SECOND, 0) is None

    run(main())


def test_what_can_never_fit_fails_at_once_and_names_the_limit() -> None:
    async def main() -> LimitExceeded:
        limiter = Limiter(MemoryState())
        scopes = (Scope("openai"), Scope("openai/m", Limits(tokens_per_minute=1000)))
        with pytest.raises(LimitExceeded, match=r"openai/m: tokens_per_minute.*1,001 tokens.*never") as caught:
            await limiter.take(scopes, 1001, within_s=1e9)
        return caught.value

    error = run(main())
    assert error.retry_after_s is None
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.retry_after_s) == (str(error), None)


def test_what_would_wait_too_long_fails_at_once_and_says_how_long() -> None:
    async def main() -> tuple[LimitExceeded, float]:
        world = World()
        tasks = await world.line(*[world.ask(str(n), ONE_A_SECOND) for n in range(40)])
        began = now()
        with pytest.raises(LimitExceeded, match=r"m: requests_per_minute.*30 s") as caught:
            await world.ask("late", ONE_A_SECOND, within_s=30)
        took = now() - began
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return caught.value, took

    error, took = run(main())
    assert took < 0.1
    assert error.retry_after_s == pytest.approx(39.6, abs=1)
    assert pickle.loads(pickle.dumps(error)).retry_after_s == error.retry_after_s


def test_interactive_requests_are_not_refused_for_the_batch_that_waits() -> None:
    async def main() -> float:
        world = World()
        tasks = await world.line(*[world.ask(str(n), ONE_A_SECOND, priority="batch") for n in range(100)])
        permit = await world.ask("me", ONE_A_SECOND, within_s=5)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return permit.waited_s

    assert run(main()) < 3


def test_who_finds_no_slot_in_time_gives_up_then() -> None:
    async def main() -> float:
        world = World()
        await world.ask("a", ONE_AT_ONCE)
        with pytest.raises(LimitExceeded, match=r"m: concurrency.*another request ends"):
            await world.ask("b", ONE_AT_ONCE, within_s=3)
        return now() - world.began

    assert run(main()) == pytest.approx(3, abs=0.1)


def test_a_slot_goes_to_the_next_in_line_as_soon_as_it_is_free() -> None:
    async def main() -> None:
        world = World()
        first, *rest = await world.line(*[world.ask(name, ONE_AT_ONCE) for name in "abc"])
        (await first).settle(None)
        permit = await rest[0]
        await asyncio.sleep(5)
        permit.abandon(sent=True)
        await rest[1]
        assert world.went == [
            ("a", pytest.approx(0, abs=0.1)),
            ("b", pytest.approx(0, abs=0.1)),
            ("c", pytest.approx(5, abs=0.1)),
        ]

    run(main())


def test_a_large_request_is_not_starved_by_small_ones_that_go_another_way() -> None:
    async def main() -> None:
        world = World()
        shared = Scope("openai", Limits(tokens_per_minute=6000))
        await world.ask("-", (shared,), 3000)
        big = world.ask("B", (shared, Scope("openai/large")), 2000)
        small = [world.ask("s", (shared, Scope("openai/small")), 40) for _ in range(60)]
        await asyncio.gather(*await world.line(big, *small))
        assert world.order[1] == "B"

    run(main())


def test_one_key_s_limit_does_not_keep_another_key_waiting() -> None:
    async def main() -> None:
        world = World()
        target = Scope("openai/m", Limits(requests_per_minute=6000))
        slow, quick = Scope("key:slow", Limits(requests_per_minute=1)), Scope("key:quick")
        await world.ask("a", (target, slow))
        tasks = await world.line(world.ask("b", (target, slow)), *[world.ask("q", (target, quick)) for _ in range(50)])
        await asyncio.gather(*tasks[1:])
        assert now() - world.began < 1
        tasks[0].cancel()
        with suppress(asyncio.CancelledError):
            await tasks[0]

    run(main())


def test_the_backlog_of_one_key_makes_no_other_key_s_request_fail() -> None:
    async def main() -> None:
        world = World()
        target = Scope("openai/m", Limits(requests_per_minute=600))
        slow, quick = Scope("key:slow", Limits(requests_per_minute=1)), Scope("key:quick")
        tasks = await world.line(*[world.ask("s", (target, slow)) for _ in range(200)])
        await world.ask("q", (target, quick), within_s=1)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    run(main())


def test_whoever_is_displaced_by_one_who_came_earlier_is_not_forgotten() -> None:
    async def main() -> None:
        world = World()
        shared, other = (Scope("openai", Limits(concurrency=1)),), Scope("openai/m")
        permit = await world.ask("a", shared)
        tasks = await world.line(
            world.ask("b", shared), world.ask("c", shared), world.ask("d", (*shared, other)), world.ask("e", shared)
        )
        for task in tasks:  # when b goes, d asks before c does
            await asyncio.sleep(1)
            permit.settle(None)
            permit = await task
        assert world.order == "abcde"
        assert world.at("e") == pytest.approx(4, abs=0.1)

    run(main())


def test_thousands_wait_on_one_timer() -> None:
    async def main() -> int:
        world = World()
        loop = asyncio.get_running_loop()
        tasks = await world.line(*[world.ask("x", ONE_A_SECOND, within_s=1e6) for _ in range(1000)])
        timers = len([timer for timer in loop._scheduled if not timer.cancelled()])  # type: ignore[attr-defined]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return timers

    assert run(main()) == 1


def test_keys_and_addresses_that_are_gone_are_forgotten() -> None:
    async def main() -> tuple[int, int]:
        limiter = Limiter(MemoryState())
        for number in range(10 * PLANS):
            permit = limiter.take_now((Scope("openai"), Scope(f"address:{number}")), 0)
            assert permit is not None
            permit.settle(None)
        return len(limiter._plans), len(await limiter.views())

    plans, gates = run(main())
    assert plans <= PLANS
    assert gates <= PLANS + 1


def test_a_limiter_serves_one_loop_after_another() -> None:
    limiters: list[Limiter] = []

    async def first() -> None:
        limiters.append(Limiter(MemoryState()))
        await limiters[0].take(ONE_A_SECOND, 0, within_s=1)
        waiting = asyncio.create_task(limiters[0].take(ONE_A_SECOND, 0, within_s=100))
        await asyncio.sleep(0)
        assert waiting

    async def second() -> bool:
        await limiters[0].take(ONE_A_SECOND, 0, within_s=10)
        await limiters[0].aclose()
        return True

    run(first())
    assert run(second())


kinds = st.sampled_from(["interactive", "batch"])


@settings(max_examples=40)
@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 900), kinds, st.sampled_from([0.0, 0.3, 2.0])), max_size=25)
)
def test_each_way_is_first_come_first_served_and_leaves_nothing_behind(
    asks: Sequence[tuple[int, int, Any, float]],
) -> None:
    """Some are cancelled while they wait; whoever is left goes in order within its kind, and all slots come back."""

    async def main() -> None:
        world = World()
        shared = Scope("openai", Limits(requests_per_minute=600, tokens_per_minute=60_000, concurrency=3))
        ways = [(shared,), (shared, Scope("m1", Limits(requests_per_minute=120))), (shared, Scope("m2"))]
        went: list[tuple[int, str, int]] = []

        async def one(number: int, way: int, tokens: int, priority: Priority) -> None:
            permit = await world.limiter.take(ways[way], tokens, within_s=1e6, priority=priority)
            went.append((way, priority, number))
            try:
                await asyncio.sleep(0.2)
            finally:
                permit.settle(tokens // 2)

        tasks = []
        for number, (way, tokens, priority, pause) in enumerate(asks):
            tasks.append(asyncio.create_task(one(number, way, tokens, priority)))
            await asyncio.sleep(pause)
            if tokens % 5 == 0:
                tasks[tokens % len(tasks)].cancel()
        ends = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(end is None or isinstance(end, asyncio.CancelledError) for end in ends)
        for way in range(3):
            for kind in ("interactive", "batch"):
                numbers = [number for w, k, number in went if (w, k) == (way, kind)]
                assert numbers == sorted(numbers)
        views = await world.limiter.views()
        assert all((view.in_flight, view.waiting) == (0, 0) for view in views)
        assert not any(bucket.held for bucket in (await world.state.read()).buckets.values())

    run(main())
