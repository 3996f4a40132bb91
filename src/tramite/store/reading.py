"""The ledger, read: its entries one by one, and what they add up to. Changes nothing, and keeps few rows in memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Literal, TypeAlias

from msgspec import Struct

from .database import Database
from .filters import EVERYTHING, FAILED, Filter
from .opening import connect_migrated, sqlite_path
from .rows import COLUMNS, Allowance, Entry, Standing, Texts, from_row
from .transaction import standings

By: TypeAlias = Literal["model", "key", "day", "hour", "outcome"]

_PAGE = 500
_COLUMNS = ", ".join(f"attempts.{name}" for name in COLUMNS)
_DAY_NS, _HOUR_NS = 86_400 * 10**9, 3_600 * 10**9
_GROUPS: dict[By, str] = {
    "model": "provider || '/' || model",
    "key": "key",
    "day": f"at_ns / {_DAY_NS}",
    "hour": f"at_ns / {_HOUR_NS}",
    "outcome": "CASE WHEN state IN ('held', 'sent') THEN 'under way' ELSE coalesce(outcome, state) END",
}
_UNKNOWN_COST = (
    "cost_nanousd IS NULL AND state NOT IN ('held', 'sent', 'released') "
    f"AND (maybe_billed OR NOT coalesce({FAILED}, FALSE))"
)
_SUMS = f"""
count(*), count(DISTINCT call_id), sum(CASE WHEN {FAILED} THEN 1 ELSE 0 END),
sum(CASE WHEN state IN ('held', 'sent') THEN 1 ELSE 0 END),
sum(input_tokens), sum(output_tokens), sum(cached_tokens), sum(cache_write_tokens), sum(reasoning_tokens),
sum(cost_nanousd), sum(CASE WHEN {_UNKNOWN_COST} THEN 1 ELSE 0 END)
"""


class Sums(Struct, frozen=True, kw_only=True):
    """What entries add up to. None is unknown: no entry knew it."""

    group: tuple[str, ...]
    """What they have in common, one for each `by`. Days and hours are UTC."""
    attempts: int
    requests: int
    """A request may take several attempts."""
    errors: int
    """Attempts that ended with one."""
    under_way: int
    input_tokens: int | None
    output_tokens: int | None
    cached_tokens: int | None
    cache_write_tokens: int | None
    reasoning_tokens: int | None
    cost_nanousd: int | None
    """Of those whose cost is known."""
    unknown_cost: int
    """Attempts that may be on the bill, nobody knows with how much: not in `cost_nanousd`."""
    first_token_p50_s: float | None = None
    first_token_p95_s: float | None = None
    total_p50_s: float | None = None
    total_p95_s: float | None = None
    """Of attempts that brought an answer."""


class Ledger:
    """A ledger to read from, with a connection of its own; for one thread at a time."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def __enter__(self) -> Ledger:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Ledger({self._database.name!r})"

    @property
    def errors(self) -> type[Exception]:
        """What the database itself raises."""
        return self._database.errors

    def close(self) -> None:
        """Close the connection."""
        self._database.close()

    def entries(self, chosen: Filter = EVERYTHING, newest: int | None = None) -> Iterator[Entry]:
        """The chosen entries, or the `newest` of them, the oldest first. They are read in pages, as they are asked for.

        Raises InvalidCall.
        """
        where, values = chosen.where(self._database.engine)
        after: tuple[int, int] = (-1, -1) if newest is None else self._before_newest(newest, where, values)
        select = (
            f"SELECT seq, {_COLUMNS} FROM attempts WHERE {where} AND at_ns >= ? AND (at_ns, seq) > (?, ?) "
            f"ORDER BY at_ns, seq LIMIT {_PAGE}"
        )
        while rows := self._database.execute(select, [*values, after[0], *after]):
            for row in rows:
                yield from_row(row[1:])
            after = (rows[-1][1 + COLUMNS.index("at_ns")], rows[-1][0])

    def count(self, chosen: Filter = EVERYTHING) -> int:
        """How many entries are chosen. Raises InvalidCall."""
        where, values = chosen.where(self._database.engine)
        return int(self._database.execute(f"SELECT count(*) FROM attempts WHERE {where}", values)[0][0])

    def page(self, chosen: Filter = EVERYTHING, size: int = 50, skip: int = 0) -> list[Entry]:
        """The `size` newest of the chosen entries behind the `skip` newest of all; the newest first.

        Raises InvalidCall.
        """
        where, values = chosen.where(self._database.engine)
        select = f"SELECT {_COLUMNS} FROM attempts WHERE {where} ORDER BY at_ns DESC, seq DESC LIMIT ? OFFSET ?"
        return [from_row(row) for row in self._database.execute(select, [*values, size, skip])]

    def texts(self, attempt_id: str) -> Texts | None:
        """What was asked and answered, where that was kept."""
        found = self._database.execute("SELECT prompt, answer FROM texts WHERE attempt_id = ?", (attempt_id,))
        return Texts(*found[0]) if found else None

    def usage(self, *by: By, chosen: Filter = EVERYTHING) -> list[Sums]:
        """What the chosen entries add up to, for each group, in order; without `by`, all together. Raises InvalidCall.

        Percentiles are those of the nearest rank.
        """
        where, values = chosen.where(self._database.engine)
        groups = "".join(f"{_GROUPS[one]}, " for one in by)
        grouped = f" GROUP BY {_numbers(len(by))} ORDER BY {_numbers(len(by))}" if by else ""
        rows = self._database.execute(f"SELECT {groups}{_SUMS} FROM attempts WHERE {where}{grouped}", values)
        first = self._percentiles(by, "first_token_s", where, values)
        total = self._percentiles(by, "total_s", where, values)
        nothing = (None, None)
        return [
            _sums(by, row, (*first.get(key, nothing), *total.get(key, nothing)))
            for row in rows
            if row[len(by)]
            for key in (tuple(row[: len(by)]),)
        ]

    def retried(self, chosen: Filter = EVERYTHING) -> dict[str, int]:
        """How many of the chosen attempts failed and were followed by another one of their request, by what failed.

        Raises InvalidCall.
        """
        where, values = chosen.where(self._database.engine)
        rows = self._database.execute(
            f"""
            SELECT outcome, count(*) FROM attempts CROSS JOIN
                 (SELECT call_id AS repeated, max(number) AS final FROM attempts
                  WHERE number > 1 AND at_ns >= ? GROUP BY call_id) AS further
            WHERE call_id = repeated AND number < final AND {FAILED} AND {where} GROUP BY outcome ORDER BY outcome
            """,  # CROSS: SQLite keeps this order, in which each attempt is looked at once
            [chosen.since_ns or 0, *values],
        )
        return {outcome: int(count) for outcome, count in rows}

    def standings(self, budgets: Sequence[Allowance]) -> list[Standing]:
        """How each cap of these budgets stands now."""
        return standings(self._database, budgets)

    def _before_newest(self, count: int, where: str, values: Sequence[Any]) -> tuple[int, int]:
        """The place before the newest so many, as `at_ns` and `seq`."""
        found = self._database.execute(
            f"SELECT at_ns, seq FROM attempts WHERE {where} ORDER BY at_ns DESC, seq DESC LIMIT 1 OFFSET ?",
            [*values, max(0, count - 1)],
        )
        return (found[0][0], found[0][1] - 1) if found else (-1, -1)

    def _percentiles(
        self, by: Sequence[By], column: str, where: str, values: Sequence[Any]
    ) -> dict[tuple[Any, ...], tuple[float | None, float | None]]:
        """The median and the 95th percentile of each group. The database sorts, so that memory here stays small."""
        names = [f"group_{number}" for number in range(len(by))]
        groups = "".join(f"{_GROUPS[one]} AS {name}, " for one, name in zip(by, names, strict=True))
        listed = "".join(f"{name}, " for name in names)
        parted = f"PARTITION BY {', '.join(names)}" if by else ""
        rows = self._database.execute(
            f"""
            WITH chosen AS (SELECT {groups}{column} AS value FROM attempts
                            WHERE {where} AND outcome = 'ok' AND {column} IS NOT NULL),
            ranked AS (SELECT {listed}value, row_number() OVER ({parted} ORDER BY value) AS place,
                       count(*) OVER ({parted}) AS size FROM chosen)
            SELECT {listed}max(CASE WHEN place = (size + 1) / 2 THEN value END),
                   max(CASE WHEN place = (size * 95 + 99) / 100 THEN value END)
            FROM ranked{f" GROUP BY {', '.join(names)}" if by else ""}
            """,
            values,
        )
        return {tuple(row[: len(by)]): (row[-2], row[-1]) for row in rows}


def open_ledger(url: str) -> Ledger | None:
    """The ledger at a store's address; None where nothing was kept there yet. Raises ConfigError, MissingExtra."""
    path = sqlite_path(url)
    if path is not None and not path.exists():
        return None
    return Ledger(connect_migrated(url))


def _numbers(count: int) -> str:
    return ", ".join(str(number + 1) for number in range(count))


def _sums(by: Sequence[By], row: Sequence[Any], percentiles: tuple[float | None, ...]) -> Sums:
    """A row of sums; Postgres gives decimals for them."""
    counts = [None if value is None else int(value) for value in row[len(by) :]]
    group = tuple(_name(one, value) for one, value in zip(by, row, strict=False))
    fields = [name for name in Sums.__struct_fields__ if name != "group"]
    known: dict[str, Any] = dict(zip(fields, (*counts, *percentiles), strict=True))
    return Sums(group=group, **known)


def _name(by: By, value: Any) -> str:
    if by == "day":
        return datetime.fromtimestamp(value * 86_400, UTC).date().isoformat()
    if by == "hour":
        return datetime.fromtimestamp(value * 3_600, UTC).strftime("%Y-%m-%dT%H:00Z")
    return str(value)
