"""Holds and budgets, on whatever database `url` names."""

from __future__ import annotations

import asyncio
import pickle

import pytest

from tests.store.world import Clock, budget, check_sums, entry, opened, select, spent_and_held, state
from tramite.errors import BudgetExceeded
from tramite.store import Texts

HOUR_S = 3600.0


async def test_a_hold_is_on_disk_once_it_is_placed(url: str) -> None:
    with opened(url, Clock()) as store:
        await store.place(entry("a"), 70, [budget(day=100)], 60)
        assert state(url, "a") == ("sent", 70, None, False)
        assert spent_and_held(store, budget(day=100)) == [(0, 70)]


async def test_a_settled_hold_costs_what_it_cost(url: str) -> None:
    with opened(url, Clock()) as store:
        await store.place(entry("a"), 70, [budget(day=100)], 60)
        store.settle(entry("a", cost_nanousd=20, status=200, outcome="ok", input_tokens=7, total_s=0.5))
        await store.flush()
        assert state(url, "a") == ("settled", 70, 20, False)
        assert spent_and_held(store, budget(day=100)) == [(20, 0)]
        facts = select(url, "SELECT status, outcome, input_tokens, output_tokens, total_s FROM attempts")
        assert facts == [(200, "ok", 7, None, 0.5)]


async def test_a_hold_that_does_not_fit_is_refused_and_says_why(url: str) -> None:
    clock = Clock()
    with opened(url, clock) as store:
        await store.place(entry(), 70, [budget(day=100)], 60)
        with pytest.raises(BudgetExceeded, match=r"'alice' \(0.0000001/day\) would be passed: \$0 spent, ") as refused:
            await store.place(entry("b"), 31, [budget(day=100)], 60)
        assert "$0.00000007 held for requests under way, and this one may cost $0.000000031; " in str(refused.value)
        assert "the next day begins at 2026-12-01 00:00 UTC" in str(refused.value)
        assert (refused.value.budget, refused.value.retry_after_s) == ("alice", 11.5 * HOUR_S)
        assert state(url, "b") is None
        again = pickle.loads(pickle.dumps(refused.value))
        assert (str(again), vars(again)) == (str(refused.value), vars(refused.value))


async def test_a_hold_that_just_fits_is_placed(url: str) -> None:
    with opened(url, Clock()) as store:
        await store.place(entry(), 70, [budget(day=100)], 60)
        await store.place(entry(), 30, [budget(day=100)], 60)
        with pytest.raises(BudgetExceeded):
            await store.place(entry(), 1, [budget(day=100)], 60)


@pytest.mark.parametrize(("cap", "wanted"), [("total", 60), ("day", 101)])
async def test_waiting_is_not_advised_where_it_would_not_help(url: str, cap: str, wanted: int) -> None:
    with opened(url, Clock()) as store:
        await store.place(entry(), 50, [budget(**{cap: 100})], 60)
        with pytest.raises(BudgetExceeded, match="raise the budget") as refused:
            await store.place(entry(), wanted, [budget(**{cap: 100})], 60)
        assert refused.value.retry_after_s is None


async def test_several_budgets_are_taken_from_all_or_none(url: str) -> None:
    everyone, alice = budget("global", month=1000), budget(hour=80, total=200)
    with opened(url, Clock()) as store:
        await store.place(entry(), 50, [everyone, alice], 60)
        with pytest.raises(BudgetExceeded, match="'alice'"):
            await store.place(entry(), 50, [everyone, alice], 60)
        assert spent_and_held(store, everyone, alice) == [(0, 50), (0, 50), (0, 50)]
        check_sums(url)


async def test_of_several_caps_that_refuse_the_one_that_lasts_longest_is_named(url: str) -> None:
    caps = budget(hour=100, day=100)
    with opened(url, Clock()) as store:
        await store.place(entry(), 60, [caps], 60)
        with pytest.raises(BudgetExceeded, match="next day"):
            await store.place(entry(), 60, [caps], 60)


