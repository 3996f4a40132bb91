"""What is kept of a bucket, what a request wants of it, and the verdict. Data only; `decisions` knows what it means.

Times are whole microseconds on the clock of the state that keeps the records.
"""

from __future__ import annotations

import math

from msgspec import Struct

THROTTLED = "throttled"
CONCURRENCY = "concurrency"
PER_DAY = "requests_per_day"
"""What a verdict calls the limits that are no rates."""


class Rate(Struct, frozen=True, omit_defaults=True):
    """So many units in a window, spread over it evenly (GCRA: ITU-T I.371, the generic cell rate algorithm)."""

    name: str
    """As in `Limits`, or what the provider calls it."""
    most: float
    """Units in a window."""
    unit_us: float
    """What one unit takes, headroom included."""
    burst_us: int
    """What may be taken at once, after a pause, by the time it takes."""
    tokens: bool = False
    """Whether units are tokens; else requests."""
    refunds: bool = True
    """Whether tokens that were not used may be used by others. Providers that count the estimate (facts A1) do not."""


class Want(Struct, frozen=True, omit_defaults=True):
    """What every request takes of one bucket: one request, and its tokens, of each rate."""

    bucket: str
    rates: tuple[Rate, ...] = ()
    per_day: float | None = None
    """Requests in a day, which begins with its first request: a day's worth is not spread, who has it may use it."""
    slots: int | None = None
    """Requests in flight at once."""

    @property
    def empty(self) -> bool:
        """Nothing is configured."""
        return not self.rates and self.per_day is None and self.slots is None


class Learned(Struct, frozen=True, omit_defaults=True):
    """A rate that the provider told of: in which header, and when last."""

    rate: Rate
    source: str
    window_us: int
    at_us: int = 0


class Lesson(Struct, frozen=True, omit_defaults=True):
    """What a response taught of a bucket; `busy_us` is how far ahead it must be taken to be used up already."""

    learned: Learned
    busy_us: int = 0


class Held(Struct, array_like=True):
    """The slots that one process holds, and until when they are its own unless it says so again."""

    slots: int
    until_us: int


class Bucket(Struct, omit_defaults=True):
    """What is kept of one bucket. An empty one is as good as none."""

    due_us: dict[str, int] = {}
    """By rate: when all that was granted is worked off."""
    day_us: int = 0
    """When the day began."""
    day_used: int = 0
    held: dict[str, Held] = {}
    """By process."""
    closed_us: int = 0
    """A throttle keeps it closed until then; after it, it goes slowly for a while."""
    learned: dict[str, Learned] = {}
    """By the rate's name."""


class Verdict(Struct, frozen=True):
    """Granted: it may start in `wait_s`, and has taken what it wants of every bucket. Else nothing was taken, and it
    could start in `wait_s` at the earliest (inf: never), for `limit` of `bucket`."""

    granted: bool
    wait_s: float = 0.0
    bucket: str = ""
    limit: str = ""

    @property
    def never(self) -> bool:
        return self.wait_s == math.inf


AT_ONCE = Verdict(True)


class Snapshot(Struct, frozen=True):
    """All buckets of a state, at one moment of its clock."""

    now_us: int
    buckets: dict[str, Bucket]
