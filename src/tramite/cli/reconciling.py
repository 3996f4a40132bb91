"""What `tramite usage reconcile` reads and shows. Decides nothing."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import msgspec

from tramite.store import invoices
from tramite.store.filters import Filter
from tramite.store.invoices import Amounts, Invoice
from tramite.store.reading import Ledger
from tramite.store.reconciling import Line, compare
from tramite.store.retention import DAY_NS

from . import facts, ledgers, reading
from .terminal import table

HEADS = ["day", "model", "in, ledger", "invoice", "out, ledger", "invoice", "cost, ledger", "invoice", "differs"]
_ONE_SIDED = {"ledger": "only in the ledger", "invoice": "only on the invoice"}


def read(name: str) -> Invoice:
    """The invoice in a file; `-` is stdin. Raises InvalidCall."""
    text = reading.text_of(reading.file_bytes(name), name, "a CSV file is expected")
    return invoices.read(io.StringIO(text, newline=""), name)


def compared(ledger: Ledger | None, invoice: Invoice, provider: str | None) -> list[Line]:
    """The invoice's days on both sides."""
    first, last = invoice.days
    until_ns = (ledgers.moment(last, "FILE") or 0) + DAY_NS
    chosen = Filter(since_ns=ledgers.moment(first, "FILE"), until_ns=until_ns)
    sums = ledger.usage("day", "model", chosen=chosen) if ledger else []
    whose = _providers(provider or invoice.provider)
    return compare(
        [one for one in sums if not whose or one.group[1].partition("/")[0] in whose],
        invoice.amounts,
    )


def _providers(name: str | None) -> tuple[str, ...]:
    """Those of ours that one provider's invoice is about: OpenAI's two formats are on one."""
    if name is None:
        return ()
    return ("openai", "openai-responses") if name == "openai" else (name,)


def show(lines: Sequence[Line]) -> None:
    """As a table; both sides of each amount beside each other."""
    table(HEADS, map(_row, lines), gives=1)


def as_object(line: Line) -> dict[str, Any]:
    """A line for programs; null is unknown."""
    told = msgspec.to_builtins(line)
    return {**told, "side": line.side, "difference": line.difference}


def _row(line: Line) -> list[str]:
    ours, theirs = line.ledger or Amounts(), line.invoice or Amounts()
    return [
        line.day,
        line.model or "all models",
        facts.count(ours.input_tokens),
        facts.count(theirs.input_tokens),
        facts.count(ours.output_tokens),
        facts.count(theirs.output_tokens),
        _dollars(ours.cost_nanousd, line.unknown_cost),
        _dollars(theirs.cost_nanousd),
        _ONE_SIDED.get(line.side) or f"{line.difference:.1%}",
    ]


def _dollars(nanousd: int | None, unknown: int = 0) -> str:
    known = "" if nanousd is None else facts.dollars(nanousd)
    return " + ".join(part for part in (known, f"{unknown:,} unknown" if unknown else "") if part) or "?"
