"""The buckets that a request touches, and what it takes of them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import ip_address, ip_network

from msgspec import Struct

from tramite.config import Limits

from .gate import Gate
from .line import Line, Waiter
from .records import CONCURRENCY, THROTTLED, Verdict, Want


class Scope(Struct, frozen=True, cache_hash=True):
    """One bucket that a request touches."""

    name: str
    """`openai`, `openai/gpt-4o-mini`, `key:alice`, `address:10.0.0.1`; an opaque id may follow."""
    limits: Limits = Limits()
    learns: bool = False
    """What the provider says, in headers and by 429s, is said of this bucket."""


@lru_cache(1024)
def of_address(address: str, limits: Limits) -> Scope:
    """What one client address takes. Of IPv6 it is the /64 that a client has to choose addresses from (RFC 6177)."""
    try:
        whose = str(ip_network((address, 64), strict=False) if ip_address(address).version == 6 else address)
    except ValueError:  # a socket without one, or what a program says of its own clients
        whose = address
    return Scope(f"address:{whose}", limits)


class Plan:
    """What a request with these scopes comes to: worked out once."""

    __slots__ = ("counted", "gates", "learners", "line", "read_until_s", "slots", "wants")

    def __init__(self, scopes: Sequence[Scope], gates: Sequence[Gate], shared: bool) -> None:
        pairs = list(zip(scopes, gates, strict=True))
        self.gates = tuple(gates)
        self.learners = tuple(gate for scope, gate in pairs if scope.learns)
        self.wants: tuple[Want, ...] = tuple(gate.want for s, gate in pairs if s.learns or not gate.want.empty)
        self.slots = any(want.slots is not None for want in self.wants)
        self.counted = bool(self.wants) and (shared or any(not want.empty for want in self.wants))
        """Whether the state must be asked even where this process has learned nothing."""
        self.line = Line()
        self.read_until_s = 0.0
        """Headers of responses that come before then are not read."""

    @property
    def is_counted(self) -> bool:
        """Whether the state must be asked."""
        return self.counted or any(gate.learning.known for gate in self.gates)

    def blocked(self, now: float) -> Verdict | None:
        """What this process itself knows to be in the way."""
        for gate in self.gates:
            if closed_s := gate.closed_s(now):
                return Verdict(False, closed_s, gate.want.bucket, THROTTLED)
            if gate.full:
                return Verdict(False, 0.0, gate.want.bucket, CONCURRENCY)
        return None

    def join(self, waiter: Waiter) -> None:
        """Get in line."""
        self.line.join(waiter)
        for gate in self.gates:
            gate.waiting += 1

    def leave(self, waiter: Waiter) -> None:
        """Its turn is over, or it gave up."""
        if not self.line.leave(waiter):
            return
        for gate in self.gates:
            gate.waiting -= 1
