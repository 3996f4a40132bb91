"""Reading the ledger and forgetting what is old, on Postgres."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.store.ledgers import NOON, answered, failed, put
from tests.store.reading_contract import CONTRACT
from tramite.store import retention
from tramite.store.opening import connect_migrated
from tramite.store.rows import Texts


@pytest.mark.parametrize("check", CONTRACT, ids=lambda check: check.__name__)
def test_reading(check: Callable[[str], None], postgres: str) -> None:
    check(postgres)


def test_what_is_old_goes_with_its_texts_and_a_hold_under_way_stays(postgres: str) -> None:
    store = connect_migrated(postgres)
    put(store, [*map(failed, range(700)), answered(800, state="held")], {"attempt-1": Texts("old", None)})
    assert retention.prune(store, NOON + retention.DAY_NS) == 700
    assert store.execute("SELECT id FROM attempts") == [("attempt-800",)]
    assert store.execute("SELECT attempt_id FROM texts") == []
    assert retention.prune_daily(store, 1) == 0
    store.close()


def test_texts_longer_than_an_index_takes_are_kept(postgres: str) -> None:
    store = connect_migrated(postgres)
    words = " ".join(f"{number:x}è" for number in range(200_000))
    put(store, [answered(1)], {"attempt-1": Texts(words, "é" * 300_000)})
    assert store.execute("SELECT length(answer) FROM texts") == [(300_000,)]
    store.close()
