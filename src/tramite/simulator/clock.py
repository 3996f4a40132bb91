"""Where the simulator's time comes from: the running loop, or a clock that moves only when told. Knows nothing else.

`FastForwardLoop` is the third way: an event loop on which sleeping takes no time, for the caller's timers as well.
"""

from __future__ import annotations

import asyncio
import heapq
import math
import selectors
import time
from collections.abc import Coroutine
from itertools import count
from typing import Any, Protocol, TypeVar

T = TypeVar("T")


class Clock(Protocol):
    """Seconds since some moment, and waiting for a later one."""

    def now(self) -> float: ...

    async def sleep_until(self, when: float) -> None:
        """Return once `now() >= when`; at once when that is so already. `math.inf` waits until cancelled."""
        ...


class LoopClock:
    """The running event loop's own time: real, unless the loop is a `FastForwardLoop`."""

    def now(self) -> float:
        try:
            return asyncio.get_running_loop().time()
        except RuntimeError:  # asked from outside, for the books
            return time.monotonic()

    async def sleep_until(self, when: float) -> None:
        loop = asyncio.get_running_loop()
        delay = when - loop.time()
        if delay == math.inf:
            await loop.create_future()
        elif delay > 0:
            await asyncio.sleep(delay)


class VirtualClock:
    """Time that stands still until `advance` moves it. Sleepers may live on several loops and threads."""

    def __init__(self, start: float = 0.0) -> None:
        self._now = start
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = count()

    def __repr__(self) -> str:
        return f"VirtualClock(now={self._now:g}, sleepers={self.sleepers})"

    @property
    def sleepers(self) -> int:
        """How many are waiting for a later time."""
        return sum(not future.done() for _, _, future in self._sleepers)

    def now(self) -> float:
        return self._now

    async def sleep_until(self, when: float) -> None:
        if when <= self._now:
            return
        future = asyncio.get_running_loop().create_future()
        if when < math.inf:
            heapq.heappush(self._sleepers, (when, next(self._order), future))
        await future

    def advance(self, seconds: float) -> None:
        """Move time on and wake whoever has slept long enough, the earliest first. ValueError for a step back."""
        if not seconds >= 0:
            raise ValueError(f"time cannot go back: advance({seconds!r})")
        self._now += seconds
        while self._sleepers and self._sleepers[0][0] <= self._now:
            future = heapq.heappop(self._sleepers)[2]
            future.get_loop().call_soon_threadsafe(_wake, future)


def _wake(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


class FastForwardLoop(asyncio.SelectorEventLoop):
    """An event loop whose time jumps to the next timer as soon as nothing is left to do.

    `asyncio.sleep`, timeouts and `loop.time()` all follow it, so an hour of pacing passes in milliseconds and in the
    right order. Sockets and threads get `grace_s` of real time before each jump; 0 is right for what stays in process.
    """

    def __init__(self, grace_s: float = 0.0) -> None:
        self._ahead_s = 0.0
        super().__init__(_JumpingSelector(self, grace_s))

    def time(self) -> float:
        """Seconds: real time plus all that was jumped over."""
        return super().time() + self._ahead_s

    def jump(self, seconds: float) -> None:
        """Move time on at once."""
        self._ahead_s += seconds


class _JumpingSelector(selectors.DefaultSelector):
    def __init__(self, loop: FastForwardLoop, grace_s: float) -> None:
        super().__init__()
        self._loop = loop
        self._grace_s = grace_s

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None or timeout <= self._grace_s:
            return super().select(timeout)
        ready = super().select(self._grace_s)
        if not ready:
            self._loop.jump(timeout)
        return ready


def fast_forward(main: Coroutine[Any, Any, T], grace_s: float = 0.0) -> T:
    """Run `main` like `asyncio.run`, on a `FastForwardLoop`."""
    with asyncio.Runner(loop_factory=lambda: FastForwardLoop(grace_s)) as runner:
        return runner.run(main)
