"""The ledger against a provider's account, day by day and model by model. Reads neither."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Literal, TypeAlias

from msgspec import Struct

from .invoices import Amounts, Key
from .reading import Sums

Side: TypeAlias = Literal["both", "ledger", "invoice"]

_DATED = re.compile(r"-(?:\d{4}-\d{2}-\d{2}|\d{8}|latest)$")


class Line(Struct, frozen=True, kw_only=True):
    """A day and a model on both sides. None is unknown."""

    day: str
    model: str
    ledger: Amounts | None
    invoice: Amounts | None
    unknown_cost: int = 0
    """Attempts of the ledger's that may be on the bill, nobody knows with how much."""

    @property
    def side(self) -> Side:
        """Where it is."""
        if self.ledger is None:
            return "invoice"
        return "both" if self.invoice is not None else "ledger"

    @property
    def difference(self) -> float:
        """The largest part by which what both sides know differs: 0.01 is one hundredth of the invoice's."""
        if self.ledger is None or self.invoice is None:
            return 1.0
        parts = [
            _part(getattr(self.ledger, name), getattr(self.invoice, name))
            for name in Amounts.__struct_fields__
            if name != "cost_nanousd" or not self.unknown_cost
        ]
        return max(parts)


def compare(sums: Iterable[Sums], invoice: Mapping[Key, Amounts]) -> list[Line]:
    """Both sides, in order. `sums` are by day and model, of the days that the invoice has.

    Models are compared without their provider's name and without the date of their version. An invoice that names no
    models is held against all of a day.
    """
    by_model = any(model for _, model in invoice)
    ours: dict[Key, Amounts] = {}
    unknown: dict[Key, int] = {}
    providers: set[str] = set()
    for one in sums:
        day, target = one.group
        provider, _, model = target.partition("/")
        providers.add(provider)
        key = day, plain(model) if by_model else ""
        amounts = Amounts(one.input_tokens, one.output_tokens, one.cost_nanousd)
        if amounts != Amounts() or one.unknown_cost:
            ours.setdefault(key, Amounts()).add(amounts)
            unknown[key] = unknown.get(key, 0) + one.unknown_cost
    theirs: dict[Key, Amounts] = {}
    for (day, written), amounts in invoice.items():
        provider, _, model = written.partition("/")
        theirs.setdefault((day, plain(model if provider in providers else written)), Amounts()).add(amounts)
    return [
        Line(
            day=key[0],
            model=key[1],
            ledger=ours.get(key),
            invoice=theirs.get(key),
            unknown_cost=unknown.get(key, 0),
        )
        for key in sorted(ours.keys() | theirs.keys())
    ]


def plain(model: str) -> str:
    """A model's name as all of its versions have it: `Claude Haiku 4.5` and `claude-haiku-4-5-20251001` are one."""
    return _DATED.sub("", re.sub(r"[\s._]+", "-", model.strip().lower()))


def _part(ours: int | None, theirs: int | None) -> float:
    if ours is None or theirs is None or ours == theirs:
        return 0.0  # what one side does not say cannot differ
    return abs(ours - theirs) / theirs if theirs else 1.0
