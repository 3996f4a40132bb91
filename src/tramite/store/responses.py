"""Keeps answers for a while: the latest in memory, all of them in the store's database. Knows no call and no reply.

It has a connection and a thread of its own: an answer that cannot be kept must not be in the way of the ledger.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
import weakref
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from threading import Lock
from typing import TypeVar

from tramite.errors import ConfigError

from .database import Database
from .opening import connect_migrated

logger = logging.getLogger("tramite.store")

T = TypeVar("T")

IN_MEMORY_BYTES = 16 * 1024 * 1024
ON_DISK_BYTES = 256 * 1024 * 1024
"""What the answers may take, in memory and in the database; those that would end first make room."""
MOST_WRITES = 64
"""Writes that may be due; what comes when there are more is kept in memory alone."""
SWEEP_EVERY = 100
"""Writes from one clearing up to the next."""
RETRY_S = 10.0
"""How long a database that failed is left alone."""
_NS = 1_000_000_000

_READ = "SELECT expires_ns, reply FROM responses WHERE key = ? AND expires_ns > ?"
_WRITE = """
INSERT INTO responses (key, created_ns, expires_ns, size, reply) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (key) DO UPDATE SET
    created_ns = excluded.created_ns, expires_ns = excluded.expires_ns, size = excluded.size, reply = excluded.reply"""
_SWEEP = "DELETE FROM responses WHERE expires_ns <= ?"
_TOO_MUCH = """
SELECT expires_ns FROM (SELECT expires_ns, sum(size) OVER (ORDER BY expires_ns DESC) AS total FROM responses) AS ends
WHERE total > ? ORDER BY expires_ns DESC LIMIT 1"""


class ResponseCache:
    """Bytes under keys, each for `ttl_s` seconds. An empty `url` keeps them in this process's memory alone.

    Any number of event loops may use it, also after it was closed; a forked child goes on with a connection of its own.
    Raises ConfigError, MissingExtra when it is made. A database that fails later is only logged: what cannot be found
    is asked anew.
    """

    def __init__(self, url: str, ttl_s: float, now_ns: Callable[[], int] = time.time_ns) -> None:
        self._ttl_ns = int(ttl_s * _NS)
        self._now_ns = now_ns
        self._latest = _Latest(IN_MEMORY_BYTES)
        self._desk = _Desk(url, connect_migrated(url)) if url else None
        self._writes = 0
        _everyone.add(self)

    def __repr__(self) -> str:
        return f"<ResponseCache: {len(self._latest)} in memory{', more in the store' if self._desk else ''}>"

    async def get(self, key: str) -> bytes | None:
        """What is kept under this key; None if nothing is, or not any more."""
        now_ns = self._now_ns()
        found = self._latest.get(key, now_ns)
        if found is not None or self._desk is None:
            return found
        rows = await self._desk.soon(lambda database: database.execute(_READ, (key, now_ns)))
        if not rows:
            return None
        until_ns, reply = rows[0]
        self._latest.put(key, until_ns, reply)
        return bytes(reply)

    def put(self, key: str, reply: bytes) -> None:
        """Keep this. It does not wait for the database."""
        now_ns = self._now_ns()
        until_ns = now_ns + self._ttl_ns
        self._latest.put(key, until_ns, reply)
        if self._desk is not None:
            sweep = self._writes % SWEEP_EVERY == 0
            self._writes += 1
            self._desk.later(partial(_write, (key, now_ns, until_ns, len(reply), reply), sweep))

    async def aclose(self) -> None:
        """Write what is due, and close the connection."""
        await asyncio.to_thread(self.close)

    def close(self) -> None:
        """The same, for a thread that has no event loop to keep going."""
        if self._desk is not None:
            self._desk.close()

    def pause(self) -> None:
        """Before a fork."""
        self._latest.lock.acquire()
        if self._desk is not None:
            self._desk.pause()

    def resume(self) -> None:
        """After it, in parent and child."""
        if self._desk is not None:
            self._desk.resume()
        self._latest.lock.release()


def _write(row: tuple[str, int, int, int, bytes], sweep: bool, database: Database) -> None:
    """Each statement is a transaction of its own: none of them needs another."""
    database.execute(_WRITE, row)
    if sweep:
        database.execute(_SWEEP, (row[1],))
        for (ends_ns,) in database.execute(_TOO_MUCH, (ON_DISK_BYTES,)):
            database.execute(_SWEEP, (ends_ns,))


class _Latest:
    """The entries that were used last, up to so many bytes."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._bytes = 0
        self._entries: OrderedDict[str, tuple[int, bytes]] = OrderedDict()
        self.lock = Lock()

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: str, now_ns: int) -> bytes | None:
        with self.lock:
            until_ns, reply = self._entries.get(key, (0, b""))
            if until_ns > now_ns:
                self._entries.move_to_end(key)
                return reply
            self._remove(key)
            return None

    def put(self, key: str, until_ns: int, reply: bytes) -> None:
        with self.lock:
            self._remove(key)
            self._entries[key] = until_ns, reply
            self._bytes += len(reply)
            while self._bytes > self._most_bytes:
                self._remove(next(iter(self._entries)))

    def _remove(self, key: str) -> None:
        _, reply = self._entries.pop(key, (0, b""))
        self._bytes -= len(reply)


