"""Connections that must make progress: uvicorn's own, with an end to heads, trailers, patience and unread answers.

uvicorn waits for ever for the rest of a request and for a client that does not read, takes heads of any size, and adds
the trailers of a body to the headers that were already judged. Knows bytes and times, no request.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

from msgspec import Struct
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle


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

    def data_received(self, data: bytes) -> None:
        """See asyncio.Protocol."""
        self._starts()
        self._unread += len(data)
        super().data_received(data)
        if self._unread > self._pace.most_head and not self.transport.is_closing():
            self.refuse(431)

    def on_message_begin(self) -> None:
        """The parser has seen the first byte of a request."""
        self._starts()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """A head is whole. Raising makes the parser stop."""
        headers = self.headers
        if len(headers) > self._pace.most_headers or sum(len(k) + len(v) for k, v in headers) > self._pace.most_head:
            self.refuse(431)
            raise ValueError("too many headers")
        self._stage, self._since_s, self._unread, self._body = _BODY, self.loop.time(), 0, 0
        super().on_headers_complete()

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header; or a trailer, which comes when everything was decided by the headers, and is dropped."""
        if self._stage != _BODY:
            super().on_header(name, value)

    def on_body(self, body: bytes) -> None:
        """A piece of a body."""
        self._unread = 0
        self._body += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """A request is whole."""
        self._stage = _IDLE
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """What could not be parsed. Into an answer that is under way, another would be written: cut it off instead."""
        self.refuse(400)

    def refuse(self, status: int) -> None:
        """Answer and close, where an answer can still be understood; else close."""
        if self.transport.is_closing():
            return
        cycle: RequestResponseCycle | None = self.cycle
        if self.pipeline or (cycle is not None and self._is_answering(cycle)):
            self.transport.abort()
            return
        told = _WORDS[status].encode()
        head = f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\ncontent-type: application/json\r\n"
        self.transport.write(f"{head}content-length: {len(told)}\r\nconnection: close\r\n\r\n".encode() + told)
        self.transport.close()

    def is_late(self, now_s: float) -> bool:
        """Whether the rest of a request should long be here. While we do not read, it is not the client who is late."""
        if self._stage == _IDLE or self.flow.read_paused:
            return False
        pace = self._pace
        allowed_s = pace.head_s if self._stage == _HEAD else pace.body_s + self._body / pace.body_rate
        return now_s - self._since_s > allowed_s

    def _is_answering(self, cycle: RequestResponseCycle) -> bool:
        """Whether an answer is under way, or about to be, that nothing else may be written into."""
        return not cycle.response_complete and (cycle.response_started or self._stage != _BODY)

    def _starts(self) -> None:
        if self._stage == _IDLE:
            self._stage, self._since_s = _HEAD, self.loop.time()


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
    return not connection.writable.is_set()
