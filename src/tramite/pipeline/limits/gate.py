"""What one process knows of a bucket: what is in flight, until when a throttle closed it, how much it bears at once.

Pure: the time is given. Times are the loop's, in seconds.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from tramite.config import Limits

from .learning import Learning, Mark
from .records import Rate, Want

if TYPE_CHECKING:
    from .line import Waiter

FIRST_CLOSING_S, LONGEST_CLOSING_S = 0.5, 30.0
"""Where a throttle does not say how long: doubled each time, until an answer comes."""
LONGEST_HINT_S = 86_400.0
CUT = 0.7
QUIET_S = 600.0
"""What was found out by throttles is forgotten when there has been none for so long."""


class Gate:
    """One bucket, as this process sees it."""

    __slots__ = (
        "_closed_by",
        "_cut_at_s",
        "_cut_by",
        "_grown",
        "ceiling",
        "claimant",
        "closed_until_s",
        "in_flight",
        "learning",
        "limits",
        "requests",
        "strikes",
        "tokens",
        "used_at_s",
        "waiting",
        "want",
    )

    def __init__(self, want: Want, limits: Limits, headroom: float) -> None:
        self.want = want
        self.limits = limits
        self.learning = Learning(headroom)
        self.in_flight = 0
        self.requests = 0
        """Sent so far."""
        self.tokens = 0
        self.waiting = 0
        self.claimant: Waiter | None = None
        """The first in some line, which this bucket keeps waiting: nobody who came later may pass it here."""
        self.used_at_s = 0.0
        self.closed_until_s = 0.0
        """0 where it never was closed."""
        self.ceiling: int | None = None
        """Requests at once that a provider without rates was found to bear; None: it was never too much."""
        self.strikes = 0
        """Throttles since the last answer, those of one moment as one."""
        self._closed_by = 0
        self._cut_by = 0
        self._cut_at_s = 0.0
        self._grown = 0

    def closed_s(self, now: float) -> float:
        """Seconds until it opens again."""
        return max(0.0, self.closed_until_s - now)

    @property
    def full(self) -> bool:
        """As much is in flight as it was found to bear."""
        return self.ceiling is not None and self.in_flight >= self.ceiling

    def rates(self, now: float) -> list[Rate]:
        """All that hold, configured and learned."""
        return [*self.want.rates, *self.learning.rates(now)]

    def throttled(self, hint_s: float | None, mark: Mark, now: float) -> float:
        """A 429: seconds until it opens again. What was sent before an earlier 429 can prolong that one's, no more."""
        self.used_at_s = now
        if mark.requests > self._closed_by:
            self._closed_by = self.requests
            self.strikes += 1
        if hint_s is not None and 0 < hint_s < math.inf:
            wait_s = min(hint_s, LONGEST_HINT_S)
        else:
            wait_s = self.learning.free_at_s - now
            if wait_s <= 0:
                wait_s = min(LONGEST_CLOSING_S, FIRST_CLOSING_S * 2.0 ** min(self.strikes - 1, 10))
        self.closed_until_s = max(self.closed_until_s, now + wait_s)
        self.overloaded(mark, now)
        return self.closed_until_s - now

    def overloaded(self, mark: Mark, now: float) -> None:
        """It was too much at once: bear less, but only once for all that was sent until now (AIMD, facts B10)."""
        if self.learning.known or mark.requests <= self._cut_by:
            return
        self._cut_by, self._cut_at_s, self._grown = self.requests, now, 0
        bore = self.in_flight if self.ceiling is None else min(self.in_flight, self.ceiling)
        self.ceiling = max(1, int(CUT * bore))

    def answered(self, now: float) -> None:
        """An answer came: it bears what is in flight. To be called before that request is counted out."""
        self.strikes = 0
        if self.ceiling is None:
            return
        if self.learning.known or now - self._cut_at_s > QUIET_S:
            self.ceiling = None
        elif self.in_flight >= self.ceiling:
            self._grown += 1
            if self._grown >= self.ceiling:
                self.ceiling, self._grown = self.ceiling + 1, 0

    def idle(self, now: float) -> bool:
        """Whether it can be forgotten: nothing goes on, and nothing is known that still holds."""
        quiet = (self.ceiling is None and not self.strikes) or now - self.used_at_s > QUIET_S
        return quiet and not (self.in_flight or self.waiting or self.closed_s(now) or self.learning.rates(now))
