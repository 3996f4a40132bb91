"""What a process believes of a bucket's limits, by what responses say. Pure: the time is given, nothing is sent.

A lower limit is believed at once, a higher one when several responses agree. What they say is left counts as well:
others may use the same secret.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from msgspec import Struct

from tramite.wire.rate_limits import MINUTE_S, Reading

from . import rates
from .decisions import SECOND_US, STALE_US
from .records import Learned, Lesson, Rate

VOTES = 3
"""So many responses, one after another, must agree before a higher limit is believed."""
REFRESH_S = 60.0
"""A limit that has not changed is told again after so long: it shows that it still holds."""

MOST_OTHERS = 0.9
"""However much others use, we try for the rest."""


class Mark(Struct, frozen=True):
    """Where a bucket stood when a request was sent: all that this process had sent until then, itself included."""

    requests: int
    tokens: int
    at_s: float


class Known(Struct):
    """A limit as it is believed, and a higher one that is being considered."""

    reading: Reading
    learned: Learned
    told_s: float
    higher: tuple[float, float] | None = None
    votes: int = 0
    others: float = 0.0
    """The share of it that others use who have the same secret."""
    counted: tuple[Mark, float] | None = None
    """Where we stood, and what was left, when their use was last worked out."""

    @property
    def per_s(self) -> float:
        """Units that come back in a second."""
        return self.reading.limit / self.reading.window_s


class Learning:
    """The limits of one bucket that a provider told of. Times are the loop's, in seconds."""

    __slots__ = ("_applied", "_headroom", "free_at_s", "known")

    def __init__(self, headroom: float) -> None:
        self.known: dict[str, Known] = {}
        self.free_at_s = 0.0
        """When something is left again, by the last response that said nothing is."""
        self._headroom = headroom
        self._applied = 0

    def read(self, readings: Iterable[Reading], mark: Mark, sent: Mark) -> list[Lesson]:
        """What a response teaches beyond what is known. `mark` is its request's, `sent` where the bucket stands now.

        One whose request was sent before that of a response already read teaches nothing.
        """
        if mark.requests <= self._applied:
            return []
        self._applied = mark.requests
        lessons = []
        for reading in readings:
            news = self._believe(reading, sent.at_s)
            known = self.known[reading.name]
            news = self._watch_others(reading, known, mark) or news
            busy_us = self._busy_us(reading, known, mark, sent)
            if news or busy_us:
                lessons.append(Lesson(known.learned, busy_us))
        return lessons

    def rates(self, now: float) -> list[Rate]:
        """Those that still hold."""
        self.known = {name: k for name, k in self.known.items() if now - k.told_s < STALE_US / SECOND_US}
        return [known.learned.rate for known in self.known.values()]

    def _believe(self, reading: Reading, now: float) -> bool:
        """Whether there is something to tell."""
        known = self.known.get(reading.name)
        if known is None:
            self.known[reading.name] = Known(reading, rates.learned(reading, self._headroom), now)
            return True
        if not reading.steady and reading.window_s < known.reading.window_s:
            # near its end, an hour's window looks like a minute's
            reading = msgspec.structs.replace(reading, window_s=known.reading.window_s)
        said = (reading.limit, reading.window_s)
        if said == (known.reading.limit, known.reading.window_s):
            known.votes = 0
            if now - known.told_s < REFRESH_S:
                return False
        elif reading.limit / reading.window_s > known.per_s:
            known.votes = known.votes + 1 if said == known.higher else 1
            known.higher = said
            if known.votes < VOTES:
                return False
        known.reading, known.told_s, known.votes = reading, now, 0
        known.learned = rates.learned(reading, self._headroom, known.others)
        return True

    def _watch_others(self, reading: Reading, known: Known, mark: Mark) -> bool:
        """Work out what others use: what is missing beyond what we sent. Whether our share has changed by that.

        It matters when half is gone, and only a bucket that refills steadily tells of it.
        """
        if reading.remaining is None or not reading.steady or reading.window_s > MINUTE_S:
            return False
        if known.counted is None:
            known.counted = (mark, reading.remaining)
            return False
        before, left = known.counted
        passed_s = mark.at_s - before.at_s
        if passed_s < reading.window_s / 6:  # of less, rounding would make too much
            return False
        known.counted = (mark, reading.remaining)
        sent = mark.tokens - before.tokens if reading.tokens else mark.requests - before.requests
        missing = min(reading.limit, left + known.per_s * passed_s - sent) - reading.remaining
        share = missing / (known.per_s * passed_s) if reading.remaining < reading.limit / 2 else 0.0
        others = min(MOST_OTHERS, max(0.0, (known.others + share) / 2))
        if abs(others - known.others) < 0.02:
            return False
        known.others = others
        known.learned = rates.learned(known.reading, self._headroom, others)
        return True

    def _busy_us(self, reading: Reading, known: Known, mark: Mark, sent: Mark) -> int:
        """How far ahead the bucket must be taken to be used up, since less is left than we may take at once."""
        if reading.remaining is None:
            return 0
        rate, per_s = known.learned.rate, known.per_s
        since = sent.tokens - mark.tokens if rate.tokens else sent.requests - mark.requests
        refilled = per_s * (sent.at_s - mark.at_s) if reading.steady else 0.0
        left = min(reading.limit, reading.remaining + refilled) - since
        if reading.steady:
            busy_us = rate.burst_us - left * rate.unit_us
            if busy_us > 0 and left < 1:
                self.free_at_s = sent.at_s + (1 - left) / per_s
        elif left < 1 and reading.reset_s is not None:
            busy_us = rate.burst_us - rate.unit_us + reading.reset_s * SECOND_US
            self.free_at_s = sent.at_s + reading.reset_s
        else:
            return 0
        return max(0, round(busy_us))
