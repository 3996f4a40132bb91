"""What the store keeps and tells, as typed objects. Knows no database."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import Any, Literal, TypeAlias

from msgspec import Struct

from tramite.config import Cap

State: TypeAlias = Literal["held", "sent", "settled", "released", "charged", "recorded"]
"""`held`: money is reserved, nothing was sent yet. `sent`: it was, or is about to be. `settled`: it has ended.
`released`: it was never sent. `charged`: what it cost is unknown, so the whole hold was charged. `recorded`: an entry
that had no hold."""

MAX_ERROR = 500
"""Characters of an error's text that are kept."""


class Entry(Struct, kw_only=True):
    """One attempt: a row of the ledger, and the hold while it is under way. None is unknown, never zero.

    The store sets `state`, `held_nanousd`, `lease_expires_ns` and `windows` itself. Once given to the store, an entry
    is not to be changed.
    """

    id: str
    """The attempt's. Whatever is done twice with the same id is done once."""
    call_id: str = ""
    """The same for all attempts of one request."""
    number: int = 1
    """1 for a request's first attempt."""
    at_ns: int = 0
    """When it began, in nanoseconds since 1970."""
    key: str = ""
    """The key of ours that asked; empty for nobody in particular."""
    address: str = ""
    kind: str = ""
    asked: str | None = None
    """The model as the caller wrote it."""
    route: str = ""
    provider: str = ""
    model: str = ""
    dialect: str = ""
    stream: bool = False
    state: State = "recorded"
    held_nanousd: int | None = None
    """What was reserved for it; None where nothing was."""
    cost_nanousd: int | None = None
    lease_expires_ns: int | None = None
    """Until when the hold stands without being settled; None where there is none (any more)."""
    windows: str | None = None
    """The budgets' windows that the hold is in, as JSON: `[[budget, period, start_ns], …]`."""
    status: int | None = None
    outcome: str | None = None
    """`ok`, the name of an error's class, or `left`; None while it is under way, and where nobody told."""
    error: str | None = None
    """The error's text, without secrets; cut at 500 characters."""
    finish: str | None = None
    request_id: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    reasoning_tokens: int | None = None
    usage_source: str | None = None
    maybe_billed: bool = False
    first_token_s: float | None = None
    total_s: float | None = None
    waited_s: float | None = None


class Texts(Struct, frozen=True):
    """What was asked and answered; kept only where it was asked for."""

    prompt: str | None = None
    answer: str | None = None


class Allowance(Struct, frozen=True):
    """A budget by its name: all its caps hold at once."""

    name: str
    caps: tuple[Cap, ...]


class Standing(Struct, frozen=True):
    """How one cap of a budget stands in the window that is open now. Amounts in billionths of a dollar."""

    budget: str
    cap: Cap
    spent_nanousd: int
    held_nanousd: int
    """Reserved by requests under way."""
    ends_ns: int | None
    """When the next window begins, in nanoseconds since 1970; None for one that never does."""

    @property
    def left_nanousd(self) -> int:
        """What a further hold may take at most."""
        return max(0, self.cap.nanousd - self.spent_nanousd - self.held_nanousd)


COLUMNS = Entry.__struct_fields__
"""The columns of the table `attempts`, but for `seq`."""
FIXED = ("id", "call_id", "number", "at_ns", "key", "address", "kind", "asked", "route", "provider", "model", "dialect")
"""Those that never change once the row is there: an update leaves them, and the indexes on them, alone."""

_values = attrgetter(*COLUMNS)
_foreign = attrgetter("key", "address", "asked", "route", "provider", "model", "error", "request_id", "finish")
"""What others may have written."""


def to_row(entry: Entry) -> tuple[Any, ...]:
    """The entry as a row of `COLUMNS`."""
    if entry.error is not None and len(entry.error) > MAX_ERROR:
        entry.error = entry.error[: MAX_ERROR - 1] + "…"
    values: tuple[Any, ...] = _values(entry)
    if _plain("".join(map(str, _foreign(entry)))):
        return values
    return tuple([storable(value) if type(value) is str else value for value in values])


def from_row(row: Sequence[Any]) -> Entry:
    """The entry that a row of `COLUMNS` holds."""
    entry = Entry(**dict(zip(COLUMNS, row, strict=True)))
    entry.stream, entry.maybe_billed = bool(entry.stream), bool(entry.maybe_billed)  # SQLite has no booleans
    return entry


def storable(text: str) -> str:
    """The text as every database takes it: without NUL and halves of surrogate pairs, which come from broken JSON."""
    return text if _plain(text) else text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()


def _plain(text: str) -> bool:
    return text.isascii() and "\0" not in text
