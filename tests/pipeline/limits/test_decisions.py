"""What a bucket grants, whatever is asked of it: windows, all or none, debts, days, slots, what is given back."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.pipeline.limits.suite import RATES
from tramite.config import Limits
from tramite.pipeline.limits import rates
from tramite.pipeline.limits.decisions import (
    AHEAD_US,
    DAY_US,
    RAMP_US,
    SECOND_US,
    STALE_US,
    close,
    cost_us,
    give_back,
    idle,
    learn,
    take,
)
from tramite.pipeline.limits.records import CONCURRENCY, PER_DAY, Bucket, Learned, Lesson, Rate, Want

START = 1_700_000_000 * SECOND_US


def want(name: str = "m", **limits: Any) -> Want:
    return rates.want(name, Limits(**limits), rates.HEADROOM)


def starts(want: Want, asks: list[tuple[float, int]]) -> list[tuple[float, int]]:
    """When requests go that come at these pauses, with these tokens, each waiting for the one before: seconds."""
    bucket, now, seen = Bucket(), START, []
    for pause, tokens in asks:
        now += int(pause * SECOND_US)
        while not (verdict := take([bucket], [want], tokens, "here", now)).granted:
            now += int(verdict.wait_s * SECOND_US) - AHEAD_US + 1
        now += math.ceil(verdict.wait_s * SECOND_US)
        seen.append(((now - START) / SECOND_US, tokens))
    return seen


def most_in(window_s: float, seen: list[tuple[float, int]]) -> float:
    return max(sum(tokens for at, tokens in seen if begin <= at < begin + window_s) for begin, _ in seen)


pauses = st.lists(st.sampled_from([0.0, 0.0, 0.0, 0.0, 0.01, 0.5, 3.0]), min_size=1, max_size=120)


@given(st.sampled_from([10, 60, 90, 600, 3000]), pauses)
def test_no_second_and_no_minute_gets_more_requests_than_its_share(rpm: int, pauses: list[float]) -> None:
    seen = starts(want(requests_per_minute=rpm), [(pause, 1) for pause in pauses])
    assert most_in(60, seen) <= rpm * (1 + rates.LATE_S)
    assert most_in(1, seen) <= math.ceil(rpm / 60 * (1 + rates.LATE_S)) + 1


@given(st.lists(st.tuples(st.sampled_from([0.0, 0.0, 0.2, 5.0]), st.integers(0, 900)), min_size=1, max_size=120))
def test_no_minute_gets_more_tokens_than_its_limit_but_for_the_last_request(asks: list[tuple[float, int]]) -> None:
    seen = starts(want(tokens_per_minute=6000), asks)
    assert most_in(60, seen) <= 6000 + max(tokens for _, tokens in asks)


def test_a_busy_bucket_gives_all_but_the_headroom() -> None:
    seen = starts(want(requests_per_minute=600), [(0.0, 1)] * 6000)
    assert 6000 / seen[-1][0] == pytest.approx(10 / (1 + rates.HEADROOM), rel=0.001)


def test_a_request_larger_than_the_burst_goes_when_all_before_it_is_worked_off_and_leaves_a_debt() -> None:
    seen = starts(want(tokens_per_minute=6000), [(0.0, 3000), (0.0, 1), (0.0, 3000)])
    assert [round(at) for at, _ in seen] == [0, 30, 30]


def test_a_request_larger_than_the_whole_window_never_fits() -> None:
    bucket = Bucket()
    verdict = take([bucket], [want(tokens_per_minute=6000)], 6001, "here", START)
    assert verdict.never
    assert (verdict.bucket, verdict.limit) == ("m", "tokens_per_minute")
    assert bucket == Bucket()


@given(st.lists(st.sampled_from(RATES), min_size=2, max_size=2), st.integers(0, 400), st.integers(0, 5))
def test_of_several_buckets_all_are_taken_or_none(two: list[Rate], tokens: int, times: int) -> None:
    wants = [Want("a", (two[0],)), Want("b", (two[1],), slots=2)]
    buckets = [Bucket(), Bucket()]
    for _ in range(times):
        before = [dict(bucket.due_us) for bucket in buckets]
        verdict = take(buckets, wants, tokens, "here", START)
        moved = [bucket.due_us != old for bucket, old in zip(buckets, before, strict=True)]
        costs = [cost_us(rate, tokens if rate.tokens else 1) > 0 for rate in two]
        assert not any(moved) if not verdict.granted else moved == costs or not all(costs)


@given(st.sampled_from(RATES), st.integers(0, 5), st.integers(1, 400), st.integers(0, SECOND_US))
def test_what_was_never_sent_is_as_if_it_had_never_been_asked_for(rate: Rate, before: int, n: int, later: int) -> None:
    bucket, wanted = Bucket(), Want("m", (rate,), per_day=100, slots=100)
    for _ in range(before):
        take([bucket], [wanted], n, "here", START, DAY_US)
    old = dict(bucket.due_us)
    used, held = bucket.day_used, sum(lease.slots for lease in bucket.held.values())
    assert take([bucket], [wanted], n, "here", START, DAY_US).granted
    give_back(bucket, wanted, -n, True, "here", START + later)
    assert bucket.due_us[rate.name] <= max(old.get(rate.name, 0), START)
    assert (bucket.day_used, sum(lease.slots for lease in bucket.held.values())) == (used, held)


def test_tokens_that_were_not_used_are_free_again_unless_the_provider_counts_the_estimate() -> None:
    for refunds, wait_s in ((True, 0.0), (False, pytest.approx(5.0, abs=0.1))):
        rate = Rate("tokens", 6000, 10_000.0, 100_000, True, refunds)
        bucket = Bucket()
        take([bucket], [Want("m", (rate,))], 500, "here", START)
        give_back(bucket, Want("m", (rate,)), -500, False, "here", START)
        assert take([bucket], [Want("m", (rate,))], 500, "here", START).wait_s == wait_s


def test_tokens_used_beyond_the_estimate_are_counted() -> None:
    bucket, wanted = Bucket(), want(tokens_per_minute=6000)
    take([bucket], [wanted], 0, "here", START)
    give_back(bucket, wanted, 3000, False, "here", START)
    assert take([bucket], [wanted], 100, "here", START).wait_s == pytest.approx(30, abs=1)


def test_a_day_s_requests_may_go_at_once_and_no_more_until_it_is_over() -> None:
    bucket, wanted = Bucket(), want(requests_per_day=3)
    assert [take([bucket], [wanted], 0, "here", START + n).granted for n in range(3)] == [True] * 3
    verdict = take([bucket], [wanted], 0, "here", START + DAY_US // 2)
    assert (verdict.granted, verdict.limit, verdict.wait_s) == (False, PER_DAY, 43_200.0)
    assert [take([bucket], [wanted], 0, "here", START + DAY_US + n).granted for n in range(4)] == [True] * 3 + [False]


def test_no_more_are_in_flight_than_there_are_slots() -> None:
    bucket, wanted = Bucket(), want(concurrency=2)
    verdicts = [take([bucket], [wanted], 0, holder, START) for holder in ("one", "other", "one")]
    assert [verdict.granted for verdict in verdicts] == [True, True, False]
    assert verdicts[2].limit == CONCURRENCY
    give_back(bucket, wanted, 0, False, "other", START)
    give_back(bucket, wanted, 0, False, "other", START)  # one too many frees nobody else's
    assert [take([bucket], [wanted], 0, "one", START).granted for _ in range(2)] == [True, False]


def test_a_closed_bucket_opens_at_half_the_rate_and_is_back_at_all_of_it_after_ten_seconds() -> None:
    bucket, wanted = Bucket(), want(requests_per_minute=60_000)
    close(bucket, START + 5 * SECOND_US)
    close(bucket, START)  # an earlier end does not open it
    verdict = take([bucket], [wanted], 0, "here", START)
    assert (verdict.granted, verdict.limit, verdict.wait_s) == (False, "throttled", 5.0)

    def in_one_second_from(now: int) -> int:
        end = now + SECOND_US
        count = 0
        while (verdict := take([bucket], [wanted], 0, "here", now)).granted and now < end:
            now += math.ceil(verdict.wait_s * SECOND_US)
            count += 1
        return count

    opened = START + 5 * SECOND_US
    assert in_one_second_from(opened) == pytest.approx(520, abs=60)
    assert in_one_second_from(opened + 5 * SECOND_US) == pytest.approx(780, abs=60)
    assert in_one_second_from(opened + RAMP_US) == pytest.approx(985, abs=60)


def test_a_learned_limit_holds_beside_the_configured_one_and_is_forgotten_when_nobody_tells_it_again() -> None:
    bucket, wanted = Bucket(), want(requests_per_minute=6000)
    slow = Rate("requests", 60, 1_000_000.0, 1_000_000)
    learn(bucket, [Lesson(Learned(slow, "x-ratelimit-limit-requests", 60 * SECOND_US))], START)
    take([bucket], [wanted], 0, "here", START)
    assert take([bucket], [wanted], 0, "here", START).wait_s == 1.0
    now = START + STALE_US
    assert [take([bucket], [wanted], 0, "here", now).wait_s < 0.05 for _ in range(3)] == [True] * 3


def test_a_learned_limit_never_makes_a_request_impossible() -> None:
    bucket = Bucket()
    learn(bucket, [Lesson(Learned(RATES[3], "x-ratelimit-limit-tokens", 60 * SECOND_US))], START)
    assert take([bucket], [Want("m")], 5000, "here", START).granted


def test_a_bucket_is_idle_when_it_is_as_good_as_new() -> None:
    bucket, wanted = Bucket(), want(requests_per_minute=60, requests_per_day=9, concurrency=1)
    assert idle(bucket, START)
    take([bucket], [wanted], 0, "here", START)
    give_back(bucket, wanted, 0, False, "here", START)
    assert not idle(bucket, START + 10 * SECOND_US)
    assert idle(bucket, START + DAY_US)
