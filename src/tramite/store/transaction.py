"""What is asked of the store, and one transaction that does a batch of it. Knows no thread and no queue."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import compress, groupby
from operator import itemgetter
from typing import Any, TypeAlias

from msgspec import Struct

from tramite.errors import BudgetExceeded

from .books import Books, Sums, windows_of
from .database import Database
from .rows import COLUMNS, FIXED, Allowance, Entry, Standing, Texts, from_row, storable, to_row
from .windows import Window, read

_NAMES = ", ".join(COLUMNS)
_LIVE = f"SELECT {_NAMES} FROM attempts WHERE lease_expires_ns <= ?"
_BY_ID = f"SELECT {_NAMES} FROM attempts WHERE id = ?"
_SUMS = (
    "SELECT budget, period, start_ns, spent_nanousd, held_nanousd FROM windows "
    "WHERE budget = ? AND period = ? AND start_ns = ?"
)
_INSERT = f"INSERT INTO attempts ({_NAMES}) VALUES ({', '.join('?' * len(COLUMNS))}) ON CONFLICT (id) "
_PUT_ROW = f"{_INSERT} DO UPDATE SET " + ", ".join(f"{name} = excluded.{name}" for name in COLUMNS if name not in FIXED)
_PUT_SUMS = (
    "INSERT INTO windows (budget, period, start_ns, spent_nanousd, held_nanousd) VALUES (?, ?, ?, ?, ?) "
    "ON CONFLICT (budget, period, start_ns) "
    "DO UPDATE SET spent_nanousd = excluded.spent_nanousd, held_nanousd = excluded.held_nanousd"
)
_PUT_TEXTS = "INSERT INTO texts (attempt_id, prompt, answer) VALUES (?, ?, ?) ON CONFLICT (attempt_id) DO NOTHING"


class Place(Struct, frozen=True):
    """Reserve money for an attempt."""

    entry: Entry
    held_nanousd: int
    budgets: tuple[Allowance, ...]
    lease_s: float
    sent: bool


class Settle(Struct, frozen=True):
    """How an attempt ended, and what was said."""

    entry: Entry
    texts: Texts | None = None


class Record(Struct, frozen=True):
    """An attempt that had no hold. One that is known already stays as it is."""

    entry: Entry
    texts: Texts | None = None


class Release(Struct, frozen=True):
    """An attempt was never sent."""

    attempt_id: str


class Write(Struct, frozen=True):
    """Any other statement, once for each of these rows; for tables that the books know nothing of."""

    sql: str
    rows: Sequence[Sequence[Any]]


Operation: TypeAlias = Place | Settle | Record | Release | Write
Answer: TypeAlias = BudgetExceeded | None


def carry_out(database: Database, operations: Sequence[Operation], now_ns: int | None = None) -> list[Answer]:
    """All of them in one transaction, in their order; for each whether a budget refused it. `now_ns` is for tests."""
    clock_ns = database.begin()
    try:
        booked = [operation for operation in operations if type(operation) is not Record]  # the books know no other
        books = _books(database, booked, clock_ns if now_ns is None else now_ns)
        answers = [None if type(operation) is Record else _apply(books, operation) for operation in operations]
        _save(database, books, operations)
        database.commit()
    except BaseException:
        database.rollback()
        raise
    return answers


def standings(database: Database, budgets: Sequence[Allowance], now_ns: int | None = None) -> list[Standing]:
    """How each cap of these budgets stands; holds whose lease has run out count no more, swept or not."""
    clock_ns = database.begin(write=False)
    try:
        moment_ns = clock_ns if now_ns is None else now_ns
        return _load(database, moment_ns, (), windows_of(budgets, moment_ns)).standings(budgets)
    finally:
        database.rollback()


def _books(database: Database, operations: Iterable[Operation], now_ns: int) -> Books:
    ids: list[str] = []
    needed: list[Window] = []
    for operation in operations:
        match operation:
            case Place(entry, _, budgets):
                ids.append(entry.id)
                needed += windows_of(budgets, now_ns)
            case Settle(entry):
                ids.append(entry.id)
            case Release(attempt_id):
                ids.append(attempt_id)
    return _load(database, now_ns, ids, needed)


def _load(database: Database, now_ns: int, ids: Iterable[str], needed: Iterable[Window]) -> Books:
    """The rows of these ids and those whose lease has run out, the latter swept, and all windows that are theirs."""
    found = database.execute(_LIVE, (now_ns,)) + database.each(_BY_ID, [(attempt_id,) for attempt_id in ids])
    rows = [from_row(row) for row in found]
    windows = dict.fromkeys([*needed, *(window for row in rows for window in read(row.windows))])
    sums = {window: Sums() for window in windows}
    for budget, period, start_ns, spent, held in database.each(_SUMS, windows):
        sums[budget, period, start_ns] = Sums(spent, held)
    books = Books(now_ns, rows, sums)
    books.sweep()
    return books


def _apply(books: Books, operation: Operation) -> Answer:
    match operation:
        case Place(entry, held_nanousd, budgets, lease_s, sent):
            try:
                books.place(entry, held_nanousd, budgets, lease_s, sent)
            except BudgetExceeded as refusal:
                return refusal
        case Settle(entry):
            books.settle(entry)
        case Release(attempt_id):
            books.release(attempt_id)
    return None


def _save(database: Database, books: Books, operations: Iterable[Operation]) -> None:
    if books.changed:
        database.many(_PUT_ROW, [to_row(row) for row in books.changed.values()])
    if books.moved:
        sums = books.sums
        database.many(_PUT_SUMS, [(*at, sums[at].spent_nanousd, sums[at].held_nanousd) for at in sorted(books.moved)])
    records = [to_row(operation.entry) for operation in operations if type(operation) is Record]
    if records:
        _record(database, records)
    for operation in operations:
        if type(operation) is Record and operation.texts is None:
            continue
        match operation:
            case Settle(entry, Texts() as texts) | Record(entry, Texts() as texts):
                said = [None if text is None else storable(text) for text in (texts.prompt, texts.answer)]
                database.many(_PUT_TEXTS, [(entry.id, *said)])
            case Write(sql, rows):
                database.many(sql, rows)


def _record(database: Database, rows: Iterable[Sequence[Any]]) -> None:
    """Add these rows, without what is NULL in them: sqlite3 takes longer to think of a None than to write a number."""
    told = [(tuple([value is not None for value in row]), row) for row in rows]
    for given, alike in groupby(told, itemgetter(0)):
        database.many(_recording(given), [tuple(compress(row, given)) for _, row in alike])


@lru_cache(256)
def _recording(given: tuple[bool, ...]) -> str:
    names = list(compress(COLUMNS, given))
    values = ", ".join("?" * len(names))
    return f"INSERT INTO attempts ({', '.join(names)}) VALUES ({values}) ON CONFLICT (id) DO NOTHING"
