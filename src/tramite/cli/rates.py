"""What models cost, for people and for programs: dollars per million tokens. Finds no price itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from tramite.providers.prices.lookup import Price
from tramite.providers.prices.tables import NANO, Rates, Steps

from .terminal import Terminal, table

HEADS = ["model", "input $/M", "output $/M", "cached $/M", "context", "prices from"]
_NARROW = ["model", "in $/M", "out $/M", "cached", "context"]
UNKNOWN = "unknown"
_RANGE = "–"
_NOTHING = Price(rates=Rates())
_KINDS = ("input", "output", "cached", "cache_write", "reasoning")

Priced: TypeAlias = tuple[str, Price | None, int | None]
"""A model's name, its price, and the size of its context window as its provider says it."""


def show(priced: Sequence[Priced], terminal: Terminal) -> None:
    """The models as a table; on a terminal in short words, and what many have in common below it."""
    if not terminal.live:
        table(HEADS, [_row(one, _in_full, "{:,}".format) for one in priced])
        return
    rows = [_row(one, _in_short, _size) for one in priced]
    table(_NARROW, [row[:-1] for row in rows], gives=0)
    if any(_RANGE in cell for row in rows for cell in row[1:4]):
        terminal.note(f"from{_RANGE}to: long prompts cost more, from where on is told with --json, or in a pipe")
    for source in dict.fromkeys(row[-1] for row in rows if row[-1] != UNKNOWN):
        terminal.note(f"prices: {source}")


def _row(priced: Priced, shown: Callable[[Steps | None], str], size: Callable[[int], str]) -> list[str]:
    """Cached tokens without a price of their own cost what input costs."""
    name, price, context_tokens = priced
    known = price or _NOTHING
    rates = known.rates
    cached = "as input" if rates.input and not rates.cached else shown(rates.cached)
    context = context_tokens or known.context_tokens
    return [
        name,
        shown(rates.input),
        shown(rates.output),
        cached,
        size(context) if context else UNKNOWN,
        known.source or UNKNOWN,
    ]


def as_object(priced: Priced) -> dict[str, Any]:
    """A model as an object; null is unknown. `steps`: what holds for all tokens of a longer prompt."""
    name, price, context_tokens = priced
    known = price or _NOTHING
    steps = {kind: getattr(known.rates, kind) or [] for kind in _KINDS}
    return {
        "name": name,
        **{f"{kind}_per_million": _dollars(found[0][1]) if found else None for kind, found in steps.items()},
        "steps": [
            {"kind": kind, "above_input_tokens": start, "per_million": _dollars(rate)}
            for kind, found in steps.items()
            for start, rate in found[1:]
        ],
        "context_tokens": context_tokens or known.context_tokens,
        "source": known.source or None,
    }


def changes(before: Price | None, after: Price | None) -> list[str]:
    """What is different, each in words."""
    old, new = before or _NOTHING, after or _NOTHING
    found = [
        f"{kind.replace('_', '-')} {_in_full(was)} → {_in_full(now)}"
        for kind in _KINDS
        if (was := getattr(old.rates, kind)) != (now := getattr(new.rates, kind))
    ]
    if old.context_tokens != new.context_tokens:
        found.append(f"context {old.context_tokens or UNKNOWN} → {new.context_tokens or UNKNOWN}")
    return found


def _in_full(steps: Steps | None) -> str:
    if not steps:
        return UNKNOWN
    longer = ", ".join(f"{_amount(rate)} over {start:,}" for start, rate in steps[1:])
    return _amount(steps[0][1]) + (f" ({longer})" if longer else "")


def _in_short(steps: Steps | None) -> str:
    return _RANGE.join(_amount(rate) for _, rate in (steps[0], steps[-1])[: len(steps)]) if steps else UNKNOWN


def _size(tokens: int) -> str:
    """About 200k, or 1.05M."""
    return f"{tokens / 1e6:.3g}M" if tokens >= 999_500 else f"{tokens / 1000:.3g}k" if tokens >= 1000 else str(tokens)


def _amount(nano: int) -> str:
    """Dollars with as many decimals as they need, two at least."""
    whole, _, decimals = f"{nano / NANO:.9f}".partition(".")
    return f"{whole}.{decimals.rstrip('0'):0<2}"


def _dollars(nano: int) -> float:
    return nano / NANO
