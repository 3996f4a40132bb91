"""The whole run: which relays are measured in which way. They take turns, round by round, so that what the machine does
meanwhile is in all of them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

from . import measures, relays
from .relays import OURS, Place, Relay, Starter
from .results import Results


@dataclass(frozen=True)
class Effort:
    """How much is measured."""

    rounds: int = 5
    seconds: float = 3.0
    """Of each round, for each relay."""
    alone_s: float = 2.0
    """Of one request at a time."""
    late_rounds: int = 3
    starts: int = 5
    frames: tuple[int, int] = (64, 400)
    """Streams at once, and pieces in each."""
    peer_frames: tuple[int, int] = (64, 64)
    """Fewer, since one of them takes minutes for as many."""
    late: tuple[int, int] = (200, 64)
    crowd: tuple[int, int] = (1000, 40)
    idle_s: float = 2.0
    blocks: int = 40
    block: tuple[int, int] = (5000, 1000)
    """Of the soak: requests, and aborted streams."""

    def __str__(self) -> str:
        return f"{self.rounds} rounds of {self.seconds:g} s for each relay, {self.starts} starts."


QUICK = Effort(
    rounds=1,
    seconds=1,
    alone_s=1,
    late_rounds=1,
    starts=1,
    frames=(4, 8),
    peer_frames=(4, 8),
    late=(4, 8),
    crowd=(4, 8),
    idle_s=0.1,
    blocks=6,
    block=(50, 8),
)


@dataclass(frozen=True)
class Bench:
    """One run; `results` fills while it goes on."""

    effort: Effort
    place: Place
    peers: Sequence[Starter] = ()
    ours: Sequence[Starter] = OURS
    results: Results = field(default_factory=Results)

    def all(self) -> None:
        """Every part."""
        for part in (self.costs, self.lateness, self.starts, self.soak):
            part()

    def costs(self) -> None:
        """CPU of requests, streams and frames; latency of one request at a time."""
        own = (relays.nginx, relays.nginx_kept_alive, relays.prototype, *self.ours)
        with self._running(*own) as running, self._running(*self.peers) as peers:
            for number in range(self.effort.rounds):
                tell(f"round {number + 1} of {self.effort.rounds}")
                for relay in (*running, *peers):
                    self._take(self.results.wholes, relay, measures.requests, "whole", self.effort.seconds)
                for relay in running:
                    self._take(self.results.streams, relay, measures.requests, "stream", self.effort.seconds)
                    self._take(self.results.frames, relay, measures.frames, *self.effort.frames)
                for relay in peers if number == 0 else ():
                    self._take(self.results.frames, relay, measures.frames, *self.effort.peer_frames)
                for relay in (relays.direct(self.place), *running, *peers):
                    self._take(self.results.latencies, relay, measures.latency, self.effort.alone_s)

    def lateness(self) -> None:
        """How late frames come: through each relay, beside nothing in between."""
        with self._running(relays.nginx_kept_alive, relays.prototype, *self.ours) as running:
            for number in range(self.effort.late_rounds):
                tell(f"lateness, round {number + 1} of {self.effort.late_rounds}")
                for relay in (relays.direct(self.place), *running):
                    self._take(self.results.late, relay, measures.lateness, *self.effort.late)
            tell("a crowd of open streams")
            for relay in (relays.direct(self.place), *running):
                self._take(self.results.crowds, relay, measures.crowd, *self.effort.crowd)

    def starts(self) -> None:
        """Starts, and memory while idle."""
        for number in range(self.effort.starts):
            tell(f"start {number + 1} of {self.effort.starts}")
            for starter in (relays.nginx, relays.prototype, *self.ours, *(self.peers if number == 0 else ())):
                with self._noting(name(starter)):
                    begun = measures.start(self.place, starter, self.effort.idle_s)
                    self.results.starts.setdefault(begun.name, []).append(begun)

    def soak(self) -> None:
        """Memory over many requests and aborted streams, with everything on, and of the floor. They take turns, so that
        neither is shown without the other."""
        tell("soak")
        with self._running(self.ours[-1], relays.prototype) as running:
            under_way = {relay.name: measures.soak(self.place, relay, *self.effort.block) for relay in running}
            for _ in range(self.effort.blocks):
                for relay_name, samples in list(under_way.items()):
                    with self._noting(f"{relay_name}: soak"):
                        self.results.soak.setdefault(relay_name, []).append(next(samples))
                        continue
                    del under_way[relay_name], self.results.soak[relay_name]  # half a soak says nothing of growth

    @contextmanager
    def _running(self, *starters: Starter) -> Iterator[list[Relay]]:
        """Those that start."""
        with ExitStack() as stack:
            found = []
            for starter in starters:
                with self._noting(name(starter)):
                    found.append(stack.enter_context(starter(self.place)))
            yield found

    def _take(self, found: dict[str, list[Any]], relay: Relay, measure: Callable[..., Any], *how: object) -> None:
        """Measure once more, unless that has failed before."""
        what = " ".join((f"{relay.name}:", measure.__name__, *(one for one in how if isinstance(one, str))))
        if what not in self.results.failures:
            with self._noting(what):
                measured = measure(self.place, relay, *how)
                found.setdefault(relay.name, []).append(measured)

    @contextmanager
    def _noting(self, what: str) -> Iterator[None]:
        """What fails is told on the page, and the rest goes on."""
        try:
            yield
        except RuntimeError as error:
            reason = str(error).partition("\n")[0]
            tell(f"{what}: {reason}")
            self.results.failures[what] = reason


def name(starter: Starter) -> str:
    """What it starts."""
    return str(getattr(starter, "name", None) or getattr(starter, "__name__", starter))


def tell(what: str) -> None:
    """Progress."""
    print(what, file=sys.stderr, flush=True)
