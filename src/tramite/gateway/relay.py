"""One inbound request through the pipeline and back: whole, or as server-sent events. Knows no key and no guard.

Whoever leaves is felt upstream at once, wherever the request is. What ends a stream is held back until the stream is
proven whole: a client never sees a finish that the provider has not earned.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import TypeVar

import msgspec

from tramite.dialects.base import Operation
from tramite.dialects.frames import DONE
from tramite.errors import BadReply, InvalidCall, Overloaded, TramiteError
from tramite.pipeline.envelope import Ended, Envelope, Opened, Piece
from tramite.pipeline.patience import Patience
from tramite.pipeline.run import Pipeline
from tramite.wire.frames import Frame
from tramite.wire.sse import encode_all

from . import failures, told
from .asgi import SSE, WHEN_LEFT, Receive, Scope, Send, respond
from .inbound import Inbound
from .transcript import Transcript
from .translation import Mapper

T = TypeVar("T")

_ENDS = re.compile(
    rb'"(?:finish_reason|stop_reason)"\s*:\s*"|\[DONE\]|"type"\s*:\s*"(?:message_stop|response\.(?:completed|incomplete|failed))"'
)
"""What a client may take for the end of an answer. That it may stand in a text as well costs that text at worst."""

NO_CACHE = (b"cache-control", b"no-store")
AT_ONCE = (b"x-accel-buffering", b"no")
"""Proxies such as nginx would keep small pieces back."""


async def whole(pipeline: Pipeline, envelope: Envelope, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with a whole reply. Raises TramiteError before anything is sent."""
    delivery = await while_there(pipeline.whole(envelope), scope, receive)
    if delivery is not None:
        await respond(send, 200, told.of_delivery(delivery), delivery.value)


async def while_there(doing: Awaitable[T], scope: Scope, receive: Receive) -> T | None:
    """Wait for it as long as the client does; None when the client has left, and then it is cancelled."""
    task = asyncio.current_task()
    left = False

    def leave() -> None:
        nonlocal left
        if task is not None and not left:
            left = task.cancel()

    stay = _leaving(scope, receive, leave)
    try:
        return await doing
    except asyncio.CancelledError:
        if task is None or not left or task.uncancel():
            raise  # the server stops
        return None
    finally:
        stay()


