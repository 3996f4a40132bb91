"""When a request may start, and what it leaves behind: pure functions on records, with the time given.

A rate is kept by GCRA: each request moves `due` on by what it takes, and may start once `due` is no more than the
burst ahead. One that is larger than the burst waits until all before it is worked off, and goes into debt.
The Redis state says the same in Lua: keep both alike.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from .records import AT_ONCE, CONCURRENCY, PER_DAY, THROTTLED, Bucket, Held, Lesson, Rate, Verdict, Want

SECOND_US = 1_000_000
DAY_US = 86_400 * SECOND_US
AHEAD_US = SECOND_US
"""A start so far ahead is granted; a later one is not, so that nobody holds places that others could use."""
RAMP_US = 10 * SECOND_US
"""After a throttle's closing: begins at half the rate, and is back at the whole rate after so long (facts C1)."""
LEASE_US = 60 * SECOND_US
"""Slots of a process that is silent for so long are free again."""
STALE_US = 3600 * SECOND_US
"""What nobody has told again for so long is not known any more."""


def take(
    buckets: Sequence[Bucket], wants: Sequence[Want], tokens: int, holder: str, now: int, ahead_us: int = AHEAD_US
) -> Verdict:
    """Take what is wanted of every bucket, or of none. The holder is the process that would hold the slots."""
    start, limit, of = now, "", ""
    full = ""
    all_rates = [_rates(bucket, want, now) for bucket, want in zip(buckets, wants, strict=True)]
    for bucket, want, rates in zip(buckets, wants, all_rates, strict=True):
        at, name = _earliest(bucket, want, rates, tokens, now)
        if at == math.inf:
            return Verdict(False, math.inf, want.bucket, name)
        if at > start:
            start, limit, of = int(at), name, want.bucket
        if want.slots is not None and slots_held(bucket, holder, now) >= want.slots:
            full = want.bucket
    wait_s = (start - now) / SECOND_US
    if full:
        return Verdict(False, wait_s, full, CONCURRENCY)
    if start > now + ahead_us:
        return Verdict(False, wait_s, of, limit)
    for bucket, want, rates in zip(buckets, wants, all_rates, strict=True):
        _charge(bucket, rates, tokens, start)
        if want.per_day is not None or want.slots is not None:
            _count(bucket, want, holder, start, now)
    return Verdict(True, wait_s, of, limit) if start > now else AT_ONCE


def give_back(bucket: Bucket, want: Want, tokens: int, unsent: bool, holder: str, now: int) -> None:
    """A granted request is over: its slot is free. `tokens` is how many it used beyond those it took (less: negative).

    `unsent`: it never left, and is undone; then `tokens` is minus what it took.
    """
    due_us = bucket.due_us
    for rate in _rates(bucket, want, now):
        units = tokens if rate.tokens else -1 if unsent else 0
        if not units or (due := due_us.get(rate.name)) is None:
            continue
        if units > 0:
            due_us[rate.name] = max(due, now) + cost_us(rate, units)
        elif not rate.tokens or rate.refunds or unsent:
            due_us[rate.name] = due - cost_us(rate, -units)
    if unsent and want.per_day is not None:
        bucket.day_used = max(0, bucket.day_used - 1)
    if want.slots is not None and (held := bucket.held.get(holder)) is not None:
        held.slots -= 1
        if held.slots <= 0:
            del bucket.held[holder]


def learn(bucket: Bucket, lessons: Iterable[Lesson], now: int) -> None:
    """Keep what a response taught."""
    for lesson in lessons:
        learned, name = lesson.learned, lesson.learned.rate.name
        bucket.learned[name] = type(learned)(learned.rate, learned.source, learned.window_us, now)
        if lesson.busy_us > 0:
            bucket.due_us[name] = max(bucket.due_us.get(name, 0), now + lesson.busy_us)


def close(bucket: Bucket, until: int) -> None:
    """A throttle: nothing starts before `until`. What closed it for longer holds."""
    bucket.closed_us = max(bucket.closed_us, until)


def renew(bucket: Bucket, holder: str, now: int) -> None:
    """The process is alive: its slots stay its own."""
    if (held := bucket.held.get(holder)) is not None:
        held.until_us = now + LEASE_US


def slots_held(bucket: Bucket, holder: str, now: int) -> int:
    """Requests in flight, of all processes; those of silent ones are dropped. Who asks is not silent."""
    held = 0
    for name, lease in list(bucket.held.items()):
        if lease.until_us > now or name == holder:
            held += lease.slots
        else:
            del bucket.held[name]
    return held


def idle(bucket: Bucket, now: int) -> bool:
    """Whether it is as good as an empty one: nothing to wait for, nothing held, nothing known."""
    return (
        all(due <= now for due in bucket.due_us.values())
        and bucket.closed_us + RAMP_US <= now
        and (not bucket.day_used or bucket.day_us + DAY_US <= now)
        and all(lease.until_us <= now for lease in bucket.held.values())
        and all(learned.at_us + STALE_US <= now for learned in bucket.learned.values())
    )


def cost_us(rate: Rate, units: int) -> int:
    """What so many units take of a rate."""
    return math.ceil(units * rate.unit_us)


def _rates(bucket: Bucket, want: Want, now: int) -> Sequence[Rate]:
    if not bucket.learned:
        return want.rates
    fresh = [learned.rate for learned in bucket.learned.values() if learned.at_us + STALE_US > now]
    return [*want.rates, *fresh]


def _earliest(bucket: Bucket, want: Want, rates: Sequence[Rate], tokens: int, now: int) -> tuple[float, str]:
    """When this bucket would let it start, and for which limit not before."""
    start, limit = now, ""
    if bucket.closed_us > now:
        start, limit = bucket.closed_us, THROTTLED
    for rate in want.rates:
        if (tokens if rate.tokens else 1) > rate.most:
            return math.inf, rate.name
    if want.per_day is not None and bucket.day_used + 1 > want.per_day:
        if want.per_day < 1:
            return math.inf, PER_DAY
        if bucket.day_us + DAY_US > start:
            start, limit = bucket.day_us + DAY_US, PER_DAY
    due_us = bucket.due_us
    for rate in rates:
        due = due_us.get(rate.name)
        if due is not None and due > start:
            at = due - max(0, rate.burst_us - cost_us(rate, tokens if rate.tokens else 1))
            if at > start:
                start, limit = at, rate.name
    return start, limit


def _charge(bucket: Bucket, rates: Iterable[Rate], tokens: int, start: int) -> None:
    due_us, since_us = bucket.due_us, start - bucket.closed_us
    slowly = bool(bucket.closed_us) and 0 <= since_us < RAMP_US
    for rate in rates:
        cost = math.ceil((tokens if rate.tokens else 1) * rate.unit_us)
        if slowly:
            cost = cost * 2 * RAMP_US // (RAMP_US + since_us)
        due = due_us.get(rate.name, 0)
        due_us[rate.name] = (due if due > start else start) + cost


def _count(bucket: Bucket, want: Want, holder: str, start: int, now: int) -> None:
    if want.per_day is not None:
        if bucket.day_us + DAY_US <= start or not bucket.day_used:
            bucket.day_us, bucket.day_used = start, 0
        bucket.day_used += 1
    if want.slots is not None:
        held = bucket.held.setdefault(holder, Held(0, 0))
        held.slots += 1
        held.until_us = now + LEASE_US
