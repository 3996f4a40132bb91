"""What a model costs: found in the compiled file, under what the user says of it. Reads the file once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from tramite.replies import Usage

from .tables import NANO, Clause, Entry, Rates, Steps, Table

MILLION = 10**6

# Where a provider of ours has another name there. The first that knows the model counts.
SOURCES: Mapping[str, tuple[str, ...]] = {
    "openai-responses": ("openai",),
    "azure": ("azure", "openai", "deepseek", "x-ai", "moonshotai"),
    "gemini": ("google",),
    "xai": ("x-ai",),
}


class Price(Struct, frozen=True, kw_only=True):
    """What a model's tokens cost, and how many fit in its window. `source` says who says so."""

    rates: Rates
    context_tokens: int | None = None
    source: str = ""

    def cost_nanousd(self, usage: Usage) -> int | None:
        """Billionths of a dollar for this usage, rounded up once; None where a count or a rate is unknown.

        Cached and cache-write tokens without a rate of their own cost what input costs, reasoning what output costs.
        """
        rates, size = self.rates, usage.input_tokens
        if rates.input is None or size is None:
            return None
        cached, written = usage.cached_tokens or 0, usage.cache_write_tokens or 0
        total = (size - cached - written) * _at(rates.input, size)
        total += cached * _at(rates.cached or rates.input, size)
        total += written * _at(rates.cache_write or rates.input, size)
        if rates.output is not None:
            if usage.output_tokens is None:
                return None
            reasoning = usage.reasoning_tokens or 0
            total += (usage.output_tokens - reasoning) * _at(rates.output, size)
            total += reasoning * _at(rates.reasoning or rates.output, size)
        elif usage.output_tokens:
            return None
        return -(-total // MILLION)


FREE = Price(rates=Rates(input=[(0, 0)], output=[(0, 0)]), source="runs on this machine")


def given(input_per_million: float | None, output_per_million: float | None, context_tokens: int | None) -> Price:
    """What the user says of a model, in dollars per million tokens."""
    said = {"input": input_per_million, "output": output_per_million}
    rates = {kind: [(0, round(dollars * NANO))] for kind, dollars in said.items() if dollars is not None}
    return Price(rates=Rates(**rates), context_tokens=context_tokens, source="tramite.toml")


def find(provider: str, model: str, updated: Path | None = None, today: str | None = None) -> Price | None:
    """The published price of a model, or None. `updated` is a newer file than ours (`tramite prices update`)."""
    table = _table(updated)
    for name in SOURCES.get(provider, (provider,)):
        for entry in _entries(table.source, name, updated):
            if _matches(entry.match, model.lower()):
                rates = _current(entry, today or datetime.now(UTC).date().isoformat())
                return Price(rates=rates, context_tokens=entry.context_tokens, source=f"{table.source}, {table.date}")
    return None


def age(updated: Path | None = None) -> tuple[str, str]:
    """Source and date of the prices in use."""
    table = _table(updated)
    return table.source, table.date


@lru_cache(maxsize=4)
def _table(updated: Path | None) -> Table:
    ours = msgspec.json.decode(files(__package__).joinpath("prices.json").read_bytes(), type=Table)
    if updated is None or not updated.exists():
        return ours
    try:
        newer = msgspec.json.decode(updated.read_bytes(), type=Table)
    except (OSError, msgspec.DecodeError):
        return ours
    return newer if newer.date > ours.date else ours


@lru_cache(maxsize=64)
def _entries(source: str, provider: str, updated: Path | None) -> list[Entry]:
    raw = _table(updated).providers.get(provider)
    return msgspec.json.decode(raw, type=list[Entry]) if raw is not None else []


def _current(entry: Entry, today: str) -> Rates:
    current = entry.rates[0][1]
    for since, rates in entry.rates:
        if since <= today:
            current = rates
    return current


def _matches(clause: Clause, name: str) -> bool:
    word, *values = clause
    if word == "|":
        return any(_matches(inner, name) for inner in values)
    if word == "&":
        return all(_matches(inner, name) for inner in values)
    return bool(_TESTS[word](name, str(values[0]).lower()))


_TESTS: Mapping[str, Any] = {
    "=": lambda name, value: name == value,
    "^": lambda name, value: name.startswith(value),
    "$": lambda name, value: name.endswith(value),
    "*": lambda name, value: value in name,
    "~": lambda name, value: re.search(value, name) is not None,
}


def _at(steps: Steps, size: int) -> int:
    """The rate for a prompt of this size: crossing a step puts all tokens on it (facts of genai-prices)."""
    rate = steps[0][1]
    for start, price in steps:
        if size > start:
            rate = price
    return rate
