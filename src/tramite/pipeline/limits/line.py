"""Who waits for the same buckets, in the order of their turns. Knows no limit."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .gate import Gate

RANKS = {"interactive": 0, "batch": 1}


class Waiter:
    """One request that waits: for its turn, and then for the bucket that it claims."""

    __slots__ = ("behind", "bell", "claimed", "needs_slot", "order", "tokens", "until_s", "within_s")

    def __init__(self, rank: int, number: int, tokens: int, within_s: float, until_s: float) -> None:
        self.order = (rank, number)
        self.tokens = tokens
        self.within_s = within_s
        """How long it may wait; `until_s` is when that is over."""
        self.until_s = until_s
        self.bell = asyncio.Event()
        """Rung when there may be something new for it."""
        self.claimed: Gate | None = None
        self.needs_slot = False
        """It waits for another request to end."""
        self.behind: list[Waiter] = []
        """The first of other lines, which touch what it claims and came later."""

    def claim(self, gate: Gate, needs_slot: bool) -> None:
        """Let nobody pass who came later and touches this bucket."""
        self.needs_slot = needs_slot
        if self.claimed is not gate:
            self.unclaim()
        other = gate.claimant
        if other is not None and other.order < self.order:
            other.behind.append(self)
        elif other is not self:
            if other is not None:
                other.claimed = None
                self.behind.append(other)
            gate.claimant, self.claimed = self, gate

    def is_behind(self, gates: Iterable[Gate]) -> bool:
        """Whether it must wait for another, which came before it and claims one of these buckets."""
        for gate in gates:
            if gate.claimant is not None and gate.claimant.order < self.order:
                gate.claimant.behind.append(self)
                return True
        return False

    def unclaim(self) -> None:
        """Let those go on who waited behind it."""
        if self.claimed is not None:
            if self.claimed.claimant is self:
                self.claimed.claimant = None
            self.claimed = None
        for waiter in self.behind:
            waiter.bell.set()
        self.behind.clear()


class Line:
    """FIFO, interactive requests before batches."""

    __slots__ = ("_ranks", "_tokens", "waiting")

    def __init__(self) -> None:
        self._ranks: tuple[OrderedDict[Waiter, None], ...] = tuple(OrderedDict() for _ in RANKS)
        self._tokens = [0 for _ in RANKS]
        self.waiting = 0

    @property
    def first(self) -> Waiter | None:
        """Whose turn it is."""
        for waiting in self._ranks:
            if waiting:
                return next(iter(waiting))
        return None

    def before(self, rank: int) -> tuple[int, int]:
        """How many go before one of this rank that comes now, and their tokens."""
        return sum(len(waiting) for waiting in self._ranks[: rank + 1]), sum(self._tokens[: rank + 1])

    def join(self, waiter: Waiter) -> None:
        """Wait here."""
        rank = waiter.order[0]
        self._ranks[rank][waiter] = None
        self._tokens[rank] += waiter.tokens
        self.waiting += 1

    def leave(self, waiter: Waiter) -> bool:
        """Wait no longer; the one whose turn it is then is told. False: it was not, or no longer, in this line."""
        waiter.unclaim()
        rank = waiter.order[0]
        if waiter not in self._ranks[rank]:
            return False
        del self._ranks[rank][waiter]
        self._tokens[rank] -= waiter.tokens
        self.waiting -= 1
        if (first := self.first) is not None:
            first.bell.set()
        return True
