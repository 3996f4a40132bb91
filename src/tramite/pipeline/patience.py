"""Bounds every wait of one request, with one timer for all of them. Knows nothing of what is waited for."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Literal, TypeAlias, TypeVar

from tramite.errors import DeadlineExceeded

T = TypeVar("T")
Cause: TypeAlias = Literal["deadline", "silence", "closed"]

ROUND_S = 25.0
"""The timer is set no further ahead, so that a wait after the first seldom has to set it anew (stall_s is 30)."""


_NO_CAUSE: Cause | None = None


class Interrupted(Exception):
    """A wait ended before what was waited for came. It never reaches a user: the attempt says what it means."""

    def __init__(self, cause: Cause) -> None:
        super().__init__(cause)
        self.cause: Cause = cause


class Patience:
    """Interrupts a wait when its silence lasts too long, when the deadline is over, or when told to.

    Like `asyncio.timeout`, it cancels the waiting task and takes that cancellation back. Unlike it, one loop timer
    serves all waits of a request: a stream of a thousand frames arms it once in `silence_s`, not a thousand times.
    Where `deadline_s` covers more than this request, it ends at `ends_at`, on the loop's clock.
    """

    def __init__(self, deadline_s: float, ends_at: float | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        self.deadline_s = deadline_s
        self.started_at = self._loop.time()
        self.deadline_at = self.started_at + deadline_s if ends_at is None else ends_at
        self._timer: asyncio.TimerHandle | None = None
        self._rings_at = 0.0
        """When the timer rings. It cannot be asked: uvloop's for what is due already does not know."""
        self._task: asyncio.Task[object] | None = None
        self._until = 0.0
        self._by_deadline = False
        self._cause: Cause | None = None
        self._closed = False

    @property
    def here(self) -> bool:
        """Whether the running loop is the one that it counts on."""
        return self._loop is asyncio.get_running_loop()

    def now(self) -> float:
        """Seconds on the clock of its loop."""
        return self._loop.time()

    def left_s(self) -> float:
        """Seconds until the deadline."""
        return self.deadline_at - self._loop.time()

    def elapsed_s(self) -> float:
        """Seconds since the request began."""
        return self._loop.time() - self.started_at

    async def wait(self, awaitable: Awaitable[T], silence_s: float | None = None) -> T:
        """Wait, at most `silence_s` and not past the deadline. Raises `Interrupted`."""
        until = self.deadline_at
        if silence_s is not None:
            until = min(until, self._loop.time() + silence_s)
        task = asyncio.current_task(self._loop)
        if task is None:
            raise RuntimeError("a request can only be waited for inside an asyncio task")
        if self._closed:
            _discard(awaitable)
            raise Interrupted("closed")
        self._until, self._by_deadline = until, until == self.deadline_at
        if self._timer is None or self._rings_at > until:
            self._arm(until)
        before = task.cancelling()
        self._task, self._cause = task, _NO_CAUSE
        try:
            return await awaitable
        except asyncio.CancelledError:
            cause, self._cause = self._cause, None
            if cause is not None and task.uncancel() <= before:
                raise Interrupted(cause) from None
            raise
        finally:
            self._task = None
            if self._cause is not None:
                task.uncancel()  # it was interrupted, and ended in a way of its own

    async def in_time(self, awaitable: Awaitable[T], doing: str) -> T:
        """Wait until the deadline. Raises DeadlineExceeded, which says what was being done; `Interrupted` if closed."""
        try:
            return await self.wait(awaitable)
        except Interrupted as interrupted:
            raise self.translated(interrupted, doing) from None

    def translated(self, interrupted: Interrupted, doing: str) -> Exception:
        """What an interruption by anything but silence is to whoever called."""
        if interrupted.cause == "closed":
            return interrupted
        return self.over(doing)

    def over(self, doing: str) -> DeadlineExceeded:
        """The deadline has passed."""
        return DeadlineExceeded(f"deadline_s ({self.deadline_s:g} s) is over: {doing}")

    def close(self) -> None:
        """End the wait under way, if there is one, and every later one. Call it on the loop's thread."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._interrupt("closed")

    def done(self) -> None:
        """Drop the timer: nothing more will be waited for."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self, until: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._rings_at = min(until, self._loop.time() + ROUND_S)
        self._timer = self._loop.call_at(self._rings_at, self._ring)

    def _ring(self) -> None:
        self._timer = None
        if self._task is None:
            return  # nobody waits now: the next wait arms it again
        if self._loop.time() < self._until:
            self._arm(self._until)
        else:
            self._interrupt("deadline" if self._by_deadline else "silence")

    def _interrupt(self, cause: Cause) -> None:
        # `_cause` is set once: a second interruption must not cancel the task twice.
        if self._task is not None and self._cause is None:
            self._cause = cause
            self._task.cancel()


def _discard(awaitable: Awaitable[object]) -> None:
    """Drop what will not be waited for; a coroutine that is merely forgotten makes Python complain."""
    close = getattr(awaitable, "close", None)
    if close is not None:
        close()
