"""What reading a ledger promises, whatever its database. Each check is given an address with nothing behind it yet."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.store.ledgers import NOON, answered, failed, ledger, moment
from tramite.config import Cap
from tramite.errors import InvalidCall
from tramite.store.filters import Filter
from tramite.store.reading import Ledger
from tramite.store.rows import Allowance, Entry, Texts


def ids(found: Ledger, chosen: Filter | None = None, newest: int | None = None) -> list[int]:
    entries = found.entries(chosen or Filter(), newest)
    return [int(entry.id.rpartition("-")[2]) for entry in entries]


def nth(number: int, entry: Entry) -> Entry:
    """The same as its request's so-manieth attempt."""
    entry.number = number
    return entry


def entries_come_whole_and_the_oldest_first(url: str) -> None:
    first, second = answered(1, stream=True, asked="fast", cached_tokens=3), failed(2, maybe_billed=True)
    with ledger(second, first, url=url) as found:
        assert list(found.entries()) == [first, second]


def the_newest_are_told_the_oldest_first(url: str) -> None:
    with ledger(*(answered(number) for number in (3, 1, 2)), answered(4, at_ns=NOON + 3 * 10**9), url=url) as found:
        assert ids(found, newest=2) == [3, 4]  # of one moment, in the order in which they were written
        assert ids(found, newest=3) == [2, 3, 4]
        assert ids(found, newest=9) == [1, 2, 3, 4]
        assert ids(found, Filter(key="nobody else"), newest=2) == []


