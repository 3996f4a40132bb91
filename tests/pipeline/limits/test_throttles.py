"""What a throttle closes, for how long, and what is learned of responses: through a limiter."""

from __future__ import annotations

import asyncio

import pytest

from tests.pipeline.limits.world import World, learning, run
from tramite.errors import LimitExceeded
from tramite.pipeline.limits import Limiter, Permit, Scope
from tramite.pipeline.limits.memory import MemoryState


def test_a_throttle_closes_the_bucket_for_as_long_as_it_says() -> None:
    async def main() -> None:
        world, scopes = World(), learning()
        permit = await world.ask("a", scopes)
        assert permit.throttled(7.0) == 7.0
        assert permit.throttled(3.0) == pytest.approx(7.0, abs=0.1)
        permit.abandon(sent=True)
        assert world.limiter.closed_s(scopes) == pytest.approx(7.0, abs=0.1)
        assert world.limiter.closed_s((Scope("openai"),)) == 0
        assert world.limiter.take_now(scopes, 0) is None
        with pytest.raises(LimitExceeded, match="throttled") as caught:
            await world.ask("b", scopes, within_s=5)
        assert caught.value.retry_after_s == pytest.approx(7.0, abs=0.1)
        await world.ask("c", scopes, within_s=10)
        assert world.at("c") == pytest.approx(7.0, abs=0.1)
        assert world.limiter.closed_s(scopes) == 0

    run(main())


def test_a_start_that_was_granted_is_given_back_when_a_throttle_comes_before_it() -> None:
    async def main() -> None:
        world, scopes = World(), learning(requests_per_minute=60)
        permit = await world.ask("a", scopes)
        tasks = await world.line(world.ask("b", scopes))
        permit.throttled(5.0)
        permit.abandon(sent=True)
        await asyncio.gather(*tasks)
        assert world.at("b") == pytest.approx(5.0, abs=0.1)

    run(main())


def test_without_hint_and_headers_it_closes_for_longer_each_time_until_an_answer_comes() -> None:
    async def main() -> list[float]:
        limiter, scopes, closed = Limiter(MemoryState()), learning(), []
        for answer in (False, False, False, True, False):
            permit = await limiter.take(scopes, 0, within_s=60)
            if answer:
                permit.settle(None)
            else:
                closed.append(permit.throttled(None))
                permit.abandon(sent=True)
        return closed

    assert run(main()) == pytest.approx([0.5, 1.0, 2.0, 0.5])


def test_many_throttles_of_one_moment_count_as_one() -> None:
    async def main() -> list[float]:
        limiter, scopes = Limiter(MemoryState()), learning()
        permits = [limiter.take_now(scopes, 0) for _ in range(20)]
        return [permit.throttled(None) for permit in permits if permit]

    assert run(main()) == pytest.approx([0.5] * 20, abs=0.01)


def test_a_provider_without_rates_gets_less_at_once_after_a_throttle_and_slowly_more_again() -> None:
    async def main() -> None:
        limiter, scopes = Limiter(MemoryState()), learning()
        permits = [permit for _ in range(10) if (permit := limiter.take_now(scopes, 0))]
        assert len(permits) == 10
        for permit in permits:
            permit.throttled(0.5)  # the first cuts, the rest are of the same moment
        for permit in permits:
            permit.abandon(sent=True)
        await asyncio.sleep(1)
        permits = fill(limiter, scopes)
        assert len(permits) == 7
        for most in (7, 8, 9):  # as many answers as there are at once, and there may be one more
            for _ in range(most):
                permits.pop(0).settle(None)
                permits += fill(limiter, scopes)
            assert len(permits) == most + 1
        await asyncio.sleep(700)
        permits.pop(0).settle(None)
        assert len(fill(limiter, scopes)) == 50

    def fill(limiter: Limiter, scopes: tuple[Scope, ...]) -> list[Permit]:
        return [permit for _ in range(50) if (permit := limiter.take_now(scopes, 0))]

    run(main())


def test_limits_are_learned_from_headers_and_shown() -> None:
    async def main() -> None:
        world, scopes = World(), learning(requests_per_minute=6000)
        permit = await world.ask("a", scopes)
        permit.answered({"x-ratelimit-limit-requests": "60", "x-ratelimit-remaining-requests": "59"})
        permit.settle(None)
        await world.ask("b", scopes)
        await world.ask("c", scopes)
        assert world.at("c") == pytest.approx(1.0, abs=0.1)
        (view,) = await world.limiter.views()
        assert (view.name, view.limits.requests_per_minute, view.in_flight) == ("openai/m", 6000, 2)
        assert [(known.source, known.rate.most) for known in view.learned] == [("x-ratelimit-limit-requests", 60)]
        assert view.learned_ago_s == pytest.approx(1.0, abs=0.1)
        assert view.fill == pytest.approx(1.0, abs=0.1)
        assert repr(world.limiter) == "Limiter(MemoryState(1 buckets), in flight 2, waiting 0, closed [])"

    run(main())


def test_headers_say_nothing_of_buckets_that_do_not_learn() -> None:
    async def main() -> None:
        limiter = Limiter(MemoryState())
        permit = limiter.take_now((Scope("key:alice"),), 0)
        assert permit is not None
        permit.answered({"x-ratelimit-limit-requests": "1"})
        assert permit.throttled(5.0) == 0
        assert limiter.take_now((Scope("key:alice"),), 0) is not None

    run(main())
