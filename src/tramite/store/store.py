"""The store as its users see it: holds that are on disk before a request leaves, entries that are written behind it."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from tramite.errors import ConfigError

from .database import Database, shown
from .opening import connect, connect_migrated, sqlite_path
from .retention import prune_behind
from .rows import Allowance, Entry, Standing, Texts
from .sqlite import SQLite
from .transaction import Operation, Place, Record, Release, Settle, Write, carry_out, standings
from .writer import Job, Writer

MAX_TEXTS_WAITING = 1000
"""How many operations may wait before texts are left out: rows are small, prompts need not be."""


class Store:
    """Holds and the ledger. One object serves many event loops and threads; a forked child may go on using it.

    What is queued is written when the store is closed, when nobody has it any more, and at interpreter exit.
    """

    def __init__(self, url: str, clock: Callable[[], int] | None = None) -> None:
        self.url = url
        self._clock = clock
        path = sqlite_path(url)
        at_once = None if path is None else partial(SQLite, path, waits=False)
        self._writer = Writer(shown(url), partial(connect, url), clock, at_once)
        weakref.finalize(self, self._writer.end).atexit = False  # there all writers are closed, and waited for

    def __repr__(self) -> str:
        return f"<Store {shown(self.url)}: {self._writer.waiting} waiting>"

    async def place(
        self, entry: Entry, held_nanousd: int, budgets: Sequence[Allowance], lease_s: float, *, sent: bool = True
    ) -> None:
        """Reserve this much in all of these budgets, or in none. On disk once it returns.

        The hold ends when it is settled, when it is released, or after `lease_s`: then a request that was `sent` is
        charged in full, any other released. Placing the same attempt again changes nothing, but that `sent` marks it
        as sent. Cancelling releases it. Raises BudgetExceeded, StoreFailed.
        """
        done = asyncio.get_running_loop().create_future()
        self._writer.put(Job(Place(entry, held_nanousd, tuple(budgets), lease_s, sent), done))
        try:
            await done
        except (asyncio.CancelledError, GeneratorExit):
            self.release(entry.id)  # right behind it in the queue, whether it was carried out or not
            raise

    def settle(self, entry: Entry, texts: Texts | None = None) -> None:
        """The final facts of a placed attempt. Queued: never blocks. An unknown cost charges the whole hold; a cost
        that comes after the lease ran out corrects what was charged then."""
        self._put(Settle(entry, self._bearable(texts)))

    def release(self, attempt_id: str) -> None:
        """A placed attempt was never sent: its money is free again. Queued: never blocks."""
        self._put(Release(attempt_id))

    def record(self, entry: Entry, texts: Texts | None = None) -> None:
        """An attempt that had no hold. Queued: never blocks; refused, loudly, when too much waits (see `dropped`)."""
        self._put(Record(entry, self._bearable(texts)), spare=True)

    def write(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        """Any other statement, once for each of these rows, with `?` for their values. Queued: never blocks."""
        self._put(Write(sql, rows), spare=True)

    async def flush(self) -> None:
        """Wait until all that was queued before is on disk."""
        done = asyncio.get_running_loop().create_future()
        self._writer.put(Job(None, done))
        await done

    def close(self) -> None:
        """Write what is queued, and end. Idempotent. What is settled after it is written at once, by who brings it."""
        self._writer.close()

    def budgets(self, budgets: Sequence[Allowance]) -> list[Standing]:
        """How each cap of these budgets stands. Blocks for a moment."""
        database = self.connect()
        try:
            return standings(database, budgets, self._clock and self._clock())
        finally:
            database.close()

    def connect(self) -> Database:
        """A connection of one's own, for reading; to be closed before a fork. Raises ConfigError."""
        return connect(self.url)

    @property
    def waiting(self) -> int:
        """How many operations are queued."""
        return self._writer.waiting

    @property
    def dropped(self) -> int:
        """Entries that were refused since too much waited."""
        return self._writer.dropped

    def _bearable(self, texts: Texts | None) -> Texts | None:
        return texts if self._writer.waiting < MAX_TEXTS_WAITING else None

    def _put(self, operation: Operation, spare: bool = False) -> None:
        self._writer.put(Job(operation, spare=spare))


def open_store(url: str, clock: Callable[[], int] | None = None, keep_days: int | None = None) -> Store:
    """The store at this address, its tables made or brought up to date. Blocks.

    Entries older than `keep_days` are deleted behind it, once a day; None keeps them all. `clock` gives the nanoseconds
    since 1970, for tests; else the database's own counts. Raises ConfigError, MissingExtra.
    """
    database = connect_migrated(url)
    try:
        carry_out(database, (), clock and clock())  # which sweeps
    except database.errors as error:
        if not database.may_pass(error):  # somebody else writes, and sweeps, right now
            raise ConfigError(f"cannot write the store at {database.name}: {error}") from error
    finally:
        database.close()
    if keep_days is not None:
        prune_behind(partial(connect, url), keep_days)
    return Store(url, clock)