class _Desk:
    """One thread that does all the work on one connection, in order. The interpreter's exit waits for what is due."""

    def __init__(self, url: str, database: Database) -> None:
        self._url = url
        self._database: Database | None = database
        self._retry_at = 0.0
        self._thread: ThreadPoolExecutor | None = None
        self._due: set[Future[None]] = set()
        self._lock = Lock()

    async def soon(self, work: Callable[[Database], T]) -> T | None:
        """What the work gives; None where the database has failed."""
        return await asyncio.wrap_future(self._submit(work))

    def later(self, work: Callable[[Database], None]) -> None:
        """Have it done, unless too much is due already."""
        if len(self._due) < MOST_WRITES:
            done: Future[None] = self._submit(work)
            self._due.add(done)
            done.add_done_callback(self._due.discard)

    def close(self) -> None:
        """Do what is due, close the connection, end the thread. The next work begins anew."""
        with self._lock:
            self._end()

    def pause(self) -> None:
        """Before a fork: close, and let nobody begin anew. See `Writer.pause` for what would go wrong."""
        self._lock.acquire()
        self._end()

    def resume(self) -> None:
        """After a fork, in parent and child."""
        self._lock.release()

    def _end(self) -> None:
        thread, self._thread = self._thread or ThreadPoolExecutor(1), None
        thread.submit(self._disconnect)
        thread.shutdown()

    def _submit(self, work: Callable[[Database], T]) -> Future[T | None]:
        with self._lock:
            if self._thread is None:
                self._thread = ThreadPoolExecutor(1, "tramite: response cache")
            return self._thread.submit(self._do, work)

    def _do(self, work: Callable[[Database], T]) -> T | None:
        try:
            if self._database is None:
                if time.monotonic() < self._retry_at:
                    return None
                self._database = connect_migrated(self._url)
            return work(self._database)
        except ConfigError as error:
            self._fail(error)
        except Exception as error:
            if self._database is None or not isinstance(error, self._database.errors):
                raise
            self._fail(error)
        return None

    def _fail(self, error: Exception) -> None:
        logger.warning("the response cache is left alone for %g s: %s", RETRY_S, error)
        self._retry_at = time.monotonic() + RETRY_S
        self._disconnect()

    def _disconnect(self) -> None:
        database, self._database = self._database, None
        if database is not None:
            with suppress(database.errors):
                database.close()


_everyone: weakref.WeakSet[ResponseCache] = weakref.WeakSet()
_paused: list[ResponseCache] = []


def _pause_all() -> None:
    _paused[:] = list(_everyone)
    for cache in _paused:
        cache.pause()


def _resume_all() -> None:
    while _paused:
        _paused.pop().resume()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_pause_all, after_in_parent=_resume_all, after_in_child=_resume_all)
