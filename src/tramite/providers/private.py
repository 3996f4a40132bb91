"""Files that only their owner may read: written whole or not at all. Knows nothing of what is in them."""

from __future__ import annotations

import fcntl
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

MAX_BYTES = 1024 * 1024


@contextmanager
def locked(path: Path) -> Iterator[Path]:
    """Hold the folder of `path` (made with mode 0700 where it is missing), so that two writers never lose a change.

    Gives the file to write: where `path` is a link, what it points to, so that the link survives.
    """
    target = path.resolve()
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder = os.open(target.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield target
    finally:
        os.close(folder)


def replace(target: Path, data: bytes) -> None:
    """Put `data` there with mode 0600: at no moment is the file missing, half written or readable by others."""
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(8)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(temporary)
        raise


def read(path: Path, limit: int = MAX_BYTES) -> bytes | None:
    """The file's content; None where there is none. Raises OSError for what is no plain file, or is over `limit`.

    Opened without waiting, since a pipe in its place would keep us waiting for ever.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return None
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(f"{path} is not a plain file")
        data = file.read(limit + 1)
    if len(data) > limit:
        raise OSError(f"{path} is larger than {limit} bytes")
    return data


def readable_by_others(path: Path) -> bool:
    """Whether group or others may read or write it."""
    try:
        return bool(path.stat().st_mode & 0o066)
    except OSError:
        return False
