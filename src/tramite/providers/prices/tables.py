"""The compact file of prices: what it holds, and how it is compiled from genai-prices' data. Does no I/O.

Source of the data: the genai-prices project (MIT, github.com/pydantic/genai-prices), which collects what providers
publish. Of each model the standard price is kept: no batch, priority or flex variants, no off-peak hours.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, TypeAlias

import msgspec
from msgspec import Struct

NANO = 10**9

Steps: TypeAlias = list[tuple[int, int]]
"""Nano-dollars per million tokens, from more than so many input tokens on; the last step passed holds for all."""

Clause: TypeAlias = list[Any]
"""How names match: `["=", name]`, `["^", start]`, `["$", end]`, `["*", part]`, `["~", regex]`; `|`, `&` join."""


class Rates(Struct, frozen=True, omit_defaults=True, rename={"input": "i", "output": "o", "cached": "c"}):
    """What a million tokens cost, by kind; None where nothing is published."""

    input: Steps | None = None
    output: Steps | None = None
    cached: Steps | None = None
    cache_write: Steps | None = msgspec.field(default=None, name="w")
    reasoning: Steps | None = msgspec.field(default=None, name="r")


class Entry(Struct, frozen=True, omit_defaults=True):
    """A model: how its name matches, how much fits in its window, and its rates by the date from which they hold."""

    id: str
    match: Clause
    rates: list[tuple[str, Rates]]
    """Dates as YYYY-MM-DD, ascending; empty for always."""
    context_tokens: int | None = msgspec.field(default=None, name="n")


class Table(Struct, frozen=True):
    """The whole file. Each provider's entries are decoded when first asked for."""

    date: str
    source: str
    providers: dict[str, msgspec.Raw]


_KINDS = {
    "input": "input_mtok",
    "output": "output_mtok",
    "cached": "cache_read_mtok",
    "cache_write": "cache_write_mtok",
    "reasoning": "output_reasoning_mtok",
}
_WORDS = {"equals": "=", "starts_with": "^", "ends_with": "$", "contains": "*", "regex": "~"}


def compile_table(providers: Iterable[Mapping[str, Any]], wanted: frozenset[str], date: str, source: str) -> bytes:
    """The compact file out of genai-prices' JSON (`data.json`, form 2). Raises KeyError, TypeError for another form."""
    compiled = {
        provider["id"]: msgspec.Raw(msgspec.json.encode([_entry(model) for model in provider["models"]]))
        for provider in providers
        if provider["id"] in wanted
    }
    return msgspec.json.encode(Table(date, source, compiled))


def _entry(model: Mapping[str, Any]) -> Entry:
    prices = model["prices"]
    conditional = prices if isinstance(prices, list) else [{"prices": prices}]
    rates = []
    for price in conditional:
        constraint = price.get("constraint") or {}
        if "start_time" not in constraint:  # off-peak hours are not worth being wrong about
            rates.append((str(constraint.get("start_date", "")), _rates(price["prices"])))
    return Entry(
        model["id"], _clause(model["match"]), sorted(rates, key=lambda dated: dated[0]), model.get("context_window")
    )


def _rates(prices: Mapping[str, Any]) -> Rates:
    return Rates(**{kind: _steps(prices[name]) for kind, name in _KINDS.items() if prices.get(name) is not None})


def _steps(price: Any) -> Steps:
    if not isinstance(price, Mapping):
        return [(0, _nano(price))]
    return [(0, _nano(price["base"])), *((tier["start"], _nano(tier["price"])) for tier in price["tiers"])]


def _nano(dollars: Any) -> int:
    return int(Decimal(str(dollars)) * NANO)


def _clause(match: Mapping[str, Any]) -> Clause:
    [(word, value)] = match.items()
    if word in ("or", "and"):
        return ["|" if word == "or" else "&", *map(_clause, value)]
    return [_WORDS[word], value]
