"""How many tries beyond the first a bucket may have. Pure: the time is given, in seconds.

Retries help against single failures; when everything fails they make it worse. So they are a share of what is asked
(facts B10: Finagle's RetryBudget, 20% of the requests and some more, each counted for 10 s).
"""

from __future__ import annotations

SHARE = 0.2
"""Of the first tries of the last `LIVES_S` seconds."""
FLOOR_PER_S = 1.0
"""And so many in each second, however little is asked."""
LIVES_S = 10


class RetryBudget:
    """Deposit each first try, withdraw each retry after a failure. A throttle is no failure: it costs nothing."""

    __slots__ = ("_firsts", "_retries", "_second")

    def __init__(self) -> None:
        # of each of the last ten seconds: the one of second s is at s modulo ten
        self._firsts = [0] * LIVES_S
        self._retries = [0] * LIVES_S
        self._second = 0

    def __repr__(self) -> str:
        return f"RetryBudget({sum(self._firsts)} first tries and {sum(self._retries)} retries in {LIVES_S} s)"

    def deposit(self, now: float) -> None:
        """A first try."""
        self._firsts[self._at(now)] += 1

    def withdraw(self, now: float) -> bool:
        """Whether there may be a retry; if so it is counted."""
        at = self._at(now)
        may = sum(self._retries) + 1 <= FLOOR_PER_S * LIVES_S + SHARE * sum(self._firsts)
        self._retries[at] += may
        return may

    def _at(self, now: float) -> int:
        """Where this second is counted; what is older than ten is forgotten. Time that goes back stands still."""
        second = max(int(now), self._second)
        for old in range(max(self._second + 1, second - LIVES_S + 1), second + 1):
            self._firsts[old % LIVES_S] = self._retries[old % LIVES_S] = 0
        self._second = second
        return second % LIVES_S
