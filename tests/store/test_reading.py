"""Reading the ledger and forgetting what is old, on SQLite."""

from __future__ import annotations

import threading
import tracemalloc
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tests.store.ledgers import NOON, answered, database, failed, ledger, put
from tests.store.reading_contract import CONTRACT, ids
from tramite.store import open_store, retention
from tramite.store.filters import Filter
from tramite.store.opening import connect, sqlite_url
from tramite.store.reading import open_ledger
from tramite.store.rows import Texts

DAY_NS = retention.DAY_NS


@pytest.mark.parametrize("check", CONTRACT, ids=lambda check: check.__name__)
def test_reading(check: Callable[[str], None]) -> None:
    check(sqlite_url(Path("ledger.sqlite").absolute()))


def test_where_nothing_was_kept_there_is_no_ledger_and_none_is_made() -> None:
    path = Path("none.sqlite").absolute()
    assert open_ledger(sqlite_url(path)) is None
    assert not path.exists()


def test_accents_need_not_be_written() -> None:
    with ledger(answered(1), texts={"attempt-1": Texts("Perché no?", "Così è")}) as found:
        assert ids(found, Filter(search="perche cosi")) == [1]


def test_an_error_that_changes_or_goes_is_found_by_its_last_words_alone() -> None:
    with database(Path("ledger.sqlite")) as store:
        put(store, [failed(1, text="early words"), answered(2)])
        store.execute("UPDATE attempts SET error = 'late words' WHERE id = 'attempt-1'")
        store.execute("UPDATE attempts SET error = 'new words' WHERE id = 'attempt-2'")
        found = open_ledger(sqlite_url(Path("ledger.sqlite")))
        assert found is not None
        with found:
            assert ids(found, Filter(search="early")) == []
            assert ids(found, Filter(search="words")) == [1, 2]
            store.execute("UPDATE attempts SET error = NULL WHERE id = 'attempt-1'")
            assert ids(found, Filter(search="words")) == [2]
        store.execute("DELETE FROM attempts")
        store.execute("INSERT INTO errors_words (errors_words, rank) VALUES ('integrity-check', 1)")


def test_reading_keeps_few_entries_in_memory() -> None:
    with ledger(*(answered(number) for number in range(20_000))) as found:
        for _ in found.entries(newest=1):
            pass
        tracemalloc.start()
        assert sum(1 for _ in found.entries()) == 20_000
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 3_000_000


def test_what_is_old_goes_with_its_texts_and_a_hold_under_way_stays() -> None:
    old = range(1_200)
    with database(Path("ledger.sqlite")) as store:
        texts = {"attempt-0": Texts("old words", None), "attempt-3000": Texts("new words", None)}
        live = [answered(2_000, state="held", outcome=None), answered(2_001, state="sent", outcome=None)]
        kept = answered(3_000, at_ns=NOON + DAY_NS)
        put(store, [*(failed(number) for number in old), *live, kept], texts)
        assert retention.prune(store, NOON + DAY_NS) == len(old)
        assert store.execute("SELECT id FROM attempts ORDER BY at_ns") == [
            ("attempt-2000",),
            ("attempt-2001",),
            ("attempt-3000",),
        ]
        assert store.execute("SELECT attempt_id FROM texts") == [("attempt-3000",)]
        for words in ("texts_words", "errors_words"):
            store.execute(f"INSERT INTO {words} ({words}, rank) VALUES ('integrity-check', 1)")


def test_a_window_that_may_be_open_or_has_holds_stays() -> None:
    with database(Path("ledger.sqlite")) as store:
        rows = [
            ("gone", "day", NOON - 40 * DAY_NS, 0),
            ("month", "month", NOON - 30 * DAY_NS, 0),
            ("held", "day", NOON - 40 * DAY_NS, 5),
            ("ever", "total", 0, 0),
        ]
        store.many(
            "INSERT INTO windows (budget, period, start_ns, spent_nanousd, held_nanousd) VALUES (?, ?, ?, 1, ?)", rows
        )
        retention.prune(store, NOON)
        assert store.execute("SELECT budget FROM windows ORDER BY budget") == [("ever",), ("held",), ("month",)]


def test_it_is_done_once_a_day_whoever_opens_the_store() -> None:
    with database(Path("ledger.sqlite")) as one, database(Path("ledger.sqlite")) as other:
        put(one, [answered(1)])  # of a day that is long past, by this machine's clock or any other
        now_ns = one.begin()
        one.rollback()
        keep_days = (now_ns - NOON) // DAY_NS - 1
        assert retention.prune_daily(one, keep_days) == 1
        put(one, [answered(2)])
        assert retention.prune_daily(other, keep_days) == 0
        one.execute("UPDATE upkeep SET at_ns = at_ns - ?", (DAY_NS,))
        assert retention.prune_daily(other, keep_days) == 1


def test_it_is_done_behind_who_opens_the_store_and_a_failure_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    url = sqlite_url(Path("ledger.sqlite").absolute())
    with database(Path("ledger.sqlite")) as store:
        put(store, [answered(1, at_ns=0)])
        open_store(url, keep_days=1).close()
        for thread in threading.enumerate():
            if thread.name == "tramite: retention":
                thread.join()
        assert store.execute("SELECT count(*) FROM attempts") == [(0,)]
        store.execute("DROP TABLE upkeep")
    retention.prune_behind(partial(connect, url), 1).join()
    assert "could not be deleted" in caplog.text
