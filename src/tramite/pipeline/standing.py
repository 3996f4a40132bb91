"""How a target has done so far: whether to leave it alone for a while, and how fast it begins to answer.

A plain state machine: the caller brings the time, in seconds on any clock that does not go back. Knows no request.
"""

from __future__ import annotations

LONGEST_S = 600.0
"""A target that stays down is looked at again at least this often."""
_KEPT = 0.8
"""How much of the known speed is kept at each new measurement."""


class Standing:
    """One target's record. After a failure that ended a request's tries there, it is left alone for `cooldown_s`, twice
    as long each further time; when that is over, one request probes it (half-open) while the others still go round."""

    __slots__ = ("_cooldown_s", "_probe_until", "_until", "first_token_s", "well")

    def __init__(self) -> None:
        self.first_token_s: float | None = None
        """Measured time to the first token, recent ones counting most."""
        self.well = True
        """Nothing is held against it."""
        self._cooldown_s = 0.0
        self._until = 0.0
        self._probe_until = 0.0

    def __repr__(self) -> str:
        return f"Standing(cooldown_s={self._cooldown_s:g}, first_token_s={self.first_token_s})"

    def rest_s(self, now: float) -> float:
        """Seconds for which it is better left alone; 0 when it may be asked."""
        if self.well:
            return 0.0
        return max(self._until, self._probe_until) - now if now < max(self._until, self._probe_until) else 0.0

    def probe(self, now: float, within_s: float) -> None:
        """A request is sent there after its rest: others wait for how it ends, at most `within_s`."""
        if not self.well and now >= self._until:
            self._probe_until = now + within_s

    def failed(self, now: float, cooldown_s: float, at_least_s: float = 0.0) -> None:
        """It failed a request for good. `at_least_s` is what the provider asked for."""
        if now < self._until:
            return  # of those that were under way when it was found to be down, one counts
        self._cooldown_s = min(max(self._cooldown_s * 2, cooldown_s), LONGEST_S)
        self._until = now + max(self._cooldown_s, at_least_s)
        self._probe_until = 0.0
        self.well = False

    def succeeded(self) -> None:
        """It answered: nothing is held against it any more."""
        self._cooldown_s = self._until = self._probe_until = 0.0
        self.well = True

    def began(self, seconds: float) -> None:
        """It took so long to its first token; of a whole reply, all the tokens are the first."""
        known = self.first_token_s
        self.first_token_s = seconds if known is None else known * _KEPT + seconds * (1 - _KEPT)
