"""A provider's own account of what was used, as the CSV file that it exports. Knows column names, and no ledger.

Forms: OpenAI's usage and costs exports, Anthropic's token and cost exports, and any table that has days and tokens or
costs, such as `date,model,input_tokens,output_tokens,cost`.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import TypeAlias

from msgspec import Struct

from tramite.errors import InvalidCall

NANO = 10**9
_MOST = 10**15
"""Tokens or dollars that nobody uses in a day."""

_DAYS = ("date", "day", "usage_date_utc", "usage_date", "start_time_iso", "timestamp", "start_time")
_MODELS = ("model", "model_version", "snapshot_id", "line_item")
_INPUTS = ("input_tokens", "prompt_tokens", "n_context_tokens_total")
_OUTPUTS = ("output_tokens", "completion_tokens", "n_generated_tokens_total", "usage_output_tokens")
_COSTS = ("cost", "cost_usd", "amount_value", "amount_usd", "amount")
_CURRENCIES = ("amount_currency", "currency")
_PARTS = (  # Anthropic counts input in parts, which do not overlap
    "usage_input_tokens_no_cache",
    "usage_input_tokens_cache_write_5m",
    "usage_input_tokens_cache_write_1h",
    "usage_input_tokens_cache_write",
    "usage_input_tokens_cache_read",
)

_FORMS = {"usage_date_utc": "anthropic", "start_time_iso": "openai"}
"""Columns that are in one provider's files alone."""

Key: TypeAlias = tuple[str, str]
"""A day in UTC, and a model as the file writes it; empty where it names none."""


class Amounts(Struct):
    """What was used on a day by a model. None is unknown: the file does not say it."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    cost_nanousd: int | None = None

    def add(self, other: Amounts) -> None:
        """Take in what another row says of the same day and model."""
        for name in self.__struct_fields__:
            more = getattr(other, name)
            if more is not None:
                setattr(self, name, (getattr(self, name) or 0) + more)


class Invoice(Struct, frozen=True):
    """The file's rows, added up by day and model."""

    amounts: dict[Key, Amounts]
    provider: str | None = None
    """Whose form it is; None where the form does not tell."""

    @property
    def days(self) -> tuple[str, str]:
        """The first and the last. There is one at least."""
        days = [day for day, _ in self.amounts]
        return min(days), max(days)


class _Columns(Struct, frozen=True):
    """Which columns of a file say what."""

    day: str
    model: str | None
    inputs: tuple[str, ...]
    output: str | None
    cost: str | None
    currency: str | None


def read(lines: Iterable[str], name: str) -> Invoice:
    """What a file says. Raises InvalidCall, naming the line, for what it cannot read, or where it has no amounts."""
    rows = iter(lines)
    head = next(rows, "").removeprefix("\ufeff")
    separator = max(",;\t", key=head.count)
    names = [one.strip().lower() for one in next(csv.reader([head], delimiter=separator), [])]
    columns = _columns(names, name)
    found: dict[Key, Amounts] = {}
    for number, row in _rows(csv.DictReader(rows, names, delimiter=separator), name):
        try:
            amounts = _amounts(row, columns)
            if amounts == Amounts():
                continue  # OpenAI writes a line for each day, used or not
            key = _day(row.get(columns.day) or ""), _model(row.get(columns.model or "") or "")
        except (ValueError, OverflowError, OSError) as error:
            raise InvalidCall(f"{name}, line {number}: {error}") from None
        found.setdefault(key, Amounts()).add(amounts)
    if not found:
        raise InvalidCall(f"{name} says of no day what was used")
    return Invoice(found, next((provider for column, provider in _FORMS.items() if column in names), None))


def _rows(reader: csv.DictReader[str], name: str) -> Iterator[tuple[int, Mapping[str, str | None]]]:
    """Each row, with the number of its line."""
    try:
        for row in reader:
            yield reader.line_num + 1, row
    except csv.Error as error:
        raise InvalidCall(f"{name}, line {reader.line_num + 1}: {error}") from None


def _columns(names: list[str], file: str) -> _Columns:
    def first(known: Iterable[str]) -> str | None:
        return next((name for name in known if name in names), None)

    day, single, there = first(_DAYS), first(_INPUTS), ", ".join(names)[:200] or "nothing"
    parts = tuple(name for name in _PARTS if name in names)
    inputs = parts or ((single,) if single else ())
    output, cost = first(_OUTPUTS), first(_COSTS)
    if day is None or not (inputs or output or cost):
        raise InvalidCall(
            f"{file} is no usage or cost export that is known: its first line names {there}. Needed are a day "
            f"({', '.join(_DAYS)}), and tokens ({_INPUTS[0]}, {_OUTPUTS[0]} …) or a cost ({_COSTS[0]} …)"
        )
    return _Columns(day, first(_MODELS), inputs, output, cost, first(_CURRENCIES))


def _amounts(row: Mapping[str, str | None], columns: _Columns) -> Amounts:
    tokens = [_count(text) for name in columns.inputs if (text := row.get(name))]
    output = row.get(columns.output or "")
    cost = row.get(columns.cost or "")
    if cost and columns.currency and (currency := row.get(columns.currency) or "usd").strip().lower() != "usd":
        raise ValueError(f"the amount is in {currency}, and the ledger counts in dollars")
    return Amounts(
        sum(tokens) if tokens else None,
        _count(output) if output else None,
        int((_number(cost) * NANO).to_integral_value()) if cost else None,
    )


def _number(text: str) -> Decimal:
    try:
        number = Decimal(text.strip().removeprefix("$").replace(",", "") or "0")
    except InvalidOperation:
        raise ValueError(f"{text!r:.80} is no number") from None
    if not number.is_finite() or not -_MOST <= number <= _MOST:
        raise ValueError(f"{text!r:.80} is no amount")
    return number


def _count(text: str) -> int:
    return int(_number(text))


def _model(text: str) -> str:
    """OpenAI's costs are by line item: `gpt-4o-mini-2024-07-18, input`."""
    return text.partition(",")[0].strip()


def _day(text: str) -> str:
    """The day in UTC of a date, a moment, or seconds since 1970. Raises ValueError."""
    text = text.strip()
    if text.isdecimal():
        return datetime.fromtimestamp(int(text), UTC).date().isoformat()
    try:
        if len(text) == len("2026-11-01"):
            return date.fromisoformat(text).isoformat()
        at = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is no day: expected 2026-11-01, or a moment") from None
    return (at.astimezone(UTC) if at.tzinfo else at).date().isoformat()
