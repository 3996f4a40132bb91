"""Buckets in a Redis, shared by many machines; `redis.lua` decides on them there. Knows what to do without it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Literal

from tramite.errors import LimitExceeded, TramiteError
from tramite.providers.addresses import without_password

from .decisions import SECOND_US
from .memory import MemoryState
from .records import AT_ONCE, Bucket, Lesson, Snapshot, Verdict, Want
from .redis_link import AGAIN_S, Link, connect, failures, reason


class RedisState:
    """See `State`. `url` is redis://… or rediss://…; the time is the server's, but where tests bring another clock.

    One Redis, not a cluster: all buckets of a request are decided on at once. Where it cannot be reached, requests are
    refused or, when `if_unreachable` says so, this process counts alone: with what it has learned itself, but not
    knowing what others use. Raises ConfigError, MissingExtra.
    """

    shared = True

    def __init__(
        self,
        url: str,
        if_unreachable: Literal["refuse", "local"] = "refuse",
        now_us: Callable[[], int] | None = None,
    ) -> None:
        connect(url)  # what is wrong with it is told now, not with the first request
        self._url = url
        self._now_us = now_us
        self._local = MemoryState() if if_unreachable == "local" else None
        self._link: Link | None = None

    def __repr__(self) -> str:
        away = ", unreachable" if self._link is not None and self._link.away else ""
        return f"RedisState({without_password(self._url)!r}{away})"

    def take_now(self, wants: Sequence[Want], tokens: int) -> bool:
        return not wants

    async def take(self, wants: Sequence[Want], tokens: int) -> Verdict:
        if not wants:
            return AT_ONCE
        link = self._linked()
        verdict = await link.take(wants, tokens)
        if verdict is not None:
            return verdict
        if self._local is None:
            raise LimitExceeded(
                f"{self._unreachable(link.why)}, and without it nothing may be sent. Start it, or set "
                'state.if_unreachable = "local" to have each process count alone meanwhile',
                AGAIN_S,
            )
        verdict = await self._local.take(wants, tokens)
        if verdict.granted:
            link.hold(wants, 1)
        return verdict

    def give_back(self, wants: Sequence[Want], tokens: int, unsent: bool) -> None:
        if (link := self._teller()) is None:
            return
        if link.away and self._local is not None:
            self._local.give_back(wants, tokens, unsent)
        link.give_back(wants, tokens, unsent)

    def learn(self, bucket: str, lessons: Iterable[Lesson]) -> None:
        kept = tuple(lessons)
        if self._local is not None:
            self._local.learn(bucket, kept)
        if (link := self._teller()) is not None:
            link.tell("learn", bucket, kept)

    def close(self, bucket: str, for_s: float) -> None:
        if self._local is not None:
            self._local.close(bucket, for_s)
        if (link := self._teller()) is not None:
            link.tell("close", bucket, int(for_s * SECOND_US))

    def renew(self, buckets: Iterable[str]) -> None:
        if (link := self._teller()) is not None:
            link.renew(buckets)

    def seen(self, bucket: str) -> tuple[Bucket, int] | None:
        return None  # verdicts come without the buckets, which are in Redis alone

    async def read(self) -> Snapshot:
        try:
            return await self._linked().read()
        except failures() as error:
            raise TramiteError(self._unreachable(reason(error))) from error

    async def aclose(self) -> None:
        link, self._link = self._link, None
        if link is not None and link.loop is asyncio.get_running_loop():
            await link.aclose()

    def _linked(self) -> Link:
        """The running loop's own: connections, and who holds slots, end with a loop."""
        loop = asyncio.get_running_loop()
        if self._link is None or self._link.loop is not loop:
            meanwhile = "requests are refused" if self._local is None else "this process counts its requests alone"
            self._link = Link(self._url, loop, meanwhile, self._now_us)
        return self._link

    def _teller(self) -> Link | None:
        """None outside of any loop: nobody could send it, and leases run out by themselves."""
        try:
            return self._linked()
        except RuntimeError:
            return None

    def _unreachable(self, why: str) -> str:
        return f"limits are counted at {without_password(self._url)}, which cannot be reached ({why})"
