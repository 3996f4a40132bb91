"""What is believed of responses: lower at once, higher when several agree, what is left, and nothing that is old."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tramite.pipeline.limits import rates
from tramite.pipeline.limits.decisions import SECOND_US, STALE_US, learn, take
from tramite.pipeline.limits.learning import Learning, Mark
from tramite.pipeline.limits.records import Bucket, Lesson, Want
from tramite.wire.rate_limits import Reading


def reading(limit: float, remaining: float | None = None, **more: Any) -> Reading:
    fields = {"name": "requests", "window_s": 60.0, "steady": True, "source": "x-ratelimit-limit-requests"}
    return Reading(limit=limit, remaining=remaining, **fields | more)


class World:
    """Responses that come one after the other, a second apart, each to the request sent last."""

    def __init__(self) -> None:
        self.learning = Learning(rates.HEADROOM)
        self.sent = 0
        self.now = 100.0

    def comes(self, *readings: Reading, since: int = 0, age_s: float = 0.0) -> list[Lesson]:
        """A response to a request after which `since` others were sent; it was sent `age_s` ago."""
        self.sent += 1 + since
        self.now += 1
        mark = Mark(self.sent - since, 10 * (self.sent - since), self.now - age_s)
        return self.learning.read(readings, mark, Mark(self.sent, 10 * self.sent, self.now))

    @property
    def limit(self) -> float:
        return self.learning.known["requests"].learned.rate.most


def test_what_is_known_already_is_not_told_again_but_once_a_minute() -> None:
    world = World()
    assert len(world.comes(reading(60))) == 1
    assert [len(world.comes(reading(60))) for _ in range(120)] == [0] * 59 + [1] + [0] * 59 + [1]


def test_a_lower_limit_is_believed_at_once_and_a_higher_one_when_three_responses_agree() -> None:
    world = World()
    world.comes(reading(60))
    world.comes(reading(30))
    assert world.limit == 30
    world.comes(reading(60))
    world.comes(reading(60))
    assert world.limit == 30
    world.comes(reading(30))  # it was not for good
    for _ in range(2):
        world.comes(reading(60))
    assert world.limit == 30
    (lesson,) = world.comes(reading(60))
    assert (world.limit, lesson.learned.rate.most) == (60, 60)


def test_a_response_that_was_overtaken_teaches_nothing() -> None:
    learning = Learning(rates.HEADROOM)
    learning.read([reading(60)], Mark(5, 0, 1.0), Mark(5, 0, 1.0))
    assert learning.read([reading(1, 0)], Mark(4, 0, 1.0), Mark(5, 0, 1.0)) == []
    assert learning.known["requests"].reading.limit == 60


def test_an_hour_s_window_near_its_end_is_not_taken_for_a_minute_s() -> None:
    world = World()
    world.comes(reading(60, 30, window_s=3600.0, steady=False, reset_s=1800.0))
    for left_s in (50.0, 40.0, 30.0, 20.0):
        world.comes(reading(60, 30, window_s=60.0, steady=False, reset_s=left_s))
    assert world.learning.known["requests"].reading.window_s == 3600


def wait_s(lesson: Lesson) -> float:
    """How long a request waits that comes at once after this lesson."""
    bucket = Bucket()
    learn(bucket, [lesson], 0)
    return take([bucket], [Want("m")], 1, "here", 0).wait_s


def test_when_nothing_is_left_the_next_waits_until_something_is() -> None:
    steady, fixed = World(), World()
    (lesson,) = steady.comes(reading(60, 0))
    assert wait_s(lesson) == pytest.approx(1.0, abs=0.05)
    (lesson,) = fixed.comes(reading(60, 0, steady=False, reset_s=17.0))
    assert wait_s(lesson) == pytest.approx(17.0, abs=0.05)
    assert fixed.learning.free_at_s == fixed.now + 17.0


def test_what_was_sent_since_counts_as_used_and_what_came_back_since_does_not() -> None:
    (lesson,) = World().comes(reading(60, 2), since=5)
    assert wait_s(lesson) == pytest.approx(4.0, abs=0.1)
    (lesson,) = World().comes(reading(60, 2), since=5, age_s=10.0)
    assert wait_s(lesson) == 0.0


def test_as_long_as_much_is_left_our_own_count_is_enough() -> None:
    world = World()
    (lesson,) = world.comes(reading(60, 40))
    assert lesson.busy_us == 0
    assert world.comes(reading(60, 39)) == []


def test_others_who_use_the_same_secret_slow_us_down() -> None:
    """Somebody else takes half of what a provider gives: we get the other half, and are hardly ever refused."""
    left, world, bucket = 60.0, World(), Bucket()
    now, refused, got = 0, 0, 0
    for tenth in range(6000):
        left = min(60.0, left + 0.1)
        if tenth % 20 == 0 and left >= 1:
            left -= 1
        verdict = take([bucket], [Want("m")], 1, "here", now, 0)
        if verdict.granted:
            got += left >= 1
            refused += left < 1
            left = left - 1 if left >= 1 else left
            world.now = now / SECOND_US
            learn(bucket, world.comes(reading(60, int(left))), now)
        now += SECOND_US // 10
    assert got >= 270
    assert refused <= 15


def test_a_day_s_limit_is_not_spread_and_its_own_count_holds() -> None:
    (lesson,) = World().comes(reading(200, 3, window_s=86_400.0))
    bucket = Bucket()
    learn(bucket, [lesson], 0)
    granted = [take([bucket], [Want("m")], 1, "here", n).granted for n in range(4)]
    assert granted == [True, True, True, False]


def test_what_nobody_told_for_an_hour_does_not_hold() -> None:
    world = World()
    world.comes(reading(60))
    assert [rate.most for rate in world.learning.rates(world.now)] == [60]
    assert world.learning.rates(world.now + STALE_US / SECOND_US) == []


@given(st.lists(st.tuples(st.sampled_from([30.0, 60.0, 90.0]), st.integers(0, 90), st.booleans()), max_size=60))
def test_the_limit_believed_is_one_of_the_last_three_that_were_said_or_lower(
    said: list[tuple[float, int, bool]],
) -> None:
    world, limits = World(), []
    for limit, remaining, steady in said:
        lessons = world.comes(reading(limit, remaining, steady=steady, reset_s=10.0))
        limits.append(limit)
        assert world.limit <= max(limits[-3:])
        assert all(lesson.busy_us >= 0 for lesson in lessons)
