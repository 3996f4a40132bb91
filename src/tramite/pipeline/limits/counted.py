"""What the counters of limits come to: which limits a bucket has, and how much of each is used. Pure; shows nothing."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from tramite.config import Config, Limits
from tramite.config.rules import dotted

from . import rates
from .decisions import DAY_US, SECOND_US, STALE_US, cost_us, slots_held
from .records import CONCURRENCY, PER_DAY, Bucket, Rate, Snapshot, Want
from .views import fill

_DAY_S = DAY_US / SECOND_US
_WINDOWS_S = {"requests_per_second": 1.0, "requests_per_minute": 60.0, rates.TOKENS: 60.0}


class Used(Struct, frozen=True, kw_only=True):
    """One limit, and how much of it is used now. Times are in seconds."""

    limit: str
    """As it is called in the configuration, or by the provider."""
    most: float
    window_s: float | None
    """None: there is no window, they are in flight at once."""
    source: str
    """Where it is configured, or the header that told it."""
    told_ago_s: float | None = None
    """How long ago a provider told it; None: it is configured."""
    full: float
    """The share that is used of what may be used at once: 1 is all of it, more is a debt."""
    used: int | None = None
    """Requests in flight, or those of its day; None for what is not counted by the piece."""
    wait_s: float = 0.0
    """Until it lets another request start."""


class Counted(Struct, frozen=True, kw_only=True):
    """One bucket."""

    name: str
    closed_s: float
    """For how long a throttle keeps it closed."""
    in_flight: int
    """Where requests in flight are limited; of all processes."""
    limits: tuple[Used, ...]


def buckets(settings: Config, snapshot: Snapshot) -> list[Counted]:
    """All that there is, by name."""
    return [_counted(settings, name, bucket, snapshot.now_us) for name, bucket in sorted(snapshot.buckets.items())]


def _counted(settings: Config, name: str, bucket: Bucket, now: int) -> Counted:
    target = name if name in settings.limits else name.rpartition("@")[0]  # whose account it is stands behind
    limits = settings.limits.get(target, Limits())
    want = rates.want(name, limits, rates.HEADROOM)
    origins = {key: settings.origins.get(dotted(("limits", target, key)), "") for key in limits.__struct_fields__}
    used = (*_rates(bucket, want, origins, now), *_pieces(bucket, want, origins, now), *_learned(bucket, now))
    closed_s = max(0, bucket.closed_us - now) / SECOND_US
    return Counted(name=name, closed_s=closed_s, in_flight=slots_held(bucket, "", now), limits=used)


def _rates(bucket: Bucket, want: Want, origins: dict[str, str], now: int) -> Iterator[Used]:
    for rate in want.rates:
        yield Used(
            limit=rate.name,
            most=rate.most,
            window_s=_WINDOWS_S[rate.name],
            source=origins[rate.name],
            full=fill(bucket, rate, now),
            wait_s=_wait_s(bucket, rate, now),
        )


def _pieces(bucket: Bucket, want: Want, origins: dict[str, str], now: int) -> Iterator[Used]:
    """What is counted by the piece: requests of a day, and those in flight."""
    if want.per_day is not None:
        ends = bucket.day_us + DAY_US
        used = bucket.day_used if ends > now else 0
        yield Used(
            limit=PER_DAY,
            most=want.per_day,
            window_s=_DAY_S,
            source=origins[PER_DAY],
            full=used / want.per_day if want.per_day else 1.0,
            used=used,
            wait_s=(ends - now) / SECOND_US if used + 1 > want.per_day else 0.0,
        )
    if want.slots is not None:
        used = slots_held(bucket, "", now)
        full = used / want.slots if want.slots else 1.0
        yield Used(limit=CONCURRENCY, most=want.slots, window_s=None, source=origins[CONCURRENCY], full=full, used=used)


def _learned(bucket: Bucket, now: int) -> Iterator[Used]:
    for learned in bucket.learned.values():
        age = now - learned.at_us
        if age < STALE_US:
            yield Used(
                limit=learned.rate.name,
                most=learned.rate.most,
                window_s=learned.window_us / SECOND_US,
                source=learned.source,
                told_ago_s=max(0, age) / SECOND_US,
                full=fill(bucket, learned.rate, now),
                wait_s=_wait_s(bucket, learned.rate, now),
            )


def _wait_s(bucket: Bucket, rate: Rate, now: int) -> float:
    """As `decisions` has it, for the smallest request."""
    ahead = bucket.due_us.get(rate.name, 0) - max(0, rate.burst_us - cost_us(rate, 1)) - now
    return max(0, ahead) / SECOND_US
