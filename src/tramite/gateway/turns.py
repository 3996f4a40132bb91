"""One chat for a reader who can take text back, told as JSON messages: a WebSocket's, or an EventSource's.

docs/websocket.md says what the messages mean. Knows no socket.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec
from msgspec import Raw

from tramite import events
from tramite.calls import ChatCall
from tramite.client.stream import AsyncStream
from tramite.dialects.openai.messages_in import messages_of
from tramite.errors import InvalidCall, Overloaded
from tramite.events import Event, Started
from tramite.messages import Message, user
from tramite.pipeline.observing import Caller
from tramite.replies import Reply
from tramite.store.redaction import redact

from . import failures
from .asgi import ClientGone
from .doors import CHAT
from .gate import Gate

HEARTBEAT_S = 15.0
WORDS: Mapping[type[Any], str] = {
    events.TextDelta: "text",
    events.ReasoningDelta: "reasoning",
    events.RefusalDelta: "refusal",
    events.ToolCallDelta: "tool_call",
    events.Noticed: "notice",
    events.Loading: "loading",
    events.Retrying: "retrying",
    events.Restarted: "restarted",
}
"""What a reader is told of as an `event`. The rest is in `done`, or stays here for the next turn."""

Fields = dict[str, Raw]
Said = dict[str, Any]
UNREADABLE = (msgspec.MsgspecError, UnicodeError, RecursionError)
_fields = msgspec.json.Decoder(Fields).decode
_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode
_SOME_MESSAGE = Raw(b'[{"role":"user","content":"-"}]')


def fields_of(text: str | bytes) -> Fields:
    """The fields of a JSON object. Raises InvalidCall."""
    try:
        return _fields(text)
    except UNREADABLE as error:
        raise InvalidCall(f"this is no JSON object: {error}") from None


def value_of(fields: Fields, name: str) -> Any:
    """Take a field out; None where it is missing. Raises InvalidCall."""
    raw = fields.pop(name, None)
    try:
        return None if raw is None else _decode(raw)
    except UNREADABLE as error:
        raise InvalidCall(f"{name} cannot be read: {error}", name) from None


def call_of(fields: Fields, earlier: Sequence[Message] = ()) -> ChatCall:
    """The call that OpenAI's chat body says, after what was said earlier. `prompt` may stand for one user's message.

    Raises InvalidCall.
    """
    prompt, messages = value_of(fields, "prompt"), value_of(fields, "messages")
    if (prompt is None) == (messages is None):
        raise InvalidCall("send either messages or a prompt, and not both", "messages")
    if prompt is not None and not isinstance(prompt, str):
        raise InvalidCall(f"prompt must be a string, got {prompt!r:.80}", "prompt")
    asked = messages_of(messages) if prompt is None else (user(prompt),)
    # A message may answer what was said earlier, so they are held to their order all together.
    body = _encode({**fields, "messages": _SOME_MESSAGE})
    call, _ = CHAT.operation.decode_call(body, CHAT.path)
    whole: ChatCall = msgspec.structs.replace(call, messages=(*earlier, *asked))
    return whole


def open_stream(gate: Gate, call: ChatCall, caller: Caller) -> AsyncStream:
    """The answer as it is written; nothing is sent before it is read."""
    return AsyncStream(gate.core.source(call, {"caller": caller, "key": caller.key}))


class Voice:
    """Says messages to one client, and a heartbeat where there was nothing to say for a while.

    `write` waits while its client does not read: then nothing more is read from upstream.
    """

    def __init__(self, write: Callable[[bytes], Awaitable[None]]) -> None:
        self._write = write
        self._loop = asyncio.get_running_loop()
        self._said_at = self._loop.time()

    async def say(self, message: Said) -> None:
        """One message. Raises ClientGone."""
        try:
            await self._write(_encode(message))
        except OSError:  # what a server raises then (ASGI, 2.4)
            raise ClientGone from None
        self._said_at = self._loop.time()

    async def beat(self) -> None:
        """For ever, or until the client has left."""
        while True:
            wait_s = self._said_at + HEARTBEAT_S - self._loop.time()
            if wait_s > 0:
                await asyncio.sleep(wait_s)
                continue
            try:
                await self.say({"type": "heartbeat"})
            except ClientGone:
                return


class Turn:
    """One answer on its way to a client, which `gate.streams` may be told of."""

    def __init__(self, stream: AsyncStream, name: str | None = None) -> None:
        self.stream = stream
        self.name = name
        """The client's own id for it."""
        self._draining: asyncio.Task[None] | None = None

    async def tell(self, voice: Voice) -> Said:
        """Say what comes; what remains to be said is how it ended. Raises ClientGone."""
        try:
            async with self.stream:
                async for event in self.stream:
                    if (message := _happened(event)) is not None:
                        message["id"] = self.name
                        await voice.say(message)
        except ClientGone:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, who asked must hear that there will be no answer
            return failed(error, self.name)
        reply = self.stream.reply
        if self._draining is not None and reply.finish == "stopped":
            return failed(Overloaded("the gateway is being stopped: ask again"), self.name)
        return _ended(reply, self.name)

    def drain(self) -> None:
        """End now, and tell the client why."""
        self._draining = asyncio.ensure_future(self.stream.close())


@contextmanager
def under_way(gate: Gate, turn: Turn) -> Iterator[None]:
    """Have the gate know of it, so that it can be told to end."""
    gate.streams.add(turn)
    try:
        yield
    finally:
        gate.streams.discard(turn)


def failed(error: BaseException, name: str | None = None) -> Said:
    """The message that says this error."""
    known = failures.told(error)
    status, _, body = failures.response(CHAT.dialect, known)
    return {
        "type": "error",
        "id": name,
        "error": type(known).__name__,
        "message": _decode(body)["error"]["message"],
        "status": status,
        "retry_after_s": getattr(known, "retry_after_s", None),
    }


def _happened(event: Event) -> Said | None:
    if isinstance(event, Started):
        return {"type": "started", "target": event.target, "attempt": event.attempt}
    word = WORDS.get(type(event))
    if word is None:
        return None
    said: Said = {"type": "event", "event": word}
    for field in event.__struct_fields__:
        value = getattr(event, field)
        if field == "error":
            said[field] = redact(value)
        elif not (value in (None, "", ()) or (field == "index" and value == 0)):
            said[field] = value
    return said


def _ended(reply: Reply, name: str | None) -> Said:
    return {
        "type": "stopped" if reply.finish == "stopped" else "done",
        "id": name,
        "finish": reply.finish,
        "text": reply.text,
        "tool_calls": [{"id": call.id, "name": call.name, "arguments": call.raw} for call in reply.tool_calls],
        "model": reply.model,
        "target": reply.target,
        "cached": reply.cached,
        "usage": reply.usage,
        "cost_nanousd": reply.cost_nanousd,
        "timings": reply.timings,
        "attempts": [msgspec.structs.replace(tried, error=redact(tried.error)) for tried in reply.attempts],
        "notices": reply.notices,
        "request_id": reply.request_id,
    }