def many_entries_come_in_pages(url: str) -> None:
    with ledger(*(answered(number, at_ns=NOON + number // 7) for number in range(1_234)), url=url) as found:
        assert ids(found) == list(range(1_234))


def a_page_has_the_newest_first_behind_those_that_are_skipped(url: str) -> None:
    with ledger(*(answered(number) for number in (3, 1, 2, 5)), failed(4), url=url) as found:
        for size, skip, expected in ((2, 0, [5, 4]), (2, 2, [3, 2]), (2, 4, [1]), (2, 6, [])):
            page = found.page(size=size, skip=skip)
            assert [int(entry.id.rpartition("-")[2]) for entry in page] == expected
        assert [entry.id for entry in found.page(Filter(failed=True))] == ["attempt-4"]
        assert (found.count(), found.count(Filter(failed=True)), found.count(Filter(key="nobody else"))) == (5, 1, 0)


def retries_are_told_by_the_failure_that_caused_them(url: str) -> None:
    with ledger(
        failed(1, "Throttled", call_id="a"),
        nth(2, failed(2, "Throttled", call_id="a")),
        nth(3, answered(3, call_id="a")),
        failed(4, "Overloaded", call_id="b"),
        nth(2, failed(5, "TimedOut", call_id="b", model="other")),
        failed(6, "TimedOut", call_id="c"),
        url=url,
    ) as found:
        assert found.retried() == {"Overloaded": 1, "Throttled": 2}
        assert found.retried(Filter(model="sim/ok", since_ns=NOON + 2 * 10**9)) == {"Overloaded": 1, "Throttled": 1}
        assert found.retried(Filter(since_ns=NOON + 6 * 10**9)) == {}


def budgets_stand_as_their_windows_do(url: str) -> None:
    with ledger(answered(1), url=url) as found:
        [standing] = found.standings([Allowance("global", (Cap(5_000, "total"),))])
        assert (standing.spent_nanousd, standing.left_nanousd, standing.ends_ns) == (0, 5_000, None)


def filters_choose_entries(url: str) -> None:
    with ledger(
        answered(1, key="anna", asked="fast", route="fast"),
        answered(2, key="anna", provider="other", model="deep/ok"),
        failed(3, "Throttled"),
        answered(4, outcome="left", route="slow"),
        answered(5, state="sent", outcome=None, asked="deep/ok"),
        url=url,
    ) as found:
        for chosen, expected in {
            Filter(since_ns=NOON + 2 * 10**9, until_ns=NOON + 4 * 10**9): [2, 3],
            Filter(key="anna"): [1, 2],
            Filter(key=""): [3, 4, 5],
            Filter(model="sim/ok"): [1, 3, 4, 5],
            Filter(model="other/"): [2],
            Filter(model="other/deep/ok"): [2],
            Filter(model="deep/ok"): [5],
            Filter(model="fast"): [1],
            Filter(route="slow"): [4],
            Filter(outcome="Throttled"): [3],
            Filter(failed=True): [3],
            Filter(failed=True, key="anna"): [],
        }.items():
            assert ids(found, chosen) == expected, chosen


def words_are_found_in_prompts_answers_and_errors(url: str) -> None:
    texts = {
        "attempt-1": Texts("Scrivi un titolo per Firenze", "Firenze, culla del Rinascimento"),
        "attempt-2": Texts("Say nothing", None),
    }
    with ledger(
        answered(1), answered(2), failed(3, text="quota_exceeded: nothing left"), url=url, texts=texts
    ) as found:
        for words, expected in {
            "firenze": [1],
            "TITOLO rinascimento": [1],
            "nothing": [2, 3],
            "quota_exceeded": [3],
            '" OR firenze* NEAR(': [],
            "firenze AND titolo": [],  # all are words: `and` is in no text
            "absent": [],
        }.items():
            assert ids(found, Filter(search=words)) == expected, words
        assert ids(found, Filter(search="nothing", failed=True)) == [3]
        with pytest.raises(InvalidCall, match="no word"):
            ids(found, Filter(search="%!"))
        assert found.texts("attempt-2") == texts["attempt-2"]
        assert found.texts("attempt-3") is None


def sums_tell_tokens_costs_errors_and_times(url: str) -> None:
    with ledger(
        answered(1, call_id="a", cached_tokens=4, first_token_s=0.5),
        failed(2, call_id="b"),
        answered(3, call_id="b", cost_nanousd=None, reasoning_tokens=5, total_s=3.0),
        answered(4, provider="other", state="charged", outcome=None, cost_nanousd=9, maybe_billed=True),
        failed(5, "ConnectionBroken", maybe_billed=True, provider="other"),
        answered(6, provider="other", state="sent", outcome=None, cost_nanousd=None),
        answered(7, provider="other", state="released", outcome=None, cost_nanousd=None),
        url=url,
    ) as found:
        [other, sim] = found.usage("model")
        [both] = found.usage()
    assert (sim.group, other.group, both.group) == (("sim/ok",), ("other/ok",), ())
    assert (sim.attempts, sim.requests, sim.errors, sim.under_way) == (3, 2, 1, 0)
    assert (sim.input_tokens, sim.output_tokens, sim.cached_tokens, sim.reasoning_tokens) == (20, 40, 4, 5)
    assert sim.cache_write_tokens is None
    assert (sim.cost_nanousd, sim.unknown_cost) == (1_000, 1)  # the one that failed is not on the bill
    assert (sim.first_token_p50_s, sim.total_p50_s, sim.total_p95_s) == (0.5, 1.0, 3.0)
    assert (other.attempts, other.errors, other.under_way) == (4, 1, 1)
    assert (other.cost_nanousd, other.unknown_cost) == (9, 1)
    assert (both.attempts, both.cost_nanousd, both.unknown_cost) == (7, 1_009, 2)


def sums_are_grouped_by_what_is_asked_for(url: str) -> None:
    late = moment("2026-11-01T23:59:59")
    with ledger(
        answered(1, key="anna"),
        answered(2, at_ns=late),
        answered(3, at_ns=late + 10**9),
        failed(4, key="anna"),
        url=url,
    ) as found:
        grouped = {by: {one.group[0]: one.attempts for one in found.usage(by)} for by in ("key", "day", "outcome")}
        hours = [one.group[0] for one in found.usage("hour")]
        both = [one.group for one in found.usage("day", "key")]
        none = found.usage("day", chosen=Filter(key="nobody else")), found.usage(chosen=Filter(key="nobody else"))
    assert grouped == {
        "key": {"": 2, "anna": 2},
        "day": {"2026-11-01": 3, "2026-11-02": 1},
        "outcome": {"Overloaded": 1, "ok": 3},
    }
    assert hours == ["2026-11-01T12:00Z", "2026-11-01T23:00Z", "2026-11-02T00:00Z"]
    assert both == [("2026-11-01", ""), ("2026-11-01", "anna"), ("2026-11-02", "")]
    assert none == ([], [])


def percentiles_are_those_of_the_nearest_rank(url: str) -> None:
    with ledger(*(answered(number, total_s=float(number)) for number in range(1, 101)), url=url) as found:
        [all_of_them] = found.usage()
        [ten] = found.usage(chosen=Filter(until_ns=NOON + 11 * 10**9))
    assert (all_of_them.total_p50_s, all_of_them.total_p95_s) == (50.0, 95.0)
    assert (ten.total_p50_s, ten.total_p95_s) == (5.0, 10.0)
    assert ten.first_token_p50_s is None


CONTRACT: list[Callable[[str], None]] = [
    entries_come_whole_and_the_oldest_first,
    the_newest_are_told_the_oldest_first,
    many_entries_come_in_pages,
    a_page_has_the_newest_first_behind_those_that_are_skipped,
    retries_are_told_by_the_failure_that_caused_them,
    budgets_stand_as_their_windows_do,
    filters_choose_entries,
    words_are_found_in_prompts_answers_and_errors,
    sums_tell_tokens_costs_errors_and_times,
    sums_are_grouped_by_what_is_asked_for,
    percentiles_are_those_of_the_nearest_rank,
]
