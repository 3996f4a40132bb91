"""What every state must do alike: decide as `decisions` does, whatever the sequence, for all processes that share it.

`follow` drives states that share their buckets (each is another process), and holds every verdict and the buckets
themselves to a plain dict of records.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from typing import TypeAlias

from hypothesis import strategies as st

from tramite.pipeline.limits.decisions import AHEAD_US, DAY_US, SECOND_US, close, give_back, learn, renew, take
from tramite.pipeline.limits.records import Bucket, Learned, Lesson, Rate, Want
from tramite.pipeline.limits.state import State

NAMES = ("a", "b", "c")
RATES = (
    Rate("requests_per_second", 3, 333_333.4, 340_000),
    Rate("requests_per_minute", 60, 1_015_000.0, 1_100_000),
    Rate("tokens_per_minute", 6000, 10_150.7, 1_000_000, tokens=True),
    Rate("tokens_per_minute", 500, 121_800.3, 1_000_000, tokens=True, refunds=False),
)
LEARNED = (
    Learned(Rate("requests", 20, 3_045_000.6, 1_000_000), "x-ratelimit-limit-requests", 60 * SECOND_US),
    Learned(Rate("tokens", 900, 66_666.7, 1_000_000, True, False), "x-ratelimit-limit-tokens", 60 * SECOND_US),
)


class Clock:
    """Microseconds that move when told."""

    def __init__(self, now: int = 1_700_000_000 * SECOND_US) -> None:
        self.now = now

    def __call__(self) -> int:
        return self.now


Step: TypeAlias = tuple[str, int, int, int, bool]
"""What to do, in which process, and three numbers for it."""

wants = st.lists(
    st.builds(
        Want,
        st.sampled_from(NAMES),
        st.lists(st.sampled_from(RATES), max_size=2, unique_by=lambda rate: rate.name).map(tuple),
        st.sampled_from([None, None, 0.5, 2, 10]),
        st.sampled_from([None, None, 1, 3]),
    ),
    min_size=1,
    max_size=3,
    unique_by=lambda want: want.bucket,
).map(tuple)
ways = st.lists(wants, min_size=1, max_size=3)
"""The sets of buckets that requests go through."""
_what = st.sampled_from(["take", "take", "take", "take now", "give back", "learn", "close", "renew", "later", "later"])
_long = st.sampled_from([1, 1000, SECOND_US // 3, SECOND_US, 30 * SECOND_US, DAY_US // 2])
steps = st.lists(st.tuples(_what, st.integers(0, 3), st.integers(0, 1200), _long, st.booleans()), max_size=40)


async def follow(states: Sequence[State], holders: Sequence[str], clock: Clock, ways: list, steps: list[Step]) -> None:
    """Do these steps, and compare. `holders` is what the states call their processes."""
    plain: defaultdict[str, Bucket] = defaultdict(Bucket)
    granted: list[tuple[tuple[Want, ...], int, int]] = []
    for what, number, amount, long_us, flag in steps:
        who = number % len(states)
        state, holder, wants, name = states[who], holders[who], ways[number % len(ways)], NAMES[number % 3]
        if what == "take":
            verdict = await state.take(wants, amount)
            assert verdict == take([plain[want.bucket] for want in wants], wants, amount, holder, clock(), AHEAD_US)
            granted += [(wants, amount, who)] * verdict.granted
        elif what == "take now":
            expected = take([plain[want.bucket] for want in wants], wants, amount, holder, clock(), 0)
            assert state.take_now(wants, amount) == expected.granted
            granted += [(wants, amount, who)] * expected.granted
        elif what == "give back" and granted:
            wants, tokens, who = granted.pop(amount % len(granted))
            more = -tokens if flag else amount - 600
            states[who].give_back(wants, more, flag)
            for want in wants:
                give_back(plain[want.bucket], want, more, flag, holders[who], clock())
        elif what == "learn":
            lessons = [Lesson(LEARNED[amount % 2], long_us * flag)]
            state.learn(name, lessons)
            learn(plain[name], lessons, clock())
        elif what == "close":
            state.close(name, amount / 100)
            close(plain[name], clock() + int(amount / 100 * SECOND_US))
        elif what == "renew":
            state.renew([name])
            renew(plain[name], holder, clock())
        elif what == "later":
            clock.now += long_us
        await asyncio.sleep(0)
    await compare(states, plain)


async def compare(states: Sequence[State], plain: dict[str, Bucket]) -> None:
    """Every process sees the same buckets, and they are what they should be."""
    for state in states:
        kept = (await state.read()).buckets
        assert {name: bucket for name, bucket in kept.items() if bucket != Bucket()} == {
            name: bucket for name, bucket in plain.items() if bucket != Bucket()
        }
