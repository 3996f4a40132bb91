"""How a target that fails is left alone, probed, and asked again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tramite.pipeline.standing import LONGEST_S, Standing


def test_a_target_that_never_failed_may_always_be_asked() -> None:
    standing = Standing()
    assert standing.well
    assert standing.rest_s(0.0) == 0.0


def test_a_failure_rests_it_and_each_further_one_twice_as_long() -> None:
    standing, now = Standing(), 100.0
    for expected in (30, 60, 120, 240, 480, LONGEST_S, LONGEST_S):
        standing.failed(now, 30)
        assert standing.rest_s(now) == pytest.approx(expected)
        now += expected
        assert standing.rest_s(now) == 0.0


def test_failures_of_requests_that_were_under_way_count_once() -> None:
    standing = Standing()
    for _ in range(50):
        standing.failed(0.0, 30)
    assert standing.rest_s(0.0) == 30


def test_after_its_rest_one_request_probes_it_and_the_others_wait_for_how_that_ends() -> None:
    standing = Standing()
    standing.failed(0.0, 30)
    assert standing.rest_s(30.0) == 0.0
    standing.probe(30.0, 10)
    assert standing.rest_s(31.0) == pytest.approx(9)
    assert standing.rest_s(40.0) == 0.0  # the probe was never heard of again: another may try
    standing.probe(40.0, 10)
    standing.succeeded()
    assert standing.well
    assert standing.rest_s(41.0) == 0.0


def test_a_probe_during_the_rest_changes_nothing() -> None:
    standing = Standing()
    standing.failed(0.0, 30)
    standing.probe(5.0, 1000)
    assert standing.rest_s(30.0) == 0.0


def test_what_the_provider_asks_for_is_never_undercut() -> None:
    standing = Standing()
    standing.failed(0.0, 30, at_least_s=3600)
    assert standing.rest_s(0.0) == 3600


def test_a_route_may_forbid_resting() -> None:
    standing = Standing()
    standing.failed(0.0, 0.0)
    assert standing.rest_s(0.0) == 0.0


@given(st.lists(st.tuples(st.sampled_from("fsp"), st.floats(0, 1000)), max_size=50))
def test_no_history_keeps_a_target_away_for_longer_than_the_longest_rest(history: list[tuple[str, float]]) -> None:
    standing, now = Standing(), 0.0
    for act, passed in history:
        now += passed
        if act == "f":
            standing.failed(now, 30)
        elif act == "s":
            standing.succeeded()
        else:
            standing.probe(now, 30)
        assert 0 <= standing.rest_s(now) <= LONGEST_S
        assert standing.rest_s(now + LONGEST_S) == 0


def test_recent_speed_counts_most() -> None:
    standing = Standing()
    standing.began(1.0)
    assert standing.first_token_s == 1.0
    for _ in range(30):
        standing.began(0.1)
    assert standing.first_token_s == pytest.approx(0.1, abs=0.01)
