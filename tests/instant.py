"""An event loop whose clock jumps to the next timer instead of waiting for it: hours pass in no time."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class _Selector(selectors.DefaultSelector):
    """Finds what is ready now; where nothing is, it lets the loop's clock jump."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0 if timeout is not None else None)
        if not ready and timeout is not None and timeout > 0:
            self.now += timeout
        return ready


class InstantLoop(asyncio.SelectorEventLoop):
    """For code that waits on timers alone: what comes through sockets or threads takes real time."""

    def __init__(self) -> None:
        self._instant = _Selector()
        super().__init__(self._instant)

    def time(self) -> float:
        return self._instant.now


def run(main: Coroutine[Any, Any, T]) -> T:
    """`asyncio.run` on such a loop."""
    with asyncio.Runner(loop_factory=InstantLoop) as runner:
        return runner.run(main)
