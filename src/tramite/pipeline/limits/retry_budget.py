"""How many tries beyond the first a target may have: a provider in trouble must not get more requests for it.

Pure: the caller brings the time, in seconds on any clock that does not go back. Knows no request.
"""

from __future__ import annotations

SHARE = 0.2
"""Of the first tries of the last ten seconds (after Finagle's RetryBudget)."""
FLOOR_PER_S = 1.0
"""Allowed in any case, so that who asks seldom can try again at all."""
LASTS_S = 10.0


class RetryBudget:
    """Deposit by adding to `firsts`: it is on every request's way, and no function need run for it."""

    __slots__ = ("_before", "_began_at", "_spent", "firsts")

    def __init__(self) -> None:
        self.firsts = 0
        """First tries since the stretch of ten seconds began."""
        self._before = 0.0
        self._began_at = 0.0
        self._spent = 0.0

    def __repr__(self) -> str:
        return f"RetryBudget(firsts={self.firsts}, spent={self._spent:g})"

    def withdraw(self, now: float) -> bool:
        """Whether there may be one more try now; then it is counted."""
        passed_s = now - self._began_at
        if passed_s >= LASTS_S:
            # who has not been here for long may have counted over a longer stretch: take it as if it were even
            self._before = self.firsts * LASTS_S / passed_s
            self._began_at, self.firsts, self._spent = now, 0, 0.0
        if self._spent >= FLOOR_PER_S * LASTS_S + SHARE * max(self.firsts, self._before):
            return False
        self._spent += 1
        return True
