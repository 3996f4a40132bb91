"""What is kept on this machine, how much of it, and how it goes away. Knows no page."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from tramite.store.database import shown
from tramite.store.opening import sqlite_path
from tramite.store.reading import open_ledger
from tramite.workbench.house import House


class Kept(Struct, frozen=True, kw_only=True):
    """What there is. Answers to "how much do you know of me"."""

    place: str
    """The file, or the database's address without user and password."""
    file: bool
    size_bytes: int | None
    """Of the file and what belongs to it; None for a database elsewhere."""
    conversations: int
    messages: int
    temporary: int
    """Conversations that are in memory alone."""
    entries: int
    """Of the ledger."""
    keep_days: int
    keep_text: bool


def kept(house: House) -> Kept:
    """Look. Raises StoreFailed, ConfigError."""
    store = house.config.store
    path = sqlite_path(store.url)
    conversations, messages = house.stored.count()
    ledger = open_ledger(store.url)
    entries = 0
    if ledger is not None:
        with ledger:
            entries = ledger.count()
    return Kept(
        place=shown(store.url) if path is None else str(path),
        file=path is not None,
        size_bytes=None if path is None else _size(path),
        conversations=conversations,
        messages=messages,
        temporary=house.temporary.count()[0],
        entries=entries,
        keep_days=store.keep_days,
        keep_text=store.keep_text,
    )


def forget_conversations(house: House) -> None:
    """Delete all of them, those in memory too. Raises StoreFailed."""
    house.stored.delete_all()
    house.temporary.delete_all()


def readable(size_bytes: int) -> str:
    """A size for people."""
    size = float(size_bytes)
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"


def _size(path: Path) -> int:
    files = [path.with_name(path.name + suffix) for suffix in ("", "-wal", "-shm")]
    return sum(file.stat().st_size for file in files if file.exists())
