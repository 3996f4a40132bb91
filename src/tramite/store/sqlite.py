"""SQLite as a store's database: one file, one writer at a time over all processes. Knows no table."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Iterable, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from tramite.errors import ConfigError

from .database import Engine, Row

BUSY_S = 5.0
"""How long one try waits for another process's lock."""
CHECKPOINT_CHANGES = 4000
"""After so many changed rows the write-ahead log is worked into the file."""
CHECKPOINT_PAGES = 16_000
"""When SQLite does so by itself, should that not be enough: the log is kept below 64 MB."""
MEMORY = Path(":memory:")
"""No file: what is kept there ends with the connection."""
_CHECKPOINT = "PRAGMA wal_checkpoint(PASSIVE)"
_MAY_PASS = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


class SQLite:
    """A connection to a file, which is made when it is missing, readable by its owner only. Raises ConfigError.

    One that does not wait (`waits`) fails at once where another has the lock, and leaves all that syncs to a thread.
    """

    engine: Engine = "sqlite"
    errors: type[Exception] = sqlite3.Error

    def __init__(self, path: Path, waits: bool = True) -> None:
        self.name = f"sqlite:///{path}"
        try:
            if path != MEMORY:
                _make(path.resolve())
            self._path = path
            self._waits = waits
            self._connection = _connected(path, waits)
            self._checkpoint: threading.Thread | None = None
            self._checked = 0
        except (OSError, sqlite3.Error) as error:
            why = getattr(error, "strerror", None) or str(error)
            raise ConfigError(f"cannot open the store at {self.name}: {why}") from error

    def __repr__(self) -> str:
        return f"<SQLite {self.name}>"

    def begin(self, write: bool = True) -> int:
        self._connection.execute("BEGIN IMMEDIATE" if write else "BEGIN")
        return time.time_ns()

    def commit(self) -> None:
        self._connection.execute("COMMIT")
        self._work_in()

    def rollback(self) -> None:
        if self._connection.in_transaction:
            with suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")

    def execute(self, sql: str, row: Sequence[Any] = ()) -> list[Row]:
        return self._connection.execute(sql, row).fetchall()

    def each(self, sql: str, rows: Iterable[Sequence[Any]]) -> list[Row]:
        execute = self._connection.execute
        return [found for row in rows for found in execute(sql, row)]

    def many(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        self._connection.executemany(sql, rows)

    def has_table(self, name: str) -> bool:
        return bool(self.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", (name,)))

    def may_pass(self, error: Exception) -> bool:
        return isinstance(error, sqlite3.Error) and _code(error) in _MAY_PASS

    def close(self) -> None:
        if self._checkpoint is not None and self._checkpoint.is_alive():
            self._checkpoint.join()
        self._connection.close()

    def _work_in(self) -> None:
        """The log into the file, now and then. Syncing takes long, so a thread does it while writing goes on; what was
        written meanwhile is little, and done right here, so that the log can begin anew."""
        connection = self._connection
        with suppress(sqlite3.Error, RuntimeError):  # no thread begins any more in a program that is ending
            if self._path == MEMORY:
                return
            if self._checkpoint is None:
                if connection.total_changes > self._checked + CHECKPOINT_CHANGES:
                    whole = not self._waits
                    self._checkpoint = threading.Thread(target=_work_in, args=(self._path, whole), daemon=True)
                    self._checkpoint.start()
            elif not self._checkpoint.is_alive():
                self._checkpoint, self._checked = None, connection.total_changes
                if self._waits:
                    connection.execute(_CHECKPOINT)


def _make(path: Path) -> None:
    """The file, so that it is never readable by others; SQLite gives its log the same mode.

    One that is there is left alone: closing it would let go of the locks that this process has on it.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))


def _connected(path: Path, waits: bool = True) -> sqlite3.Connection:
    """Made on one thread and used by another: never by two at once."""
    timeout_s = BUSY_S if waits else 0.0
    connection = sqlite3.connect(path, timeout=timeout_s, isolation_level=None, check_same_thread=False)
    try:
        _into_wal(connection, timeout_s)
        connection.execute("PRAGMA synchronous = NORMAL")  # survives the process's death; a power cut may undo the last
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES if waits else 0}")
    except BaseException:
        connection.close()
        raise
    return connection


def _work_in(path: Path, whole: bool) -> None:
    """`whole`: what was written meanwhile too, for which writers have to wait a moment, so that the log begins anew."""
    with suppress(sqlite3.Error), closing(_connected(path)) as connection:
        connection.execute(_CHECKPOINT)
        if whole:
            connection.execute("PRAGMA wal_checkpoint(RESTART)")


def _into_wal(connection: sqlite3.Connection, timeout_s: float) -> None:
    """Of several processes that open a new file at once, all but one find it locked: SQLite itself would not wait."""
    until = time.monotonic() + timeout_s
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if _code(error) not in _MAY_PASS or time.monotonic() > until:
                raise
            time.sleep(0.01)


def _code(error: sqlite3.Error) -> int:
    """The primary result code; -1 where the library itself raised."""
    return getattr(error, "sqlite_errorcode", -1) & 0xFF
