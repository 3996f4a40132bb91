"""For EventSource, which can neither POST nor send headers: `POST /tickets`, then `GET /v1/stream?ticket=…`.

The stream has the messages of `/ws/chat`, numbered. An EventSource that comes back with a ticket that was used gets a
204, which tells it to stay away (HTML standard, 9.2.3): a lost connection is never paid for a second time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from itertools import count

import msgspec
from msgspec import Raw, Struct

from tramite.errors import InvalidCall, RequestRejected, TramiteError

from . import failures
from .asgi import JSON, SSE, App, BodyTooLarge, Receive, Scope, Send, address_of, read_body, respond
from .doors import CHAT
from .gate import Gate
from .relay import AT_ONCE, NO_CACHE, while_there
from .tickets import SPENT, TTL_S, Pass, Purpose, Tickets, ticket_of
from .turns import UNREADABLE, Turn, Voice, call_of, failed, fields_of, open_stream, under_way
from .websocket import MOST_BYTES, PATH

PATHS = {"websocket": PATH, "stream": "/v1/stream"}
_NO_BODY = Raw(b"null")


class Wish(Struct, frozen=True, rename={"purpose": "for"}):
    """What a ticket is asked for; a stream is prepared with the chat that it will play."""

    purpose: Purpose
    body: Raw = _NO_BODY


_wish = msgspec.json.Decoder(Wish).decode
_encode = msgspec.json.Encoder().encode


class Prepared:
    """The two handlers, over the same tickets as the WebSocket."""

    def __init__(self, gate: Gate, tickets: Tickets) -> None:
        self._gate = gate
        self._tickets = tickets

    def __repr__(self) -> str:
        return f"Prepared({self._tickets!r})"

    def pages(self) -> Mapping[str, App]:
        """Which path is answered by what."""
        return {"/tickets": self.issue, PATHS["stream"]: self.play}

    async def issue(self, scope: Scope, receive: Receive, send: Send) -> None:
        """`POST /tickets`: a ticket for whoever is let in. What is wrong with the chat is said now, while it can be
        read."""
        if scope["method"] != "POST":
            await respond(send, *failures.wrong_method(CHAT.dialect, scope["method"], "POST"))
            return
        try:
            key = await self._gate.key_of(scope)
            try:
                body = await read_body(scope, receive, MOST_BYTES)
            except BodyTooLarge:
                raise RequestRejected(f"the body is larger than {MOST_BYTES // 1_000_000} MB", status=413) from None
            given = await self._issued("" if key is None else key.id, address_of(scope), body)
        except TramiteError as error:
            await respond(send, *failures.response(CHAT.dialect, error))
        else:
            await respond(send, 200, [JSON, NO_CACHE], given)

    async def _issued(self, key: str, address: str, body: bytes) -> bytes:
        try:
            wish = _wish(body)
        except UNREADABLE as error:
            form = '{"for": "websocket"} or {"for": "stream", "body": …}'
            raise InvalidCall(f"the body must be {form}: {error}") from None
        kept = _NO_BODY
        if wish.purpose == "stream":
            kept = wish.body
            model = call_of(fields_of(kept)).model
            await self._gate.caller_of(key, address, model)
        ticket = await self._tickets.issue(wish.purpose, key, address, bytes(kept))
        url = f"{PATHS[wish.purpose]}?ticket={ticket}"
        return _encode({"ticket": ticket, "url": url, "expires_in_s": TTL_S})

    async def play(self, scope: Scope, receive: Receive, send: Send) -> None:
        """`GET /v1/stream?ticket=…`: the chat that was prepared, once."""
        if scope["method"] != "GET":  # whoever only looks must not use the ticket up
            await respond(send, 405, [(b"allow", b"GET")], b"")
            return
        issued = await self._tickets.redeem(ticket_of(scope), "stream", address_of(scope))
        if issued is None:
            why = (b"x-tramite-error", SPENT.encode())
            await send({"type": "http.response.start", "status": 204, "headers": [why]})
            await send({"type": "http.response.body"})
            return
        await send({"type": "http.response.start", "status": 200, "headers": [SSE, NO_CACHE, AT_ONCE]})
        await while_there(self._play(issued, _numbered(send)), scope, receive)
        await send({"type": "http.response.body"})

    async def _play(self, issued: Pass, write: Callable[[bytes], Awaitable[None]]) -> None:
        """Failures too are told in the stream: of any other answer a page sees nothing."""
        voice = Voice(write)
        beat = asyncio.ensure_future(voice.beat())
        try:
            try:
                call = call_of(fields_of(issued.body))
                caller = await self._gate.caller_of(issued.key, issued.address, call.model)
                turn = Turn(open_stream(self._gate, call, caller))
            except TramiteError as error:
                last = failed(error)
            else:
                with under_way(self._gate, turn):
                    last = await turn.tell(voice)
            await voice.say(last)
        finally:
            beat.cancel()


def _numbered(send: Send) -> Callable[[bytes], Awaitable[None]]:
    """Writes each message as an event with a number."""
    numbers = count(1)

    async def write(data: bytes) -> None:
        event = b"id: %d\ndata: %b\n\n" % (next(numbers), data)
        await send({"type": "http.response.body", "body": event, "more_body": True})

    return write
