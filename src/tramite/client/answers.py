"""The response cache as a client has it: which call may have an earlier answer, and who is told. Sends nothing."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from tramite.calls import Call
from tramite.config import Config
from tramite.pipeline.caching import cache_key, packed, unpacked
from tramite.pipeline.envelope import Envelope
from tramite.pipeline.governing import Governor
from tramite.pipeline.observing import Outcome
from tramite.replies import EmbeddingReply, Reply, RerankReply, Timings, Usage

if TYPE_CHECKING:
    from tramite.store.responses import ResponseCache

R = TypeVar("R", Reply, EmbeddingReply, RerankReply)

LOOK_S = 1.0
"""How long an earlier answer is looked for: behind a database that somebody else keeps, asking anew is faster."""


class Answers:
    """Earlier answers. Opens nothing before the first call that may have one."""

    def __init__(self, config: Config, governor: Governor) -> None:
        self.enabled = config.cache.enabled
        """Whether a call that says nothing of it may have one."""
        self._config = config
        self._governor = governor
        self._cache: ResponseCache | None = None

    def key(self, call: Call, delivery: Mapping[str, Any]) -> str | None:
        """What the answer to this call is kept under; None where it has to be answered anew."""
        wanted = delivery.get("cache")
        if not (wanted or self.enabled):
            return None
        asked = call.model
        if asked is None and (default := self._config.default) is not None:
            asked = default.model
        return cache_key(call, self._config.cache, asked or "", delivery.get("key", ""), wanted)

    async def find(self, key: str, form: type[R], envelope: Envelope) -> R | None:
        """The answer that is kept under this key, if there is one; observers are told. Raises ConfigError."""
        began_s = time.monotonic()
        data = await self.look(key)
        reply = None if data is None else unpacked(data, form)
        if reply is None:
            return None
        reply = msgspec.structs.replace(reply, timings=Timings(total_s=time.monotonic() - began_s))
        self.tell(reply.target, reply.usage, reply.timings.total_s, envelope)
        return reply

    async def look(self, key: str) -> bytes | None:
        """What is kept under this key, packed as it was. Raises ConfigError."""
        try:
            return await asyncio.wait_for(self._opened().get(key), LOOK_S)
        except TimeoutError:
            return None

    def put(self, key: str, data: bytes) -> None:
        """Keep what is packed."""
        self._opened().put(key, data)

    def tell(self, target: str, usage: Usage, total_s: float, envelope: Envelope) -> None:
        """Tell the observers that an earlier answer was given again."""
        if self._governor.watched:
            self._governor.request_ended(_outcome(target, usage, total_s, envelope))

    def keep(self, key: str, reply: Reply | EmbeddingReply | RerankReply) -> None:
        """Keep a new answer, if it is one to be given again."""
        if not reply.cached and (data := packed(reply)) is not None:
            self.put(key, data)

    async def aclose(self) -> None:
        """Write what is due."""
        if self._cache is not None:
            await self._cache.aclose()

    def _opened(self) -> ResponseCache:
        if self._cache is None:
            from tramite.store.responses import ResponseCache

            self._cache = ResponseCache(self._config.store.url, self._config.cache.ttl_s)
        return self._cache


def _outcome(target: str, usage: Usage, total_s: float, envelope: Envelope) -> Outcome:
    return Outcome(
        call_id=os.urandom(12).hex(),
        kind=envelope.kind,
        asked=envelope.model,
        target=target,
        stream=envelope.stream,
        attempts=(),
        total_s=total_s,
        cached=True,
        usage=usage,
        cost_nanousd=0,
        caller=envelope.caller,
    )
