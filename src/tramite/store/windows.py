"""The stretches of time that budgets are for: hours, days and months in UTC. Knows no money."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import TypeAlias

import msgspec

from tramite.config.money import Period

NS = 1_000_000_000
HOUR_NS = 3600 * NS

Window: TypeAlias = tuple[str, Period, int]
"""A budget's name, a period, and when this one began, in nanoseconds since 1970."""


def span(period: Period, now_ns: int) -> tuple[int, int | None]:
    """When the period that `now_ns` is in began and when the next one does; `total` began in 1970 and never ends."""
    return _span(period, now_ns // HOUR_NS)


@lru_cache(maxsize=64)
def _span(period: Period, hour: int) -> tuple[int, int | None]:
    if period == "total":
        return 0, None
    if period == "hour":
        return hour * HOUR_NS, (hour + 1) * HOUR_NS
    if period == "day":
        start_ns = hour // 24 * 24 * HOUR_NS
        return start_ns, start_ns + 24 * HOUR_NS
    now = datetime.fromtimestamp(hour * 3600, UTC)
    following = (now.year + now.month // 12, now.month % 12 + 1)
    return _month_ns(now.year, now.month), _month_ns(*following)


def _month_ns(year: int, month: int) -> int:
    return int(datetime(year, month, 1, tzinfo=UTC).timestamp()) * NS


@lru_cache(maxsize=1024)
def written(windows: tuple[Window, ...]) -> str | None:
    """The windows as a row keeps them; None for none."""
    return msgspec.json.encode(windows).decode() if windows else None


@lru_cache(maxsize=1024)
def read(text: str | None) -> tuple[Window, ...]:
    """The other way round."""
    return msgspec.json.decode(text, type=tuple[Window, ...]) if text else ()
