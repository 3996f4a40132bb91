"""What one event loop asks and tells a Redis: in order, in batches, one round trip each. Decides nothing itself.

One task sends while there is something to send, so what comes meanwhile goes out together. What was underway when the
connection broke may have arrived or not, and is not said again: saying it twice would count it twice. The slots held
are the exception: their number is known here, and is told anew.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import msgspec
from msgspec import Struct

from tramite.errors import ConfigError, MissingExtra
from tramite.providers.addresses import without_password

from . import decisions
from .records import Bucket, Snapshot, Verdict, Want

if TYPE_CHECKING:
    from redis.asyncio import Redis

_log = logging.getLogger("tramite")

PREFIX = "tramite:limits:"
TIMEOUT_S = 1.0
"""What a batch may take, connecting included: everyone waits for it."""
AGAIN_S = 2.0
"""After a failure, nobody but one request tries again before so long."""
READ_S = 10.0
MOST = 200
"""What is sent at once: Redis serves nobody else meanwhile."""
GRACE_US = 60 * decisions.SECOND_US
_PAGE = 500


class Told(Struct):
    """Something asked or told: a function of the script, what it is given, the buckets it touches."""

    what: tuple[Any, ...]
    buckets: tuple[str, ...]
    verdict: asyncio.Future[Verdict | None] | None = None
    """For a `take`; None in it: Redis could not be reached."""


class Link:
    """See above. `meanwhile` says what happens while Redis is away."""

    def __init__(
        self, url: str, loop: asyncio.AbstractEventLoop, meanwhile: str, now_us: Callable[[], int] | None
    ) -> None:
        self.loop = loop
        self.away = False
        self.why = ""
        """Why it was away, the last time."""
        self._place = without_password(url)
        self._meanwhile = meanwhile
        self._now_us = now_us
        self._redis = connect(url)
        self._script = self._redis.register_script(_script())
        self._holder = uuid4().hex
        self._told: deque[Told] = deque()
        self._slots: dict[str, int] = {}
        self._renewed: set[str] = set()
        self._again_at = 0.0
        self._sending: asyncio.Task[None] | None = None
        self._keeper: AsyncGenerator[None, None] | None = None

    async def take(self, wants: Sequence[Want], tokens: int) -> Verdict | None:
        """The verdict; None where Redis cannot be reached. Cancelled, it takes nothing or gives it back."""
        if self.away:
            if self.loop.time() < self._again_at:
                return None
            self._again_at = self.loop.time() + AGAIN_S  # this one tries
        verdict: asyncio.Future[Verdict | None] = self.loop.create_future()
        self._send(Told(("take", wants, tokens), _names(wants), verdict))
        try:
            return await verdict
        except asyncio.CancelledError:
            if not verdict.cancelled():  # both at once
                self._regret(wants, tokens, verdict.result())
            raise

    def give_back(self, wants: Sequence[Want], tokens: int, unsent: bool) -> None:
        """See `State`."""
        told = Told(("give_back", wants, tokens, unsent), _names(wants))
        if self.away:
            self._count(told, None)
        else:
            self._send(told)

    def tell(self, what: str, bucket: str, value: object) -> None:
        """Anything else of one bucket. Not said while Redis is away: the next response says it anew."""
        if not self.away:
            self._send(Told((what, bucket, value), (bucket,)))

    def renew(self, buckets: Iterable[str]) -> None:
        """See `State`."""
        self._renewed.update(buckets)
        self._send()

    def hold(self, wants: Sequence[Want], slots: int) -> None:
        """Slots were taken, or with -1 freed, whether Redis knows or not."""
        for want in wants:
            if want.slots is not None:
                self._slots[want.bucket] = self._slots.get(want.bucket, 0) + slots

    async def read(self) -> Snapshot:
        """All buckets. Raises one of `failures()`."""
        await self._kept()
        async with asyncio.timeout(READ_S):
            keys = [key async for key in self._redis.scan_iter(match=f"{PREFIX}*", count=_PAGE)]
            values: list[object] = []
            for start in range(0, len(keys), _PAGE):
                values += await self._redis.mget(keys[start : start + _PAGE])
            seconds, micros = await self._redis.time()
        now = self._now_us() if self._now_us else seconds * decisions.SECOND_US + micros
        found = zip(keys, map(_bucket, values), strict=True)
        return Snapshot(now, {key.decode().removeprefix(PREFIX): bucket for key, bucket in found if bucket is not None})

    async def aclose(self) -> None:
        """Say what is left to say, and close the connection. The loop's end does it, if nobody else."""
        keeper = await self._kept()
        await keeper.aclose()

    def _send(self, told: Told | None = None) -> None:
        if told is not None:
            self._told.append(told)
        if self._sending is None or self._sending.done():
            self._sending = self.loop.create_task(self._send_all())

    async def _send_all(self) -> None:
        await self._kept()
        while self._told or self._renewed:
            batch = [self._told.popleft() for _ in range(min(MOST, len(self._told)))]
            batch = [told for told in batch if told.verdict is None or not told.verdict.cancelled()]
            renewed = {name: self._slots.get(name, 0) for name in self._renewed}
            try:
                verdicts = iter(await self._call(renewed, batch))
            except failures() as error:
                self._is_away(error)
                self._lost([*batch, *self._told])
                self._told.clear()
                return
            except BaseException:  # the loop is ending, or there is a fault in here: nobody may wait for ever
                self._lost(batch)
                raise
            self._renewed -= renewed.keys()
            self._is_back()
            for told in batch:
                self._count(told, next(verdicts) if told.verdict is not None else None)
            self._slots = {name: slots for name, slots in self._slots.items() if slots > 0}

    async def _kept(self) -> AsyncGenerator[None, None]:
        if self._keeper is None:
            self._keeper = self._keep()
            await anext(self._keeper)  # returns at once; from now on the loop knows it
        return self._keeper

    async def _keep(self) -> AsyncGenerator[None, None]:
        """`asyncio.run` ends asynchronous generators before it closes its loop."""
        try:
            yield
        finally:
            while self._sending is not None and not self._sending.done():
                await asyncio.wait([self._sending])
            if not self.away:
                await self._send_all()
            await self._redis.aclose()

    async def _call(self, renewed: Mapping[str, int], batch: Sequence[Told]) -> list[Verdict]:
        """One round trip. The verdicts of all that was asked, in order. Raises one of `failures()`."""
        names = {*renewed, *(name for told in batch for name in told.buckets)}
        packed = msgspec.msgpack.encode((renewed, [told.what for told in batch]))
        time = [self._now_us()] if self._now_us else []
        async with asyncio.timeout(TIMEOUT_S):
            answer = await self._script(keys=[PREFIX + name for name in names], args=[self._holder, packed, *time])
        return msgspec.msgpack.decode(answer, type=list[Verdict])

    def _count(self, told: Told, verdict: Verdict | None) -> None:
        """Keep count of the slots, and answer who asked."""
        if told.what[0] == "give_back":
            self.hold(told.what[1], -1)
        elif told.verdict is not None:
            if verdict is not None and verdict.granted:
                self.hold(told.what[1], 1)
            if told.verdict.cancelled():
                self._regret(told.what[1], told.what[2], verdict)
            else:
                told.verdict.set_result(verdict)

    def _regret(self, wants: Sequence[Want], tokens: int, verdict: Verdict | None) -> None:
        """Who asked has gone."""
        if verdict is not None and verdict.granted:
            self.give_back(wants, -tokens, unsent=True)

    def _lost(self, told: Sequence[Told]) -> None:
        """These may have arrived or not. Of what they would have told, the slots alone are told again."""
        for one in told:
            self._renewed.update(one.buckets)
            self._count(one, None)
        self._renewed.update(self._slots)

    def _is_away(self, error: Exception) -> None:
        self.why = reason(error)
        if not self.away:
            text = "limits are counted at %s, which cannot be reached (%s): %s until it can"
            _log.warning(text, self._place, self.why, self._meanwhile)
        self.away, self._again_at = True, self.loop.time() + AGAIN_S

    def _is_back(self) -> None:
        if self.away:
            self.away = False
            _log.warning("limits are counted at %s again", self._place)


