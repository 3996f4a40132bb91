"""Connections that must make progress: uvicorn's own, with an end to heads, trailers, patience and unread answers.

uvicorn waits for ever for the rest of a request and for a client that does not read, takes heads of any size, and adds
the trailers of a body to the headers that were already judged. Knows bytes and times, no request.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any

import httptools
from msgspec import Struct
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from .asgi import WHEN_LEFT


class Pace(Struct, frozen=True, kw_only=True):
    """How much a client may send before it has said something, and how long things may take. Bytes and seconds."""

    most_head: int = 65_536
    """Of a head; and of chunk extensions and trailers, until a piece of a body comes."""
    most_headers: int = 100
    head_s: float = 10.0
    body_s: float = 20.0
    """For a body, and `body_rate` more of it each further second."""
    body_rate: int = 16_384
    write_s: float = 30.0
    """For which a client may leave unread what it was sent."""
    told_s: float = 5.0
    """For which streams may go on after they were told that the server stops."""
    sweep_s: float = 1.0
    """How often it is looked who is too slow: one timer for all costs no request anything."""


_IDLE, _HEAD, _BODY = range(3)


class Connection(HttpToolsProtocol):
    """One client's connection, and how far its request has come."""

    def __init__(self, *, pace: Pace, **given: Any) -> None:
        super().__init__(**given)
        self._pace = pace
        self._stage = _HEAD
        self._since_s = self.loop.time()
        self._unread = 0
        """Bytes since something came of them."""
        self._body = 0
        self._fed = b""
        self._offered = False
        """It offers to speak another protocol, which we do not."""
        self._leave: Callable[[], object] | None = None

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio.Protocol."""
        super().connection_lost(exc)
        self._left()

    def when_left(self, leave: Callable[[], object]) -> Callable[[], object]:
        """See `asgi.WHEN_LEFT`."""
        self._leave = leave
        self.flow.resume_reading()  # it is by reading that a leaving is noticed
        if self.transport.is_closing():
            self.loop.call_soon(self._left)
        return self._stay

    def _left(self) -> None:
        if self._leave is not None:
            self._leave()

    def _stay(self) -> None:
        self._leave = None

    def data_received(self, data: bytes) -> None:
        """See asyncio.Protocol."""
        self._starts()
        self._unread += len(data)
        self._fed = data
        super().data_received(data)
        if self._unread > self._pace.most_head and not self.transport.is_closing():
            self.refuse(431)

    def on_message_begin(self) -> None:
        """The parser has seen the first byte of a request."""
        self._starts()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """A head is whole. Raising makes the parser stop."""
        if len(self.headers) > self._pace.most_headers or self._is_large():
            self.refuse(431)
            raise ValueError("too many headers")
        if self.parser.get_method() == b"CONNECT":
            raise ValueError("no tunnels")
        self._stage, self._since_s, self._unread, self._body = _BODY, self.loop.time(), 0, 0
        scope: Any = self.scope
        scope[WHEN_LEFT] = self.when_left
        if self.parser.should_upgrade():
            self._offered = not self._should_upgrade()
            if not self._offered:
                super().on_headers_complete()
            return
        super().on_headers_complete()
        self.headers = []  # for trailers: they come when everything was decided, and go nowhere
        if scope["method"] != "HEAD":
            cycle: Any = self.cycle
            cycle.transport = Joining(self.transport)

    def on_body(self, body: bytes) -> None:
        """A piece of a body."""
        self._unread = 0
        self._body += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """A request is whole."""
        if not self._offered:
            self._stage = _IDLE
            super().on_message_complete()

    def _should_upgrade(self) -> bool:
        """Only for what begins a WebSocket (RFC 6455, 4.1), and not into an answer that is under way."""
        names = {name for name, _ in self.headers}
        begins = self.parser.get_method() == b"GET" and not names & {b"content-length", b"transfer-encoding"}
        return begins and not self._is_busy() and super()._should_upgrade()

    def _unsupported_upgrade_warning(self) -> None:
        """The parser has stopped behind a head with an offer that we do not take (RFC 9110, 7.8), such as Java's client
        makes. It would lose the body, or read it as a request if it comes by itself: another parser reads on, as if
        nothing had been offered."""
        stopped = sys.exc_info()[1]
        rest = self._fed[stopped.args[0] :] if isinstance(stopped, httptools.HttpParserUpgrade) else b""
        lines = [self.parser.get_method() + b" " + self.url + b" HTTP/1.1"]
        lines += [name + b": " + _without_offer(name, value) for name, value in self.headers if name not in _OFFER]
        self._offered = False
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn does
        self.data_received(b"\r\n".join([*lines, b"", rest]))

    def send_400_response(self, msg: str) -> None:
        """What could not be parsed. Into an answer that is under way, another would be written: cut it off instead."""
        self.refuse(400)

    def refuse(self, status: int) -> None:
        """Answer and close, where an answer can still be understood; else close."""
        if self.transport.is_closing():
            return
        if self.pipeline or (self._is_busy() and (self.cycle.response_started or self._stage != _BODY)):
            self.transport.abort()
            return
        told = _WORDS[status].encode()
        head = f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\ncontent-type: application/json\r\n"
        self.transport.write(f"{head}content-length: {len(told)}\r\nconnection: close\r\n\r\n".encode() + told)
        self.transport.close()

    def is_late(self, now_s: float) -> bool:
        """Whether the rest of a request should long be here. While we do not read, a client's time does not run."""
        if self.flow.read_paused:
            self._since_s = now_s
        if self._stage == _IDLE:
            return False
        pace = self._pace
        allowed_s = pace.head_s if self._stage == _HEAD else pace.body_s + self._body / pace.body_rate
        return now_s - self._since_s > allowed_s

    def _is_busy(self) -> bool:
        """Whether a request is being answered, or will be when it is whole."""
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is not None and not cycle.response_complete

    def _is_large(self) -> bool:
        """Whether this head is too large; what came with it may be the body."""
        most = self._pace.most_head
        return self._unread > most and sum(len(name) + len(value) for name, value in self.headers) > most

    def _starts(self) -> None:
        if self._stage == _IDLE:
            self._stage, self._since_s = _HEAD, self.loop.time()