async def test_placing_twice_holds_once(url: str) -> None:
    with opened(url, Clock()) as store:
        for _ in range(2):
            await store.place(entry("a"), 70, [budget(day=100)], 60)
        assert spent_and_held(store, budget(day=100)) == [(0, 70)]


async def test_settling_twice_charges_once(url: str) -> None:
    with opened(url, Clock()) as store:
        await store.place(entry("a"), 70, [budget(day=100)], 60)
        store.settle(entry("a", cost_nanousd=20))
        store.settle(entry("a", cost_nanousd=30))
        await store.place(entry("a"), 70, [budget(day=100)], 60)
        store.release("a")
        await store.flush()
        assert state(url, "a") == ("settled", 70, 20, False)
        check_sums(url)


async def test_a_released_hold_costs_nothing_and_may_be_placed_again(url: str) -> None:
    with opened(url, Clock()) as store:
        await store.place(entry("a"), 70, [budget(day=100)], 60, sent=False)
        store.release("a")
        await store.flush()
        assert state(url, "a") == ("released", 70, 0, False)
        await store.place(entry("a"), 90, [budget(day=100)], 60)
        assert spent_and_held(store, budget(day=100)) == [(0, 90)]
        check_sums(url)


async def test_an_unknown_cost_is_the_whole_hold_and_marked(url: str) -> None:
    with opened(url, Clock()) as store:
        await store.place(entry("a"), 70, [budget(day=100)], 60)
        store.settle(entry("a", outcome="ConnectionBroken"))
        await store.flush()
        assert state(url, "a") == ("charged", 70, 70, True)
        assert spent_and_held(store, budget(day=100)) == [(70, 0)]


@pytest.mark.parametrize("held", [70, 0])
async def test_an_unknown_cost_stays_unknown_where_no_budget_holds_it(url: str, held: int) -> None:
    budgets = [] if held else [budget(day=100)]
    with opened(url, Clock()) as store:
        await store.place(entry("a"), held, budgets, 60)
        store.settle(entry("a", outcome="ok"))
        await store.flush()
        assert state(url, "a") == ("settled", held, None, False)


async def test_a_lease_that_runs_out_before_it_is_sent_is_released(url: str) -> None:
    clock = Clock()
    with opened(url, clock) as store:
        await store.place(entry("a"), 70, [budget(total=100)], 60, sent=False)
        clock.advance(60)
        assert spent_and_held(store, budget(total=100)) == [(0, 0)]
        await store.place(entry("b"), 100, [budget(total=100)], 60)
        assert state(url, "a") == ("released", 70, 0, False)
        check_sums(url)


async def test_a_lease_that_runs_out_after_it_was_sent_is_charged_in_full(url: str) -> None:
    clock = Clock()
    with opened(url, clock) as store:
        await store.place(entry("a"), 70, [budget(total=100)], 60, sent=False)
        await store.place(entry("a"), 70, [budget(total=100)], 60, sent=True)
        clock.advance(60)
        assert spent_and_held(store, budget(total=100)) == [(70, 0)]
        with pytest.raises(BudgetExceeded):
            await store.place(entry("b"), 31, [budget(total=100)], 60)
        assert state(url, "a") == ("charged", 70, 70, True)
        check_sums(url)


async def test_marking_as_sent_begins_the_lease_anew(url: str) -> None:
    clock = Clock()
    with opened(url, clock) as store:
        await store.place(entry("a"), 70, [budget(total=100)], 60, sent=False)
        clock.advance(59)
        await store.place(entry("a"), 70, [budget(total=100)], 60, sent=True)
        clock.advance(59)
        assert spent_and_held(store, budget(total=100)) == [(0, 70)]


