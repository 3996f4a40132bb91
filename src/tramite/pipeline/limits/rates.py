"""Limits as rates: those that are configured, and those that a response tells of. Knows no bucket and no time."""

from __future__ import annotations

import math

import msgspec

from tramite.config import Limits
from tramite.wire.rate_limits import MINUTE_S, Reading

from .decisions import SECOND_US
from .records import Learned, Rate, Want

HEADROOM = 0.015
"""So much of each rate is left alone: providers count in windows whose edges we do not see (facts A1 to A3)."""

LATE_S = 0.05
"""So late a busy process may be without losing a place. More would be caught up with by bursts that pass a window's
share: a minute's requests are counted in windows as short as a second ("60 a minute may be 1 a second")."""

TOKENS = "tokens_per_minute"


def want(bucket: str, limits: Limits, headroom: float) -> Want:
    """What every request takes of a bucket that has these limits."""
    rows = (
        ("requests_per_second", limits.requests_per_second, 1.0),
        ("requests_per_minute", limits.requests_per_minute, MINUTE_S),
        (TOKENS, limits.tokens_per_minute, MINUTE_S),
    )
    return Want(
        bucket,
        tuple(
            _rate(name, most, window_s, headroom, name == TOKENS) for name, most, window_s in rows if most is not None
        ),
        per_day=limits.requests_per_day,
        slots=limits.concurrency,
    )


def learned(reading: Reading, headroom: float, others: float = 0.0) -> Learned:
    """What the provider says, as a rate: what others leave of it, who use this share."""
    rate = _rate(reading.name, reading.limit, reading.window_s, headroom, reading.tokens)
    window_us = round(reading.window_s * SECOND_US)
    # one of hours or days is not spread: what the provider says is left of it says enough
    burst_us = window_us if reading.window_s > MINUTE_S else rate.burst_us
    unit_us = rate.unit_us / (1 - others)
    rate = msgspec.structs.replace(rate, unit_us=unit_us, burst_us=burst_us, refunds=reading.refunds)
    return Learned(rate, reading.source, window_us)


def _rate(name: str, most: float, window_s: float, headroom: float, tokens: bool) -> Rate:
    unit_us = window_s * SECOND_US * (1 + headroom) / most
    # of tokens, what half the headroom of a window makes up for; of requests, one
    burst_us = window_s * SECOND_US * headroom / 2 if tokens else unit_us
    return Rate(name, most, unit_us, max(math.ceil(burst_us), round(LATE_S * SECOND_US)), tokens)
