"""Amounts of money as people write them, in the one form that is counted in. Knows no budget's use."""

from __future__ import annotations

import re
from typing import Literal, TypeAlias, get_args

Period: TypeAlias = Literal["hour", "day", "month", "total"]
PERIODS: tuple[Period, ...] = get_args(Period)
NANO = 10**9
EXPECTED = "dollars per hour, day, month or in total, such as 50/month, 0.5/hour or 20/total"

_CAP = re.compile(r"\$?\s*(\d{1,9})(?:\.(\d{1,9}))?\s*/\s*([a-z]+)")


def cap(text: str) -> tuple[int, Period]:
    """`50/month` as billionths of a dollar and the period they are for. Raises ValueError for anything else."""
    found = _CAP.fullmatch(text.strip())
    if found is None or found[3] not in PERIODS:
        raise ValueError(text)
    nanousd = int(found[1]) * NANO + int((found[2] or "").ljust(9, "0"))
    if not nanousd:
        raise ValueError(text)
    return nanousd, next(period for period in PERIODS if period == found[3])


def written(nanousd: int, period: Period) -> str:
    """The other way round."""
    return f"{dollars(nanousd)}/{period}"


def dollars(nanousd: int) -> str:
    """Billionths of a dollar as dollars, exactly."""
    whole, part = divmod(nanousd, NANO)
    return f"{whole}{f'.{part:09}'.rstrip('0') if part else ''}"
