"""A world for a test of the store: a clock that moves when told, entries, budgets, and what is in the tables."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import count
from typing import Any

from tramite.config import Cap
from tramite.store import Allowance, Entry, Store, open_store
from tramite.store.opening import connect
from tramite.store.windows import NS, read

NOON_NS = int(datetime(2026, 11, 30, 12, 30, tzinfo=UTC).timestamp()) * NS
_numbers = count(1)


class Clock:
    """Nanoseconds since 1970, from noon of the last day of a month on."""

    def __init__(self) -> None:
        self.now_ns = NOON_NS

    def __call__(self) -> int:
        return self.now_ns

    def advance(self, seconds: float) -> None:
        self.now_ns += int(seconds * NS)


@contextmanager
def opened(url: str, clock: Clock | None = None) -> Iterator[Store]:
    """A store, closed at the end."""
    store = open_store(url, clock)
    try:
        yield store
    finally:
        store.close()


def entry(attempt_id: str = "", **facts: Any) -> Entry:
    """An attempt of Alice's, each with an id of its own unless one is given."""
    known: dict[str, Any] = {"call_id": "call", "at_ns": NOON_NS, "key": "alice", "kind": "chat", "provider": "sim"}
    return Entry(id=attempt_id or f"attempt-{next(_numbers)}", **(known | {"model": "ok", "dialect": "openai"} | facts))


def budget(name: str = "alice", **caps: int) -> Allowance:
    """A budget: `budget(day=100, total=1000)`, in billionths of a dollar."""
    return Allowance(name, tuple(Cap(nanousd, per) for per, nanousd in caps.items()))  # type: ignore[arg-type]


def select(url: str, sql: str, *row: Any) -> list[tuple[Any, ...]]:
    """What a query of one's own finds."""
    database = connect(url)
    try:
        return database.execute(sql, row)
    finally:
        database.close()


def state(url: str, attempt_id: str) -> tuple[Any, ...] | None:
    """An attempt's state, hold, cost, and whether it may have been billed."""
    columns = "state, held_nanousd, cost_nanousd, maybe_billed"
    found = select(url, f"SELECT {columns} FROM attempts WHERE id = ?", attempt_id)
    return (*found[0][:3], bool(found[0][3])) if found else None


def spent_and_held(store: Store, *budgets: Allowance) -> list[tuple[int, int]]:
    """For each cap."""
    return [(standing.spent_nanousd, standing.held_nanousd) for standing in store.budgets(budgets)]


def check_sums(url: str) -> None:
    """The windows hold what their rows hold, and nothing else."""
    sums: dict[Any, list[int]] = {}
    for state, held, cost, windows in select(url, "SELECT state, held_nanousd, cost_nanousd, windows FROM attempts"):
        under_way = state in ("held", "sent")
        for window in read(windows):
            total = sums.setdefault(window, [0, 0])
            total[0] += 0 if under_way else cost or 0
            total[1] += held if under_way else 0
    kept = select(url, "SELECT budget, period, start_ns, spent_nanousd, held_nanousd FROM windows")
    assert {tuple(row[:3]): list(row[3:]) for row in kept if any(row[3:])} == {k: v for k, v in sums.items() if any(v)}
