"""`/ws/chat`: one chat after another on one WebSocket, which remembers what was said. docs/websocket.md tells it all.

One task reads what the client says, so that a stop or its leaving is felt whatever else is going on; a second one
tells the answer. A client that does not read makes the telling wait, and with it the provider.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial

from tramite.client.conversation import History
from tramite.errors import AuthenticationFailed, InvalidCall, TramiteError
from tramite.messages import Message
from tramite.pipeline.observing import Caller
from tramite.replies import Reply

from . import failures
from .asgi import ClientGone, Receive, Scope, Send, address_of
from .doors import CHAT
from .gate import Gate
from .tickets import SPENT, Tickets, ticket_of
from .turns import Fields, Said, Turn, Voice, call_of, failed, fields_of, open_stream, under_way, value_of

PATH = "/ws/chat"
PROTOCOL = "tramite.chat.v1"
MOST_BYTES = 8_000_000
"""Of one message, and of all that one socket remembers."""
LISTENS_EVERY = 32
"""Messages in a row after which it is heard whether the client has left: sending to one who has neither waits nor
fails, and what has come from a provider at once may be a thousand of them."""
GOING_AWAY, NO_TEXT, UNREADABLE, TOO_LARGE = 1001, 1003, 1007, 1009
"""Why a socket is closed (RFC 6455, 7.4.1)."""

Who = Callable[[str | None], Awaitable[Caller]]
"""Who asks for this model. Raises KeyRefused, StoreFailed."""


async def chat(gate: Gate, tickets: Tickets, scope: Scope, receive: Receive, send: Send) -> None:
    """One WebSocket, from its handshake to its end."""
    await receive()  # websocket.connect
    try:
        _check_protocol(scope)
        who = await _admit(gate, tickets, scope)
    except TramiteError as error:
        await _refuse(scope, send, error)
        return
    try:
        await send({"type": "websocket.accept", "subprotocol": PROTOCOL if scope.get("subprotocols") else None})
        await Socket(gate, who, receive, send).run()
    except (ClientGone, OSError):
        return


class _Close(Exception):
    """The socket cannot go on: with which code it is closed, and why."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code


