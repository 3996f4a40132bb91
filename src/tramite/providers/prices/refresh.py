"""Newer prices: fetched, compiled, held against those that we know, and put in their place. Knows no command."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from tramite.errors import BadReply, InvalidCall, TimedOut
from tramite.providers import private
from tramite.providers.addresses import is_loopback, without_password
from tramite.providers.catalogue import CATALOGUE
from tramite.wire.seam import Request, Transport

from .lookup import SOURCES, Prices, shipped
from .tables import Clause, Entry, compile_table

ADDRESS = "https://raw.githubusercontent.com/pydantic/genai-prices/refs/heads/main/prices/new_data/v2/data.json"
"""Where the genai-prices package itself looks for newer data (form 2)."""
MAX_BYTES = 64 * 1024 * 1024
DEADLINE_S = 60.0
WELL_KNOWN = (
    ("openai", "gpt-4o-mini"),
    ("anthropic", "claude-sonnet-4-6"),
    ("gemini", "gemini-2.5-flash"),
    ("mistral", "mistral-small-latest"),
)
"""Models that any such file has to know, at prices not absurdly far from ours."""
_FAR = 100
"""So many times dearer or cheaper than ours is a mistake, such as another unit: no price has changed like that."""


def is_address(place: str) -> bool:
    """Whether it is an address, and not a file."""
    return "://" in place and not place.startswith("file://")


def check_address(address: str) -> None:
    """Raise InvalidCall for what is neither https nor on this machine: prices decide what a budget allows."""
    parts = urlsplit(address)
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(address)):
        raise InvalidCall(
            f"prices are fetched from https:// addresses, or http:// ones of this machine, or read from a file: "
            f"{without_password(address)} is none of them"
        )


async def fetch(address: str, transport: Transport) -> bytes:
    """What is there, within a minute and 64 MiB. Raises ProviderError."""
    request = Request(method="GET", url=address, headers={"accept": "application/json"}, max_body=MAX_BYTES)
    shown = without_password(address)
    try:
        async with asyncio.timeout(DEADLINE_S):
            response = await transport.send(request)
            try:
                if response.status != 200:
                    raise BadReply(_other_status(shown, response.status, response.headers.get("location")))
                return await response.read()
            finally:
                response.close()
    except TimeoutError as error:
        raise TimedOut(f"{shown} has not sent all of it within {DEADLINE_S:.0f} s") from error


def read(file: Path) -> bytes:
    """A file's content. Raises InvalidCall."""
    try:
        with file.open("rb") as opened:
            data = opened.read(MAX_BYTES + 1)
    except OSError as error:
        raise InvalidCall(f"cannot read {file}: {error.strerror or error}") from None
    if len(data) > MAX_BYTES:
        raise InvalidCall(f"{file} is larger than {MAX_BYTES:,} bytes")
    return data


def wanted() -> frozenset[str]:
    """The providers of the catalogue, by genai-prices' names."""
    return frozenset(name for row in CATALOGUE for name in SOURCES.get(row, (row,)))


def compiled(data: bytes, today: str, source: str) -> bytes:
    """The compact file out of genai-prices' data.json. Raises ValueError, saying why it cannot be trusted."""
    date = max(today, shipped().date)  # a clock that is behind must not make them look older than ours
    try:
        upstream: Any = msgspec.json.decode(data)
    except msgspec.DecodeError as error:
        raise ValueError(f"it is not JSON: {error}") from None
    try:
        table = compile_table(upstream, wanted(), date, source)
        check(Prices(table))
    except (KeyError, TypeError, AttributeError, ArithmeticError, msgspec.DecodeError) as error:
        raise ValueError(
            f"it is not in the form of genai-prices' data.json ({type(error).__name__}: {error})"
        ) from None
    return table


def check(prices: Prices) -> None:
    """Raise ValueError for prices that would make costs and budgets wrong."""
    ours = shipped()
    if prices.count() < ours.count() / 2:
        raise ValueError(f"it knows {prices.count():,} models, fewer than half of the {ours.count():,} that we know")
    for name in prices.providers:
        for entry in prices.entries(name):
            _check_entry(name, entry)
    for provider, model in WELL_KNOWN:
        theirs, known = _input_rate(prices, provider, model), _input_rate(ours, provider, model)
        if not theirs:
            raise ValueError(f"it has no price for {provider}/{model}")
        if not known / _FAR <= theirs <= known * _FAR:
            raise ValueError(f"its price for {provider}/{model} is more than {_FAR} times off the one that we know")


def put(file: Path, table: bytes) -> None:
    """Replace the file: whoever reads it finds the old one or the new one, whole. Raises OSError."""
    with private.locked(file) as target:
        private.replace(target, table)


def _check_entry(name: str, entry: Entry) -> None:
    for _, rates in entry.rates:
        steps = [step for kind in msgspec.structs.astuple(rates) if kind is not None for step in kind]
        if any(start < 0 or rate < 0 for start, rate in steps):
            raise ValueError(f"{name}/{entry.id} has a price below 0")
    for expression in _expressions(entry.match):
        try:
            re.compile(expression)
        except re.error as error:
            raise ValueError(f"{name}/{entry.id} has no proper regular expression: {error}") from None


def _expressions(clause: Clause) -> Iterator[str]:
    word, *values = clause
    for value in values:
        if word in ("|", "&"):
            yield from _expressions(value)
        elif word == "~":
            yield value


def _input_rate(prices: Prices, provider: str, model: str) -> int:
    """What input costs at first; 0 where that is not known."""
    price = prices.find(provider, model)
    steps = price.rates.input if price is not None else None
    return steps[0][1] if steps else 0


def _other_status(address: str, status: int, location: str | None) -> str:
    if location and 300 <= status < 400:
        return f"{address} leads elsewhere (status {status}): name that address instead, {without_password(location)}"
    return f"{address} has no prices for us (status {status})"