class Streaming:
    """One stream on its way to a client."""

    def __init__(self, inbound: Inbound, envelope: Envelope, send: Send, deadline_s: float, keeps: bool) -> None:
        """`keeps`: the ledger wants to have the text."""
        self._inbound = inbound
        self._send = send
        self._patience = Patience(deadline_s)
        self._envelope = envelope
        if inbound.always_translated:
            self._envelope = msgspec.structs.replace(envelope, continued=self._continued)
        self._transcript: Transcript | None = None
        if keeps:
            self._envelope = msgspec.structs.replace(self._envelope, texts=self._texts)
        self._keeps = keeps
        self._opened: Opened | None = None
        self._mapper: Mapper | None = None
        self._held: list[Frame] = []
        self._drained = False
        self.begun = False
        """Whether the client has seen its head: then no status can say any more what goes wrong."""

    async def run(self, pipeline: Pipeline, scope: Scope, receive: Receive) -> None:
        """Until its end, or until the client leaves. Raises TramiteError as long as nothing was sent."""
        pieces = pipeline.stream(self._envelope, self._patience)
        stay = _leaving(scope, receive, self._patience.close)
        try:
            await self._pass_on(pieces)
        except TramiteError as error:
            if not self.begun:
                raise
            await self._fail(error)
        finally:
            stay()
            await pieces.aclose()

    def drain(self) -> None:
        """End it now, and say why: the gateway is to stop."""
        self._drained = True
        self._patience.close()

    async def _pass_on(self, pieces: AsyncGenerator[Piece, None]) -> None:
        broken: BadReply | None = None
        ended = False
        while True:
            try:
                piece = await (anext(pieces) if broken is None else pieces.athrow(broken))
            except StopAsyncIteration:
                break
            broken = None
            if type(piece) is list:
                if frames := self._frames(piece):
                    await self._write(frames)
                broken = self._mapper.broken if self._mapper is not None else None
            elif isinstance(piece, Opened):
                await self._open(piece)
            elif isinstance(piece, Ended):
                ended = True
                await self._end()
        if self._drained and not ended:
            raise Overloaded("the gateway is being stopped: ask again")

    async def _open(self, opened: Opened) -> None:
        self._opened = opened
        if self._mapper is not None:
            self._mapper.resume(opened.operation, opened.watcher)
        elif not self._inbound.passes(opened.operation):
            self._mapper = self._inbound.translation.stream(opened.operation, opened.watcher)
            self._mapper.keeps = self._inbound.always_translated or self._keeps
        elif self._keeps:
            self._transcribe(opened.operation)
        if not self.begun:
            self.begun = True
            headers = [SSE, NO_CACHE, AT_ONCE, *told.of_opened(opened)]
            await self._send({"type": "http.response.start", "status": 200, "headers": headers})

    def _continued(self) -> Envelope | None:
        """The request with what the client has of its answer; None where that is more than text."""
        mapper = self._mapper
        if mapper is None or mapper.beyond_text or not mapper.text:
            return None
        return self._inbound.continued("".join(mapper.text), self._envelope.caller)

    def _transcribe(self, operation: Operation) -> None:
        if self._transcript is None:
            try:
                self._transcript = Transcript(self._inbound.translation.call)
            except InvalidCall:  # the target understands it; here it is only passed on
                return
        self._transcript.follow(operation)

    def _texts(self, value: object) -> tuple[str, str]:
        """For the ledger: what was asked, and what has come of the answer."""
        source = self._mapper or self._transcript
        return self._inbound.texts("" if source is None else "".join(source.text))

    def _frames(self, came: list[Frame]) -> list[Frame]:
        """What of these frames may go to the client now."""
        if self._mapper is not None:
            return self._mapper.map(came)
        if self._opened is None:
            return []
        if self._transcript is not None:
            self._transcript.note(came)
        watcher = self._opened.watcher
        if not self._inbound.wants_usage:
            came = [frame for frame in came if not _is_usage_alone(frame)]
        if watcher.proof:
            held, self._held = [*self._held, *came], []
            return held
        if watcher.finish is not None or watcher.ended or self._held:
            self._held += came
            return []
        return came

    async def _end(self) -> None:
        held, self._held = self._held, []
        if self._mapper is not None:
            held = self._mapper.end()
        elif self._inbound.door.asks_for_usage and self._opened is not None and not self._opened.watcher.ended:
            held.append(Frame(DONE))  # proven whole all the same; clients of OpenAI's wait for it
        await self._write(held, last=True)

    async def _fail(self, error: TramiteError) -> None:
        mapper = self._mapper
        if mapper is not None:
            frames = mapper.error(error)
        else:
            unfinished = [frame for frame in self._held if not _ENDS.search(frame.data)]
            frames = [*unfinished, *failures.frames(self._inbound.door.dialect, error)]
        self._held = []
        await self._write(frames, last=True)

    def _write(self, frames: list[Frame], last: bool = False) -> Awaitable[None]:
        return self._send({"type": "http.response.body", "body": encode_all(frames), "more_body": not last})


def _is_usage_alone(frame: Frame) -> bool:
    """The frame that was only sent because we asked for it (facts A1: `choices` is empty in it)."""
    data = frame.data
    alone = data.find(b'"choices":[]') >= 0 or data.find(b'"choices": []') >= 0
    return alone and data.find(b'"usage"') >= 0


def _leaving(scope: Scope, receive: Receive, leave: Callable[[], object]) -> Callable[[], object]:
    """Calls `leave` when the client has left; what is given back ends that."""
    when_left = scope.get(WHEN_LEFT)
    if when_left is not None:
        stay: Callable[[], object] = when_left(leave)
        return stay

    async def watch() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        leave()

    return asyncio.ensure_future(watch()).cancel