class Socket:
    """One client's WebSocket, once it is let in."""

    def __init__(self, gate: Gate, who: Who, receive: Receive, send: Send) -> None:
        self._gate = gate
        self._who = who
        self._receive = receive
        self._send = send
        self._voice = Voice(self._write)
        self._history = History(None)
        self._remembered = 0
        self._turn: Turn | None = None
        self._telling: asyncio.Task[None] | None = None
        self._ended = True
        """Whether of the turn only its last word is still to be said, if that."""
        self._closed = False
        self._sent = 0
        self._does = {"start": self._start, "stop": self._stop, "ping": self._ping}

    async def run(self) -> None:
        """Until either side closes it. Raises ClientGone, OSError."""
        beside = [asyncio.ensure_future(self._voice.beat()), asyncio.ensure_future(self._rest())]
        try:
            while (message := await self._receive())["type"] != "websocket.disconnect":
                await self._take(message.get("text"))
        except _Close as close:
            await self._voice.say(failed(InvalidCall(str(close))))
            await self._close(close.code)
        finally:
            for task in beside:
                task.cancel()
            if self._telling is not None:
                self._telling.cancel()
                await asyncio.wait([self._telling])

    async def _take(self, text: str | None) -> None:
        """One message of the client's. Raises _Close for what is none."""
        if text is None:
            raise _Close(NO_TEXT, "messages are JSON in text frames, and a binary frame came")
        if len(text) > MOST_BYTES or len(text.encode()) > MOST_BYTES:
            raise _Close(TOO_LARGE, f"a message may have {MOST_BYTES // 1_000_000} MB")
        try:
            fields = fields_of(text)
        except InvalidCall as error:
            raise _Close(UNREADABLE, str(error)) from None
        name = None
        try:
            name = _text(fields, "id")
            does = self._does.get(_text(fields, "type") or "")
            if does is None:
                raise InvalidCall(f"a message's type is one of {', '.join(self._does)}", "type")
            await does(fields, name or "")
        except TramiteError as error:
            await self._voice.say(failed(error, name))

    async def _start(self, fields: Fields, name: str) -> None:
        if not self._ended:
            raise InvalidCall("an answer is under way: stop it, or wait for its end", "type")
        if self._telling is not None:
            await asyncio.wait([self._telling])
        goes_on = value_of(fields, "continue")
        if not isinstance(goes_on, bool | None):
            raise InvalidCall(f"continue must be true or false, got {goes_on!r:.80}", "continue")
        size = sum(map(len, fields.values()))
        if goes_on and self._remembered + size > MOST_BYTES:
            raise InvalidCall("the conversation has become too long to be remembered here: begin another", "continue")
        earlier = self._history.messages if goes_on else []
        call = call_of(fields, earlier)
        stream = open_stream(self._gate, call, await self._who(call.model))
        if not goes_on:
            self._history.reset()
            self._remembered = 0
        stream.on_end(partial(self._remember, call.messages[len(earlier) :], size))
        self._turn, self._ended = Turn(stream, name), False
        self._telling = asyncio.ensure_future(self._tell(self._turn))

    async def _stop(self, fields: Fields, name: str) -> None:
        """End the answer under way: its last word tells what there was of it. Where there is none, nothing happens."""
        if not self._ended and self._turn is not None:
            self._ended = True
            await self._turn.stream.close()

    async def _ping(self, fields: Fields, name: str) -> None:
        pong: Said = {"type": "pong", "id": name}
        await self._voice.say(pong)

    async def _tell(self, turn: Turn) -> None:
        with suppress(ClientGone), under_way(self._gate, turn):  # whoever reads learns of it too
            last = await turn.tell(self._voice)
            self._ended = True
            await self._voice.say(last)

    async def _rest(self) -> None:
        """Close when the process is to end, but not in the middle of an answer."""
        await self._gate.drains.wait()
        if self._telling is not None:
            await asyncio.wait([self._telling])
        await self._close(GOING_AWAY)

    def _remember(self, asked: tuple[Message, ...], size: int, reply: Reply) -> None:
        self._history.keep_reply(asked, reply)
        self._remembered += size + len(reply.text.encode("utf-8", "replace"))

    async def _write(self, data: bytes) -> None:
        if self._closed:
            raise ClientGone
        await self._send({"type": "websocket.send", "text": data.decode()})
        self._sent += 1
        if self._sent % LISTENS_EVERY == 0:
            await asyncio.sleep(0)

    async def _close(self, code: int) -> None:
        if not self._closed:
            self._closed = True
            with suppress(OSError):
                await self._send({"type": "websocket.close", "code": code})


def _text(fields: Fields, name: str) -> str | None:
    value = value_of(fields, name)
    if value is None or isinstance(value, str):
        return value
    raise InvalidCall(f"{name} must be a string, got {value!r:.80}", name)


def _check_protocol(scope: Scope) -> None:
    """Whoever names protocols must name ours, so that a later version of it can be told apart."""
    offered = scope.get("subprotocols")
    if offered and PROTOCOL not in offered:
        raise InvalidCall(f"the subprotocol here is {PROTOCOL}", "sec-websocket-protocol")


async def _admit(gate: Gate, tickets: Tickets, scope: Scope) -> Who:
    """Who is at the other end: by ticket, else by headers. Raises AuthenticationFailed, StoreFailed."""
    ticket = ticket_of(scope)
    if not ticket:
        key = await gate.key_of(scope)
        return partial(gate.caller_of, "" if key is None else key.id, address_of(scope))
    issued = await tickets.redeem(ticket, "websocket", address_of(scope))
    if issued is None:
        raise AuthenticationFailed(SPENT, status=401)
    return partial(gate.caller_of, issued.key, issued.address)


async def _refuse(scope: Scope, send: Send, error: TramiteError) -> None:
    """Answer the handshake with this error, where the server can; else it is a 403 without words."""
    if "websocket.http.response" not in (scope.get("extensions") or {}):
        await send({"type": "websocket.close"})
        return
    status, headers, body = failures.response(CHAT.dialect, error)
    await send({"type": "websocket.http.response.start", "status": status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": body})
