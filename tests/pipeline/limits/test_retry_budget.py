"""How many retries there may be: a share of what is asked, and a few in any case."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tramite.pipeline.limits.retry_budget import RetryBudget


def retries(budget: RetryBudget, now: float) -> int:
    count = 0
    while budget.withdraw(now):
        count += 1
    return count


def test_a_few_retries_are_always_there_and_come_back() -> None:
    budget = RetryBudget()
    assert retries(budget, 1000.0) == 10
    assert retries(budget, 1009.9) == 0
    assert retries(budget, 1010.0) == 10


def test_a_fifth_of_the_first_tries_comes_on_top_and_lives_for_ten_seconds() -> None:
    budget = RetryBudget()
    for _ in range(100):
        budget.deposit(1000.5)
    assert retries(budget, 1009.0) == 30
    assert retries(budget, 1010.0) == 0
    assert retries(budget, 1019.0) == 10


def test_time_that_goes_back_gives_nothing_away() -> None:
    budget = RetryBudget()
    assert retries(budget, 1000.0) == 10
    assert retries(budget, 900.0) == 0


@given(st.lists(st.tuples(st.floats(0, 12), st.booleans()), max_size=200))
def test_retries_of_ten_seconds_never_pass_the_share_and_the_floor(steps: list[tuple[float, bool]]) -> None:
    budget, now = RetryBudget(), 1000.0
    firsts: list[float] = []
    taken: list[float] = []
    for pause, first in steps:
        now += pause
        if first:
            firsts.append(now)
            budget.deposit(now)
        elif budget.withdraw(now):
            taken.append(now)
        within = [at for at in taken if int(at) > int(now) - 10]
        assert len(within) <= 10 + 0.2 * len(firsts)
