"""One small file for each bucket: read, changed and written under its lock. Knows nothing of limits but `idle`.

A file holds when it was written, the length of its record, and the record, put in place by one call. What cannot be
read counts as empty: a limit that is lost is learned again. Locks are `flock`: the kernel frees those of the dead.
"""

from __future__ import annotations

import fcntl
import os
import struct
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from typing import TypeAlias, TypeVar

import msgspec
from msgspec import Struct

from .decisions import SECOND_US, idle
from .records import Bucket, Held, Learned, Snapshot

T = TypeVar("T")
Change: TypeAlias = Callable[[Sequence[Bucket], int], T]
"""What to do with some buckets, at this time in microseconds since 1970."""

SUFFIX = ".limit"
OPEN = 128
"""So many files are kept open; opening one takes as long as all the rest."""
WEDGED_S = 1.0
"""A lock is held for microseconds. Whoever has it for so long was stopped in between, and may not stop others."""
SETTLED_S = 60.0
"""Files that were written lately are not looked at when idle ones are removed."""
_HEAD = struct.Struct("<QI")
_USUAL, _LARGEST = 4096, 1024 * 1024
_encode = msgspec.msgpack.Encoder().encode


def wall_us() -> int:
    """Microseconds since 1970."""
    return time.time_ns() // 1000


class Record(Struct, array_like=True):
    """What is in a file."""

    name: str
    bucket: Bucket


_decode = msgspec.msgpack.Decoder(Record).decode


class Files:
    """The files of one directory, made when it is needed. Raises OSError where that cannot be used."""

    def __init__(self, directory: Path, now_us: Callable[[], int]) -> None:
        self.directory = directory
        self.now_us = now_us
        self.created = 0
        """So many files this process had to make."""
        self._open: dict[str, int] = {}

    def change(self, names: Sequence[str], change: Change[T]) -> T:
        """Do it at once. Raises BlockingIOError where another has one of the locks."""
        while len(self._open) > OPEN:
            os.close(self._open.pop(next(iter(self._open))))
        return self._change(names, change, self._open)

    def wait_and_change(self, names: Sequence[str], change: Change[T]) -> T:
        """The same, when the locks are free: for a thread that may wait. Who was stopped while it had one loses it."""
        opened: dict[str, int] = {}
        ends_at = time.monotonic() + WEDGED_S
        try:
            while True:
                try:
                    return self._change(names, change, opened)
                except BlockingIOError:
                    if time.monotonic() > ends_at:
                        self._supersede(names)
                        ends_at += WEDGED_S
                    time.sleep(0.001)
        finally:
            for descriptor in opened.values():
                os.close(descriptor)

    def snapshot(self) -> Snapshot:
        """Every bucket. For a thread that may wait."""
        found: dict[str, Bucket] = {}
        now = self.now_us()
        for path in self._paths():
            with suppress(FileNotFoundError):
                record = _record(path.read_bytes(), now)
                if record is not None:
                    found[record.name] = record.bucket
        return Snapshot(now, found)

    def sweep(self) -> None:
        """Remove the files of idle buckets."""
        for path in self._paths():
            with suppress(FileNotFoundError, BlockingIOError):
                if time.time() - path.stat().st_mtime < SETTLED_S:
                    continue
                descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    record = _record(_read(descriptor), self.now_us())
                    if record is None or idle(record.bucket, self.now_us()):
                        path.unlink()
                finally:
                    os.close(descriptor)

    def close(self) -> None:
        """Close what is open. They may be used again."""
        while self._open:
            os.close(self._open.popitem()[1])

    def _change(self, names: Sequence[str], change: Change[T], opened: dict[str, int]) -> T:
        locked: list[int] = []
        try:
            # always in the same order, so that no two wait for each other
            for name in sorted(set(names)):
                self._lock(name, opened)
                locked.append(opened[name])
            now = self.now_us()
            before = {name: _read(opened[name]) for name in names}
            records = {name: _record(data, now) or Record(name, Bucket()) for name, data in before.items()}
            result = change([records[name].bucket for name in names], now)
            for name, record in records.items():
                data = _encode(record)
                if data != before[name][_HEAD.size :][: len(data)]:
                    os.pwrite(opened[name], _HEAD.pack(now, len(data)) + data, 0)
            return result
        finally:
            for descriptor in locked:
                fcntl.flock(descriptor, fcntl.LOCK_UN)

    def _lock(self, name: str, opened: dict[str, int]) -> None:
        while True:
            if name not in opened:
                opened[name] = self._opened(name)
            descriptor = opened[name]
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if os.fstat(descriptor).st_nlink:
                    raise
            else:
                if os.fstat(descriptor).st_nlink:
                    return
            os.close(opened.pop(name))  # it was removed, or superseded: what has its name now is another file

    def _opened(self, name: str) -> int:
        path = self._path(name)
        with suppress(FileNotFoundError):
            return os.open(path, os.O_RDWR | os.O_CLOEXEC)
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.created += 1
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def _supersede(self, names: Sequence[str]) -> None:
        """Put a copy in the place of each file that is locked: its lock is of no use any more."""
        for name in names:
            path = self._path(name)
            with suppress(FileNotFoundError):
                descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    copy = path.with_name(f".{path.name}.{os.getpid()}")
                    copy.write_bytes(_read(descriptor))
                    copy.chmod(0o600)
                    copy.replace(path)
                finally:
                    os.close(descriptor)

    def _path(self, name: str) -> Path:
        return self.directory / f"{blake2b(name.encode(), digest_size=16).hexdigest()}{SUFFIX}"

    def _paths(self) -> Iterator[Path]:
        return self.directory.glob(f"[!.]*{SUFFIX}")


def _read(descriptor: int) -> bytes:
    data = os.pread(descriptor, _USUAL, 0)
    return data if len(data) < _USUAL else os.pread(descriptor, _LARGEST, 0)


def _record(data: bytes, now: int) -> Record | None:
    """What a file holds; None where that cannot be read."""
    if len(data) < _HEAD.size:
        return None
    at, length = _HEAD.unpack_from(data)
    try:
        record = _decode(data[_HEAD.size : _HEAD.size + length])
    except msgspec.DecodeError:
        return None
    if at > now + SECOND_US:
        _set_back(record.bucket, at - now)
    return record


def _set_back(bucket: Bucket, by: int) -> None:
    """The clock was set back: what was due in a minute still is."""
    bucket.due_us = {name: due - by for name, due in bucket.due_us.items()}
    bucket.held = {holder: Held(held.slots, held.until_us - by) for holder, held in bucket.held.items()}
    bucket.closed_us = max(0, bucket.closed_us - by)
    bucket.day_us -= by
    bucket.learned = {
        name: Learned(known.rate, known.source, known.window_us, known.at_us - by)
        for name, known in bucket.learned.items()
    }
