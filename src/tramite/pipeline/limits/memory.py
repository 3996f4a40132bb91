"""Buckets in the memory of one process, on the running loop's clock. Nobody else sees them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence

from . import decisions
from .records import Bucket, Lesson, Snapshot, Verdict, Want

SWEEP_FROM = 1024
"""Buckets, before those that are idle are looked for: again each time there are twice as many as were in use."""

_HOLDER = "here"  # there is no other process
_UNUSED = Bucket()


def loop_us() -> int:
    """The running loop's time; outside of any, the clock that loops go by."""
    try:
        return int(asyncio.get_running_loop().time() * decisions.SECOND_US)
    except RuntimeError:
        return int(time.monotonic() * decisions.SECOND_US)


class MemoryState:
    """See `State`."""

    shared = False

    def __init__(self, now_us: Callable[[], int] = loop_us) -> None:
        self._now_us = now_us
        self._buckets: dict[str, Bucket] = {}
        self._sweep_at = SWEEP_FROM

    def __repr__(self) -> str:
        return f"MemoryState({len(self._buckets)} buckets)"

    def take_now(self, wants: Sequence[Want], tokens: int) -> bool:
        return self._take(wants, tokens, 0).granted

    async def take(self, wants: Sequence[Want], tokens: int) -> Verdict:
        return self._take(wants, tokens, decisions.AHEAD_US)

    def give_back(self, wants: Sequence[Want], tokens: int, unsent: bool) -> None:
        now = self._now_us()
        for want in wants:
            if (bucket := self._buckets.get(want.bucket)) is not None:
                decisions.give_back(bucket, want, tokens, unsent, _HOLDER, now)

    def learn(self, bucket: str, lessons: Iterable[Lesson]) -> None:
        now = self._now_us()
        decisions.learn(self._bucket(bucket), lessons, now)

    def close(self, bucket: str, for_s: float) -> None:
        now = self._now_us()
        decisions.close(self._bucket(bucket), now + int(for_s * decisions.SECOND_US))

    def renew(self, buckets: Iterable[str]) -> None:
        now = self._now_us()
        for name in buckets:
            if (bucket := self._buckets.get(name)) is not None:
                decisions.renew(bucket, _HOLDER, now)

    def seen(self, bucket: str) -> tuple[Bucket, int] | None:
        return self._buckets.get(bucket, _UNUSED), self._now_us()

    async def read(self) -> Snapshot:
        return Snapshot(self._now_us(), self._buckets)

    async def aclose(self) -> None:
        """Nothing is kept open."""

    def _take(self, wants: Sequence[Want], tokens: int, ahead_us: int) -> Verdict:
        now = self._now_us()
        if len(self._buckets) >= self._sweep_at:
            self._sweep(now)
        buckets = [self._bucket(want.bucket) for want in wants]
        return decisions.take(buckets, wants, tokens, _HOLDER, now, ahead_us)

    def _bucket(self, name: str) -> Bucket:
        bucket = self._buckets.get(name)
        if bucket is None:
            bucket = self._buckets[name] = Bucket()
        return bucket

    def _sweep(self, now: int) -> None:
        self._buckets = {name: bucket for name, bucket in self._buckets.items() if not decisions.idle(bucket, now)}
        self._sweep_at = max(SWEEP_FROM, 2 * len(self._buckets))
