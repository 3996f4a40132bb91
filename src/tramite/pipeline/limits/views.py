"""Buckets as people and metrics see them. Reads what others keep, and decides nothing."""

from __future__ import annotations

from msgspec import Struct

from tramite.config import Limits

from .decisions import DAY_US, SECOND_US
from .gate import Gate
from .records import Bucket, Learned, Rate, Snapshot, Want


class View(Struct, frozen=True, kw_only=True):
    """One bucket as it is now. Seconds; `ago` counts back from now."""

    name: str
    limits: Limits
    """Those that are configured."""
    learned: tuple[Learned, ...]
    learned_ago_s: float | None
    fill: float
    """How much of what may be taken at once is taken, at its fullest rate: 1 is all of it, more is a debt."""
    in_flight: int
    """Of this process."""
    waiting: int
    closed_s: float
    ceiling: int | None
    """Requests at once that it was found to bear; None: never too much, as yet."""


def view(gate: Gate, snapshot: Snapshot, now: float) -> View:
    """One bucket, by what this process and the state know; `now` is the loop's time."""
    bucket = snapshot.buckets.get(gate.want.bucket, Bucket())
    learned = tuple(bucket.learned.values())
    told_us = max((each.at_us for each in learned), default=None)
    rates = [*gate.want.rates, *(each.rate for each in learned)]
    return View(
        name=gate.want.bucket,
        limits=gate.limits,
        learned=learned,
        learned_ago_s=None if told_us is None else (snapshot.now_us - told_us) / SECOND_US,
        fill=max((fill(bucket, rate, snapshot.now_us) for rate in rates), default=0.0),
        in_flight=gate.in_flight,
        waiting=gate.waiting,
        closed_s=max(gate.closed_s(now), (bucket.closed_us - snapshot.now_us) / SECOND_US, 0.0),
        ceiling=gate.ceiling,
    )


class Left(Struct, frozen=True):
    """What is left of one limit, which is `most`: so many now, and all of it again in `reset_s` seconds."""

    most: float
    remaining: int
    reset_s: float


def left(bucket: Bucket, want: Want, now_us: int) -> tuple[Left | None, Left | None]:
    """What is left of the configured requests, by the limit that leaves fewest, and of the tokens; None: no limit."""
    requests = tokens = None
    for rate in want.rates:
        behind_us = max(0, bucket.due_us.get(rate.name, 0) - now_us)
        # what is due is rounded up to a microsecond, which must not cost a whole request
        found = Left(rate.most, max(0, int(rate.most - behind_us / rate.unit_us + 0.01)), behind_us / SECOND_US)
        if rate.tokens:
            tokens = found
        elif requests is None or found.remaining < requests.remaining:
            requests = found
    if want.per_day is not None:
        left_us = max(0, bucket.day_us + DAY_US - now_us) if bucket.day_used else 0
        remaining = max(0, int(want.per_day - (bucket.day_used if left_us else 0)))
        if requests is None or remaining < requests.remaining:
            requests = Left(want.per_day, remaining, left_us / SECOND_US)
    return requests, tokens


def fill(bucket: Bucket, rate: Rate, now_us: int) -> float:
    """How much of what may be taken of a rate at once is taken: 0 is nothing, 1 all of it, more is a debt."""
    return max(0, bucket.due_us.get(rate.name, 0) - now_us) / rate.burst_us
