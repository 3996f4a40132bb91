"""What a model costs: found in the compiled file, under what the user says of it. Reads a file once per change."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
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
        if cached:
            total += cached * _at(rates.cached or rates.input, size)
        if written:
            total += written * _at(rates.cache_write or rates.input, size)
        if usage.output_tokens is None:
            if _highest(rates.output, rates.reasoning):
                return None
        elif rates.output is not None:
            reasoning = usage.reasoning_tokens or 0
            total += (usage.output_tokens - reasoning) * _at(rates.output, size)
            if reasoning:
                total += reasoning * _at(rates.reasoning or rates.output, size)
        elif usage.output_tokens:
            return None
        return -(-total // MILLION)

    def most_nanousd(self, input_tokens: int, output_tokens: int) -> int | None:
        """The most that so many tokens can cost, whatever kind they turn out to be; None where a rate is unknown."""
        rates = self.rates
        if rates.input is None or (rates.output is None and output_tokens):
            return None
        reading = _highest(rates.input, rates.cached, rates.cache_write)
        return -(-(input_tokens * reading + output_tokens * _highest(rates.output, rates.reasoning)) // MILLION)


def _highest(*kinds: Steps | None) -> int:
    return max((rate for steps in kinds if steps for _, rate in steps), default=0)


FREE = Price(rates=Rates(input=[(0, 0)], output=[(0, 0)]), source="runs on this machine")


def given(input_per_million: float | None, output_per_million: float | None, context_tokens: int | None) -> Price:
    """What the user says of a model, in dollars per million tokens."""
    said = {"input": input_per_million, "output": output_per_million}
    rates = {kind: [(0, round(dollars * NANO))] for kind, dollars in said.items() if dollars is not None}
    return Price(rates=Rates(**rates), context_tokens=context_tokens, source="tramite.toml")


class Prices:
    """A compiled file, in memory. A provider's entries are decoded when first asked for."""

    def __init__(self, data: bytes) -> None:
        """Raises msgspec.DecodeError for what is no such file."""
        self._table = msgspec.json.decode(data, type=Table)
        self._entries: dict[str, list[Entry]] = {}

    @property
    def date(self) -> str:
        """The day of the data, as YYYY-MM-DD."""
        return self._table.date

    @property
    def source(self) -> str:
        """Who says so."""
        return self._table.source

    @property
    def providers(self) -> list[str]:
        """Whose prices it has, by the names that its source gives them."""
        return list(self._table.providers)

    def entries(self, name: str) -> list[Entry]:
        """A provider's models, by the source's name for it. Raises msgspec.DecodeError for what is no such file."""
        if name not in self._entries:
            raw = self._table.providers.get(name)
            self._entries[name] = msgspec.json.decode(raw, type=list[Entry]) if raw is not None else []
        return self._entries[name]

    def count(self) -> int:
        """How many models it knows."""
        return sum(len(self.entries(name)) for name in self.providers)

    def find(self, provider: str, model: str, today: str | None = None) -> Price | None:
        """The price of a model at a provider of ours."""
        for entry in self._of(provider):
            if _matches(entry.match, model.lower()):
                rates = _current(entry, today or datetime.now(UTC).date().isoformat())
                return Price(rates=rates, context_tokens=entry.context_tokens, source=f"{self.source}, {self.date}")
        return None

    def models(self, provider: str) -> list[str]:
        """All that it knows of a provider of ours, each by a name that stands for it there."""
        return list(dict.fromkeys(_name(entry) for entry in self._of(provider)))

    def _of(self, provider: str) -> Iterator[Entry]:
        for name in SOURCES.get(provider, (provider,)):
            yield from self.entries(name)


def find(provider: str, model: str, updated: Path | None = None, today: str | None = None) -> Price | None:
    """The published price of a model, or None. `updated` is a newer file than ours (`tramite prices update`)."""
    return in_use(updated).find(provider, model, today)


def in_use(updated: Path | None = None) -> Prices:
    """The prices that hold: those of the updated file, unless it is older than ours, broken or not there."""
    newer = _updated(updated) if updated is not None else None
    return newer if newer is not None and newer.date >= shipped().date else shipped()


@lru_cache(maxsize=1)
def shipped() -> Prices:
    """The prices that came with this version."""
    return Prices(files(__package__).joinpath("prices.json").read_bytes())


def _updated(file: Path) -> Prices | None:
    try:
        state = file.stat()
    except OSError:
        return None
    return _read(file, (state.st_mtime_ns, state.st_size, state.st_ino))


@lru_cache(maxsize=4)
def _read(file: Path, state: tuple[int, int, int]) -> Prices | None:
    """The file, all of it, or None where it is broken. Read anew when its `state` changes: it may be replaced."""
    try:
        prices = Prices(file.read_bytes())
        prices.count()
    except (OSError, msgspec.DecodeError):
        return None
    return prices


def _current(entry: Entry, today: str) -> Rates:
    current = entry.rates[0][1] if entry.rates else Rates()
    for since, rates in entry.rates:
        if since <= today:
            current = rates
    return current


def _name(entry: Entry) -> str:
    """A model's id, where it is called by that; else the first name, or beginning of names, that it is called by."""
    names = (entry.id, *_words(entry.match))
    return next((name for name in names if _matches(entry.match, name.lower())), entry.id)


def _words(clause: Clause) -> Iterator[str]:
    word, *values = clause
    for value in values:
        if word in ("|", "&"):
            yield from _words(value)
        elif word != "~":
            yield str(value)


def _matches(clause: Clause, name: str) -> bool:
    word, *values = clause
    if word == "|":
        return any(_matches(inner, name) for inner in values)
    if word == "&":
        return all(_matches(inner, name) for inner in values)
    return bool(_TESTS[word](name, str(values[0]).lower()))


_TESTS: Mapping[str, Any] = {
    "=": lambda name, value: name == value.lower(),
    "^": lambda name, value: name.startswith(value.lower()),
    "$": lambda name, value: name.endswith(value.lower()),
    "*": lambda name, value: value.lower() in name,
    "~": lambda name, value: re.search(value, name, re.IGNORECASE) is not None,
}


def _at(steps: Steps, size: int) -> int:
    """The rate for a prompt of this size: crossing a step puts all tokens on it (facts of genai-prices)."""
    rate = steps[0][1]
    for start, price in steps:
        if size > start:
            rate = price
    return rate
