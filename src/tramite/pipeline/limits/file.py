"""Buckets in files that all processes of one machine share. Decides as the memory does; the clock is the wall's."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from tramite.errors import ConfigError

from . import decisions
from .files import Change, Files, wall_us
from .records import CONCURRENCY, Bucket, Lesson, Snapshot, Verdict, Want

logger = logging.getLogger("tramite.limits")

SEEN = 1024
"""So many buckets are remembered as they were last seen; then anew."""
SWEEP_EVERY = 64
"""Files that had to be made, until those that nobody needs are looked for."""


class FileState:
    """See `State`. Where another process has a file's lock, a worker thread waits for it, never the loop.

    Raises ConfigError where the directory cannot be used.
    """

    shared = True

    def __init__(self, directory: Path, now_us: Callable[[], int] = wall_us) -> None:
        self._files = Files(directory, now_us)
        self._later: set[asyncio.Future[Any]] = set()
        self._seen: dict[str, Bucket] = {}
        self._sweep_at = 1
        self._begin()

    def __repr__(self) -> str:
        return f"FileState({str(self._files.directory)!r})"

    def take_now(self, wants: Sequence[Want], tokens: int) -> bool:
        try:
            return self._at_once(wants, partial(self._decide, wants, tokens, 0)).granted
        except BlockingIOError:
            return False
        except OSError as error:
            raise self._unusable(error) from error

    async def take(self, wants: Sequence[Want], tokens: int) -> Verdict:
        decide = partial(self._decide, wants, tokens, decisions.AHEAD_US)
        try:
            try:
                return self._at_once(wants, decide)
            except BlockingIOError:
                return await self._in_thread(wants, tokens, decide)
        except OSError as error:
            raise self._unusable(error) from error

    def give_back(self, wants: Sequence[Want], tokens: int, unsent: bool) -> None:
        def change(buckets: Sequence[Bucket], now: int) -> None:
            for bucket, want in zip(buckets, wants, strict=True):
                decisions.give_back(bucket, want, tokens, unsent, self.holder, now)
                self._seen[want.bucket] = bucket

        self._do([want.bucket for want in wants], change)

    def learn(self, bucket: str, lessons: Iterable[Lesson]) -> None:
        kept = tuple(lessons)
        self._do([bucket], lambda buckets, now: decisions.learn(buckets[0], kept, now))

    def close(self, bucket: str, for_s: float) -> None:
        for_us = int(for_s * decisions.SECOND_US)
        self._do([bucket], lambda buckets, now: decisions.close(buckets[0], now + for_us))

    def renew(self, buckets: Iterable[str]) -> None:
        for name in buckets:
            self._do([name], lambda found, now: decisions.renew(found[0], self.holder, now))

    def seen(self, bucket: str) -> tuple[Bucket, int] | None:
        found = self._seen.get(bucket)
        return None if found is None else (found, self._files.now_us())

    async def read(self) -> Snapshot:
        try:
            return await asyncio.to_thread(self._files.snapshot)
        except OSError as error:
            raise self._unusable(error) from error

    async def aclose(self) -> None:
        """Finish what had to wait, and close the files."""
        while self._later:
            await asyncio.wait(set(self._later))
        self._files.close()

    def _begin(self) -> None:
        """In a process of its own: one that was forked shares its parent's locks, and must not."""
        self._pid = os.getpid()
        self.holder = f"{_NAMESPACE}:{self._pid}:{secrets.token_hex(4)}"
        self._files.close()

    def _at_once(self, wants: Sequence[Want], decide: Change[Verdict]) -> Verdict:
        if os.getpid() != self._pid:
            self._begin()
        verdict = self._files.change([want.bucket for want in wants], decide)
        if self._files.created >= self._sweep_at:
            self._sweep_at = self._files.created + SWEEP_EVERY
            self._run_later(self._files.sweep)
        return verdict

    async def _in_thread(self, wants: Sequence[Want], tokens: int, decide: Change[Verdict]) -> Verdict:
        names = [want.bucket for want in wants]
        deciding = asyncio.ensure_future(asyncio.to_thread(self._files.wait_and_change, names, decide))
        self._remember(deciding)
        try:
            return await asyncio.shield(deciding)
        except asyncio.CancelledError:
            deciding.add_done_callback(partial(self._undo, wants, tokens))
            raise

    def _undo(self, wants: Sequence[Want], tokens: int, decided: asyncio.Future[Verdict]) -> None:
        if not decided.cancelled() and decided.exception() is None and decided.result().granted:
            self.give_back(wants, -tokens, True)

    def _decide(
        self, wants: Sequence[Want], tokens: int, ahead_us: int, buckets: Sequence[Bucket], now: int
    ) -> Verdict:
        verdict = decisions.take(buckets, wants, tokens, self.holder, now, ahead_us)
        if verdict.limit == CONCURRENCY and _drop_dead(buckets, self.holder):
            verdict = decisions.take(buckets, wants, tokens, self.holder, now, ahead_us)
        if len(self._seen) > SEEN:
            self._seen.clear()
        for bucket, want in zip(buckets, wants, strict=True):
            self._seen[want.bucket] = bucket
        return verdict

    def _do(self, names: Sequence[str], change: Change[None]) -> None:
        """Now, or else soon: nobody waits for it."""
        if os.getpid() != self._pid:
            self._begin()
        try:
            self._files.change(names, change)
        except BlockingIOError:
            self._run_later(partial(self._files.wait_and_change, names, change))
        except OSError as error:
            logger.warning("%s", self._unusable(error))

    def _run_later(self, act: Callable[[], None]) -> None:
        def acted() -> None:
            try:
                act()
            except OSError as error:
                logger.warning("%s", self._unusable(error))

        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            acted()
            return
        self._remember(loop.run_in_executor(None, acted))

    def _remember(self, later: asyncio.Future[Any]) -> None:
        self._later.add(later)
        later.add_done_callback(self._later.discard)

    def _unusable(self, error: OSError) -> ConfigError:
        return ConfigError(
            f"limits are counted in files below {self._files.directory}, which cannot be used: {error.strerror}. "
            "Make it writable, set TRAMITE_HOME to another place, or "
            'state.url = "memory" to have each process count alone.'
        )


def _drop_dead(buckets: Sequence[Bucket], holder: str) -> bool:
    """Free the slots of processes that are no more. Those of other containers end with their leases."""
    dead = [(bucket, name) for bucket in buckets for name in bucket.held if name != holder and _is_dead(name)]
    for bucket, name in dead:
        del bucket.held[name]
    return bool(dead)


def _is_dead(holder: str) -> bool:
    namespace, pid, _ = holder.split(":")
    if namespace != _NAMESPACE:
        return False
    if int(pid) == os.getpid():
        return True  # it is not us, and we have its number now
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


def _namespace() -> str:
    """What process numbers are numbers of: a container has its own."""
    try:
        return str(os.stat("/proc/self/ns/pid").st_ino)
    except OSError:
        return ""


_NAMESPACE = _namespace()