@pytest.mark.parametrize("truth", ["settled", "released"])
async def test_the_truth_corrects_what_was_charged_when_the_lease_ran_out(url: str, truth: str) -> None:
    clock = Clock()
    with opened(url, clock) as store:
        await store.place(entry("a"), 70, [budget(total=100)], 60)
        clock.advance(61)
        await store.place(entry("b"), 1, [budget(total=100)], 60)
        if truth == "settled":
            store.settle(entry("a", cost_nanousd=20, outcome="ok"))
        else:
            store.release("a")
        await store.flush()
        cost = 20 if truth == "settled" else 0
        assert state(url, "a") == (truth, 70, cost, False)
        assert spent_and_held(store, budget(total=100)) == [(cost, 1)]
        check_sums(url)


async def test_opening_a_store_ends_the_holds_of_those_who_died(url: str) -> None:
    clock = Clock()
    with opened(url, clock) as store:
        await store.place(entry("a"), 70, [budget(total=100)], 60)
    clock.advance(61)
    with opened(url, clock):
        assert state(url, "a") == ("charged", 70, 70, True)


async def test_a_new_window_begins_with_nothing_and_a_hold_is_settled_where_it_was_placed(url: str) -> None:
    clock, caps = Clock(), budget(hour=100, day=100, month=100, total=1000)
    with opened(url, clock) as store:
        await store.place(entry("a"), 90, [caps], 10 * HOUR_S)
        clock.advance(HOUR_S)
        assert spent_and_held(store, caps) == [(0, 0), (0, 90), (0, 90), (0, 90)]
        clock.advance(11 * HOUR_S)  # December has begun; the lease ran out in November
        assert spent_and_held(store, caps) == [(0, 0), (0, 0), (0, 0), (90, 0)]
        store.settle(entry("a", cost_nanousd=20))
        await store.place(entry("b"), 100, [caps], 60)
        assert spent_and_held(store, caps) == [(0, 100), (0, 100), (0, 100), (20, 100)]
        check_sums(url)


async def test_an_entry_without_a_hold_is_recorded_once_and_costs_no_budget(url: str) -> None:
    with opened(url, Clock()) as store:
        for _ in range(2):
            store.record(entry("a", cost_nanousd=20, outcome="ok"), Texts("Ciao", "Ciao a te"))
        await store.flush()
        assert state(url, "a") == ("recorded", None, 20, False)
        assert select(url, "SELECT attempt_id, prompt, answer FROM texts") == [("a", "Ciao", "Ciao a te")]
        assert spent_and_held(store, budget(day=100)) == [(0, 0)]


async def test_texts_that_no_database_takes_are_brought_to_a_form_that_all_do(url: str) -> None:
    with opened(url, Clock()) as store:
        store.record(entry("a", asked="a\0b", error="x" * 400 + "\ud83d" * 400), Texts("perché \udc00", None))
        await store.flush()
        error = "x" * 400 + "?" * 99 + "…"
        assert select(url, "SELECT asked, error FROM attempts") == [("a\ufffdb", error)]
        assert select(url, "SELECT prompt, answer FROM texts") == [("perché ?", None)]


async def test_a_row_that_cannot_be_written_fails_alone(url: str, caplog: pytest.LogCaptureFixture) -> None:
    with opened(url, Clock()) as store:
        store.record(entry("a"))
        store.record(entry("b", input_tokens=10**30))
        store.record(entry("c"))
        await store.flush()
        assert select(url, "SELECT id FROM attempts ORDER BY seq") == [("a",), ("c",)]
    assert "could not be written and is lost" in caplog.text


async def test_many_callers_at_once_never_pass_a_budget_together(url: str) -> None:
    with opened(url, Clock()) as store:

        async def spend() -> bool:
            attempt = entry()
            try:
                await store.place(attempt, 10, [budget(day=205)], 60)
            except BudgetExceeded:
                return False
            store.settle(entry(attempt.id, cost_nanousd=10))
            return True

        assert sum(await asyncio.gather(*(spend() for _ in range(60)))) == 20
        await store.flush()
        assert spent_and_held(store, budget(day=205)) == [(200, 0)]
