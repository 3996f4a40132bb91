"""What a request holds while it is under way, and what its end leaves behind."""

from __future__ import annotations

import time
from asyncio import AbstractEventLoop
from collections.abc import Mapping

from msgspec import Struct

from tramite.wire.rate_limits import KNOWN, read

from .learning import Mark
from .scope import Plan
from .state import State

READ_S = 0.01


class Permit(Struct, eq=False):
    """Leave to send one request now. Its methods never wait and never raise; of its endings only the first counts."""

    _state: State
    _plan: Plan
    _loop: AbstractEventLoop
    _tokens: int
    _marks: list[Mark]
    _counted: bool
    """Whether the state has counted it."""
    waited_s: float = 0.0
    _over: bool = False

    def answered(self, headers: Mapping[str, str]) -> None:
        """Learn from a response's headers, be it a success or not; of many within `READ_S`, from one alone.

        What they say is left goes down by what we send, which is counted anyway. A refusal is always read.
        """
        if not self._marks or KNOWN.isdisjoint(headers):
            return
        now = self._loop.time()
        if now < self._plan.read_until_s and "retry-after" not in headers:
            return
        self._plan.read_until_s = now + READ_S
        readings = read(headers, time.time())
        for gate, mark in zip(self._plan.learners, self._marks, strict=True):
            if lessons := gate.learning.read(readings, mark, Mark(gate.requests, gate.tokens, now)):
                self._state.learn(gate.want.bucket, lessons)

    def throttled(self, retry_after_s: float | None) -> float:
        """A 429: close the buckets it speaks of. Seconds until they open again."""
        now, closed_s = self._loop.time(), 0.0
        for gate, mark in zip(self._plan.learners, self._marks, strict=True):
            closed_s = max(closed_s, gate.throttled(retry_after_s, mark, now))
            self._state.close(gate.want.bucket, gate.closed_s(now))
        return closed_s

    def overloaded(self) -> None:
        """The provider has too much to do (503, 529): send less at once, where no rates are known."""
        now = self._loop.time()
        for gate, mark in zip(self._plan.learners, self._marks, strict=True):
            gate.overloaded(mark, now)

    def settle(self, tokens: int | None) -> None:
        """It brought an answer, and used so many tokens, where that is known."""
        if self._over:
            return
        for gate in self._plan.learners:
            if gate.strikes or gate.ceiling is not None:
                gate.answered(self._loop.time())
        self._over = True
        used_more = 0 if tokens is None else tokens - self._tokens
        if self._counted and (used_more or self._plan.slots):
            self._state.give_back(self._plan.wants, used_more, False)
        self._make_room()

    def abandon(self, sent: bool) -> None:
        """It brought none. If it was sent it counts all the same (facts A1, A2); else it is undone."""
        if self._over:
            return
        self._over = True
        if self._counted and (self._plan.slots or not sent):
            self._state.give_back(self._plan.wants, 0 if sent else -self._tokens, not sent)
        self._make_room()

    def _make_room(self) -> None:
        for gate in self._plan.gates:
            gate.in_flight -= 1
            if gate.claimant is not None and gate.claimant.needs_slot:
                gate.claimant.bell.set()
