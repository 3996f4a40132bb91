"""A ledger with entries of a test's own, put there row by row."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tramite.store.database import Database
from tramite.store.opening import connect_migrated, sqlite_url
from tramite.store.reading import Ledger, open_ledger
from tramite.store.rows import COLUMNS, Entry, Texts, to_row


def moment(text: str) -> int:
    """A time of day in UTC, in nanoseconds since 1970."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 10**9


NOON = moment("2026-11-01T12:00:00")


def answered(number: int, **facts: Any) -> Entry:
    """An attempt that brought an answer, `number` seconds after noon."""
    usual: dict[str, Any] = {
        "call_id": f"call-{number}",
        "at_ns": NOON + number * 10**9,
        "kind": "chat",
        "provider": "sim",
        "model": "ok",
        "dialect": "openai",
        "state": "settled",
        "outcome": "ok",
        "finish": "stop",
        "status": 200,
        "input_tokens": 10,
        "output_tokens": 20,
        "cost_nanousd": 1_000,
        "usage_source": "provider",
        "total_s": 1.0,
    }
    return Entry(id=f"attempt-{number}", **{**usual, **facts})


def failed(number: int, error: str = "Overloaded", text: str = "the server is busy", **facts: Any) -> Entry:
    """An attempt that brought an error, which cost nothing."""
    nothing = {"finish": None, "input_tokens": None, "output_tokens": None, "cost_nanousd": None, "usage_source": None}
    return answered(number, **{"outcome": error, "error": text, "status": 503, **nothing, **facts})


def put(database: Database, entries: Iterable[Entry], texts: dict[str, Texts] | None = None) -> None:
    """Write them, in one transaction; texts by the attempt's id."""
    database.begin()
    marks = ", ".join("?" * len(COLUMNS))
    database.many(f"INSERT INTO attempts ({', '.join(COLUMNS)}) VALUES ({marks})", [to_row(one) for one in entries])
    for attempt, one in (texts or {}).items():
        database.execute(
            "INSERT INTO texts (attempt_id, prompt, answer) VALUES (?, ?, ?)", (attempt, one.prompt, one.answer)
        )
    database.commit()


@contextmanager
def database(path: Path) -> Iterator[Database]:
    """A store's file, ready to write to."""
    found = connect_migrated(sqlite_url(path))
    try:
        yield found
    finally:
        found.close()


@contextmanager
def ledger(*entries: Entry, texts: dict[str, Texts] | None = None, url: str = "") -> Iterator[Ledger]:
    """A ledger that holds these, to read from; in a file, where no address is given."""
    url = url or sqlite_url(Path("ledger.sqlite").absolute())
    writer = connect_migrated(url)
    put(writer, entries, texts)
    writer.close()
    found = open_ledger(url)
    assert found is not None
    with found:
        yield found
