"""Entries of the ledger as files: CSV and JSONL, the oldest first, read page by page up to a bound. Knows no page."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Literal, TypeAlias

import msgspec

from tramite.store.filters import Filter
from tramite.store.reading import Ledger
from tramite.store.rows import COLUMNS, Entry

Form: TypeAlias = Literal["csv", "jsonl"]
FORMS: tuple[Form, ...] = ("csv", "jsonl")
TYPES: dict[Form, str] = {"csv": "text/csv", "jsonl": "application/x-ndjson"}
MOST = 20_000
"""The newest so many: some 15 MB of JSON. All of them: `tramite logs -n 0 --json`."""


def written(ledger: Ledger, chosen: Filter, form: Form, most: int = MOST) -> bytes:
    """The newest `most` of the chosen entries. Raises InvalidCall."""
    rows = map(row, ledger.entries(chosen, most))
    return _csv(rows) if form == "csv" else b"".join(msgspec.json.encode(one) + b"\n" for one in rows)


def row(entry: Entry) -> dict[str, Any]:
    """An entry as `tramite logs --json` has it: its time in words, then all that is kept."""
    return {"time": moment(entry.at_ns), **{name: getattr(entry, name) for name in COLUMNS}}


def moment(at_ns: int) -> str:
    """A moment in UTC, to the second."""
    return datetime.fromtimestamp(at_ns // 10**9, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _csv(rows: Iterator[dict[str, Any]]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, ["time", *COLUMNS], lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: _cell(value) for name, value in one.items()} for one in rows)
    return text.getvalue().encode()


def _cell(value: Any) -> Any:
    """A text that a spreadsheet would take for a formula is made one that it shows: others have written it."""
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") else value
