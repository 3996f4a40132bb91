"""What Redis decides in Lua is what `decisions` decides in Python, whatever the sequence."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis import Redis

from tests.services.redis_world import Clock, processes, told
from tramite.pipeline.limits import decisions
from tramite.pipeline.limits.decisions import DAY_US, SECOND_US
from tramite.pipeline.limits.records import Bucket, Learned, Lesson, Rate, Want
from tramite.pipeline.limits.redis import RedisState

RATES = [
    Rate("requests_per_second", 3, 333_333.4, 340_000),
    Rate("requests_per_minute", 60, 1_015_000.0, 1_100_000),
    Rate("tokens_per_minute", 6000, 10_150.7, 1_000_000, tokens=True),
    Rate("tokens_per_minute", 500, 121_800.3, 1_000_000, tokens=True, refunds=False),
]
LEARNED = {
    "a": Rate("requests", 20, 3_045_000.6, 1_000_000),
    "b": Rate("tokens", 900, 66_666.7, 1_000_000, tokens=True),
}
wants = st.builds(
    lambda rate, other, per_day, slots, names: tuple(
        Want(name, (rate,) if name == "a" else (other,), per_day, slots) for name in names
    ),
    st.sampled_from(RATES),
    st.sampled_from(RATES),
    st.sampled_from([None, None, 0.5, 3, 10]),
    st.sampled_from([None, 1, 4]),
    st.sampled_from(["a", "b", "ab"]),
)
lessons = st.integers(0, 180 * SECOND_US)
takes = st.tuples(st.just("take"), wants, st.integers(0, 1000), st.integers(0, 1))
steps = st.one_of(
    takes,
    takes,
    st.tuples(st.just("give_back"), st.integers(0, 9), st.integers(-50, 50), st.booleans()),
    st.tuples(st.just("learn"), st.sampled_from("ab"), lessons, st.integers(0, 1)),
    st.tuples(st.just("close"), st.sampled_from("ab"), st.sampled_from([0.0, 0.25, 3.0]), st.integers(0, 1)),
    st.tuples(st.just("later"), st.integers(0, 2 * SECOND_US) | st.sampled_from([15 * SECOND_US, DAY_US // 2])),
)


class Pair:
    """Two processes that share a Redis, and the same two on `decisions` alone: whatever they do, both are alike."""

    def __init__(self, states: list[RedisState], clock: Clock) -> None:
        self.states = states
        self.clock = clock
        self.buckets: defaultdict[str, Bucket] = defaultdict(Bucket)
        self.granted: list[tuple[tuple[Want, ...], int, int]] = []

    async def later(self, by_us: int) -> None:
        for state in self.states:
            await told(state)
        self.clock.now += by_us

    async def take(self, wants: tuple[Want, ...], tokens: int, who: int) -> None:
        verdict = await self.states[who].take(wants, tokens)
        buckets = [self.buckets[want.bucket] for want in wants]
        assert verdict == decisions.take(buckets, wants, tokens, str(who), self.clock())
        self.granted += [(wants, tokens, who)] * verdict.granted

    async def give_back(self, which: int, more: int, unsent: bool) -> None:
        if not self.granted:
            return
        wants, tokens, who = self.granted.pop(which % len(self.granted))
        more = -tokens if unsent else more
        self.states[who].give_back(wants, more, unsent)
        for want in wants:
            decisions.give_back(self.buckets[want.bucket], want, more, unsent, str(who), self.clock())
        await told(self.states[who])

    async def learn(self, bucket: str, busy_us: int, who: int) -> None:
        lesson = Lesson(Learned(LEARNED[bucket], "x-ratelimit-limit", 60 * SECOND_US), busy_us)
        self.states[who].learn(bucket, [lesson])
        decisions.learn(self.buckets[bucket], [lesson], self.clock())
        await told(self.states[who])

    async def close(self, bucket: str, for_s: float, who: int) -> None:
        self.states[who].close(bucket, for_s)
        decisions.close(self.buckets[bucket], self.clock() + int(for_s * SECOND_US))
        await told(self.states[who])

    async def end(self) -> None:
        """What is kept is the same too; what is not kept need not be."""
        kept = (await self.states[0].read()).buckets
        for name, bucket in self.buckets.items():
            found = kept.get(name)
            if found is None:
                assert decisions.idle(bucket, self.clock())
            else:
                found.held = bucket.held  # by other names
                assert found == bucket


@pytest.mark.timeout(600)  # to find the shortest sequence that fails takes minutes
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100)
@given(st.lists(steps, min_size=20, max_size=60))
def test_its_verdicts_are_those_of_the_decisions_in_memory(redis: str, sequence: list[tuple[Any, ...]]) -> None:
    async def play() -> None:
        clock = Clock()
        async with processes(redis, 2, now_us=clock) as states:
            pair = Pair(states, clock)
            for step, *values in sequence:
                await getattr(pair, step)(*values)
            await pair.end()

    with Redis.from_url(redis) as server:
        server.flushall()
    asyncio.run(play())