_OFFER = frozenset((b"upgrade", b"http2-settings"))


def _without_offer(name: bytes, value: bytes) -> bytes:
    """A header as it would be if no other protocol had been offered."""
    if name != b"connection":
        return value
    return b", ".join(token for token in value.split(b",") if token.strip().lower() not in _OFFER)


class Joining:
    """What an answer is written to: a head that tells of a body leaves together with it, in one call to the system."""

    __slots__ = ("_begun", "_held", "_transport")

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._begun = False
        self._held = b""

    def write(self, data: bytes) -> None:
        """The head, then the body. Interim answers (100), and heads of what comes piece by piece, leave at once."""
        if self._held:
            data, self._held = self._held + data, b""
        elif not self._begun and b"\r\ncontent-length: " in data:
            self._begun, self._held = True, data
            return
        self._transport.write(data)

    def close(self) -> None:
        """Write what is held, and close."""
        if self._held:
            self.write(b"")
        self._transport.close()

    def is_closing(self) -> bool:
        """See asyncio.Transport."""
        return self._transport.is_closing()


def _words(message: str, code: str) -> str:
    return f'{{"error":{{"message":"{message}","type":"invalid_request_error","param":null,"code":"{code}"}}}}'


_WORDS = {
    400: _words("this is not HTTP, or not unambiguously: the connection is closed", "bad_http"),
    408: _words("the rest of the request did not come in time", "too_slow"),
    431: _words("the headers are too large", "headers_too_large"),
}


class Sweeper:
    """Closes the connections that do not move. `connections` is the server's own set, WebSockets among them."""

    def __init__(self, connections: Iterable[Any], pace: Pace) -> None:
        self._connections = connections
        self._pace = pace
        self._stuck_s: dict[Any, float] = {}
        """Since when somebody has not read."""
        self.closed = 0

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(self._pace.sweep_s)
            self.sweep(asyncio.get_running_loop().time())

    def sweep(self, now_s: float) -> None:
        """Look at each once."""
        stuck = {each: self._stuck_s.get(each, now_s) for each in self._connections if _is_stuck(each)}
        for each, since_s in stuck.items():
            if now_s - since_s > self._pace.write_s:
                each.transport.abort()
                self.closed += 1
        for each in [each for each in self._connections if each not in stuck]:
            if isinstance(each, Connection) and each.is_late(now_s):
                each.refuse(408)
                self.closed += 1
        self._stuck_s = stuck


def _is_stuck(connection: Any) -> bool:
    """Whether its client leaves unread what it was sent, or does not let go after the end."""
    if connection.transport.is_closing():
        return True
    if isinstance(connection, Connection):
        return connection.flow.write_paused
    return not (connection.handshake_complete and connection.writable.is_set())