def connect(url: str) -> Redis:
    """A client that tries once, and waits as long as it is let: `Link` sets both. Raises ConfigError, MissingExtra."""
    try:
        from redis.asyncio import Redis
        from redis.asyncio.retry import Retry
        from redis.backoff import NoBackoff
    except ImportError:
        raise MissingExtra(
            "state.url names a Redis, and the package redis is not installed: pip install 'tramite[redis]'"
        ) from None
    try:
        return Redis.from_url(
            url,
            protocol=2,  # with 3, redis-py 8 does not notice that a connection was closed while it lay idle
            retry=Retry(NoBackoff(), 0),
            socket_timeout=None,
            socket_connect_timeout=None,
        )
    except ValueError:  # its words may hold a piece of the password
        raise ConfigError(
            "state.url is no address of a Redis. Expected redis://HOST:PORT/NUMBER, or rediss://… for TLS; with a "
            "password, redis://:PASSWORD@HOST, its special characters percent-encoded"
        ) from None


def failures() -> tuple[type[Exception], ...]:
    """What happens when a Redis cannot be reached, or is none."""
    from redis import RedisError

    return RedisError, OSError, msgspec.MsgspecError


def reason(error: Exception) -> str:
    """In words; Python's own time limits have none."""
    return str(error) or "it does not answer in time"


def _script() -> str:
    constants = {
        name: getattr(decisions, f"{name}_US") for name in ("SECOND", "DAY", "AHEAD", "RAMP", "LEASE", "STALE")
    }
    lines = [f"local {name}_US = {value}" for name, value in {**constants, "GRACE": GRACE_US}.items()]
    lines.append(f"local PREFIX = '{PREFIX}'")
    return "\n".join([*lines, Path(__file__).with_name("redis.lua").read_text(encoding="utf-8")])


def _names(wants: Sequence[Want]) -> tuple[str, ...]:
    return tuple(want.bucket for want in wants)


def _bucket(value: object) -> Bucket | None:
    """A record; None where it has expired meanwhile, or is none."""
    try:
        return msgspec.msgpack.decode(value, type=Bucket) if isinstance(value, bytes) else None
    except msgspec.MsgspecError:
        return None
