"""Calls back at given times, with one timer of the loop for all of them. Knows nothing of who asked."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable
from itertools import count

_FEW = 64


class Alarm:
    """Belongs to one loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._due: list[tuple[float, int]] = []
        self._callbacks: dict[int, Callable[[], object]] = {}
        self._numbers = count()
        self._timer: asyncio.TimerHandle | None = None
        self._rings_at = 0.0
        """When the timer rings. It cannot be asked: uvloop's for what is due already does not know."""

    def at(self, when: float, callback: Callable[[], object]) -> int:
        """Call it once at this time of the loop's. The number takes it back."""
        number = next(self._numbers)
        self._callbacks[number] = callback
        heapq.heappush(self._due, (when, number))
        self._set()
        return number

    def drop(self, number: int) -> None:
        """Do not call it. The timer stays as it is: it may ring for nothing."""
        self._callbacks.pop(number, None)
        if len(self._due) > _FEW + 2 * len(self._callbacks):
            self._due = [entry for entry in self._due if entry[1] in self._callbacks]
            heapq.heapify(self._due)

    def stop(self) -> None:
        """Call nobody any more."""
        self._callbacks.clear()
        self._due.clear()
        self._set()

    def _set(self) -> None:
        when = self._due[0][0] if self._due else None
        if self._timer is not None:
            if when is not None and self._rings_at <= when:
                return
            self._timer.cancel()
        self._timer = None
        if when is not None:
            self._timer, self._rings_at = self._loop.call_at(when, self._ring), when

    def _ring(self) -> None:
        self._timer = None
        now = self._loop.time()
        while self._due and self._due[0][0] <= now:
            callback = self._callbacks.pop(heapq.heappop(self._due)[1], None)
            if callback is not None:
                callback()
        self._set()
