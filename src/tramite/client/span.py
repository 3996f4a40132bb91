"""The time of one call of the user's over all the requests that it takes: tools, repairs, batches. Sends nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from tramite.errors import DeadlineExceeded

T = TypeVar("T")


class Span:
    """Begins now. A `deadline_s` that the caller gave ends it; the configured one is for each request alone, so that
    many tools or a hundred thousand texts may take longer than one request may.
    """

    __slots__ = ("_began_at", "_deadline_s", "_loop", "ends_at")

    def __init__(self, deadline_s: float | None) -> None:
        self._loop = asyncio.get_running_loop()
        self._began_at = self._loop.time()
        self._deadline_s = deadline_s
        self.ends_at = None if deadline_s is None else self._began_at + deadline_s
        """On the loop's clock."""

    @property
    def elapsed_s(self) -> float:
        """Seconds since it began."""
        return self._loop.time() - self._began_at

    async def in_time(self, awaitable: Awaitable[T], doing: str) -> T:
        """Wait, until its end at most. Raises DeadlineExceeded, which says what was being done."""
        try:
            async with asyncio.timeout_at(self.ends_at) as limit:
                return await awaitable
        except TimeoutError:
            if not limit.expired():
                raise
            raise DeadlineExceeded(f"deadline_s ({self._deadline_s:g} s) is over: {doing}") from None
