"""Plays scripts on real sockets, with aiohttp's server. Knows no dialect; what is said is the engine's to decide.

A client that leaves is noticed as soon as the kernel tells, wherever its request is: aiohttp then cancels the handler.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote

import msgspec

from .bill import Outcome
from .clock import Clock, VirtualClock
from .engine import Engine, Inbound
from .scripts import Break, Exchange, Head, Whole

if TYPE_CHECKING:
    from aiohttp import StreamReader
    from aiohttp.abc import AbstractStreamWriter
    from aiohttp.http import RawRequestMessage
    from aiohttp.web import BaseRequest, RequestHandler, Server, StreamResponse

_MOST_BODY = 256 * 1024 * 1024
_BACKLOG = 4096  # a thousand clients may come at once
_NO_LINGER = struct.pack("ii", 1, 0)  # closing then sends a reset


class SimulatorServer:
    """One engine behind one port."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self.engine = engine
        self.clock = clock
        self._server: Server | None = None
        self._listener: asyncio.Server | None = None
        self._stopping = False
        self._admin: dict[str, Callable[[str], bytes]] = {
            "GET /sim/stats": self._stats,
            "GET /sim/log": self._log,
            "POST /sim/reset": self._reset,
            "POST /sim/advance": self._advance,
        }

    async def start(self, host: str, port: int) -> int:
        """Listen; returns the port (which the system chooses for 0). Raises OSError when it is taken."""
        from aiohttp import web

        loop = asyncio.get_running_loop()
        self._server = web.Server(
            self._handle,
            request_factory=_make_request,
            handler_cancellation=True,
            access_log=None,
        )
        self._listener = await loop.create_server(self._server, host, port, backlog=_BACKLOG)
        bound: int = self._listener.sockets[0].getsockname()[1]
        return bound

    async def stop(self) -> None:
        """Close the port and every connection at once; what was open ends as broken."""
        self._stopping = True
        if self._listener is not None:
            self._listener.close()
        if self._server is not None:
            for connection in self._server.connections:
                connection.force_close()
            await self._server.shutdown(timeout=1.0)
        if self._listener is not None:
            await self._listener.wait_closed()

    async def _handle(self, request: BaseRequest) -> StreamResponse:
        path, _, query = request.raw_path.partition("?")
        if path.startswith("/sim/"):
            return self._answer_admin(f"{request.method} {path}", query)
        body = await request.read()
        exchange = self.engine.ask(Inbound(request.method, unquote(path), request.headers, body), self.clock.now())
        try:
            response = await self._play(request, exchange)
        except (asyncio.CancelledError, ConnectionError) as error:
            outcome: Outcome = "broken" if self._stopping else "gone"
            self.engine.end(exchange, outcome, self.clock.now())
            if isinstance(error, asyncio.CancelledError):
                raise
            return _lost(request)
        self.engine.end(exchange, exchange.ending, self.clock.now())
        return response

    async def _play(self, request: BaseRequest, exchange: Exchange) -> StreamResponse:
        """Take the steps in their time. A step that is late is not waited for: the provider has gone on meanwhile."""
        from aiohttp import web

        clock, due = self.clock, self.clock.now()
        response: StreamResponse = web.StreamResponse()
        for step in exchange.steps:
            if isinstance(step, float):
                due += step
                await clock.sleep_until(due)
            elif isinstance(step, bytes):
                await response.write(step)
            elif isinstance(step, Head):
                response = web.StreamResponse(status=step.status, headers=step.headers)
                await response.prepare(request)
            elif isinstance(step, Whole):
                return web.Response(status=step.status, headers=step.headers, body=step.body)
            else:
                _break(request, step)
                return response
        return response

    def _answer_admin(self, what: str, query: str) -> StreamResponse:
        from aiohttp import web

        action = self._admin.get(what)
        if action is None:
            known = ", ".join(self._admin)
            return web.Response(status=404, text=f"the simulator knows {known}\n")
        try:
            body = action(query)
        except ValueError as error:
            return web.Response(status=400, text=f"{error}\n")
        return web.Response(body=body, content_type="application/json")

    def _stats(self, query: str) -> bytes:
        return msgspec.json.encode(self.engine.stats(self.clock.now()))

    def _log(self, query: str) -> bytes:
        return msgspec.json.encode(self.engine.bill.recent())

    def _reset(self, query: str) -> bytes:
        self.engine.reset()
        return self._stats(query)

    def _advance(self, query: str) -> bytes:
        if not isinstance(self.clock, VirtualClock):
            raise ValueError("time is real here: start the simulator with --virtual-clock")
        self.clock.advance(float(parse_qs(query).get("s", ["nothing"])[0]))
        return self._stats(query)


def _make_request(
    message: RawRequestMessage,
    payload: StreamReader,
    protocol: RequestHandler,
    writer: AbstractStreamWriter,
    task: asyncio.Task[None],
) -> BaseRequest:
    """As aiohttp makes it, but for how large a body may be."""
    from aiohttp.web import BaseRequest

    loop = asyncio.get_running_loop()
    return BaseRequest(message, payload, protocol, writer, task, loop, client_max_size=_MOST_BODY)


def _break(request: BaseRequest, how: Break) -> None:
    """End the connection under the response; aiohttp then finds nobody to write the rest to."""
    transport = request.transport
    if transport is not None and how is Break.RESET:
        sock = transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        transport.abort()
    request.protocol.force_close()


def _lost(request: BaseRequest) -> StreamResponse:
    """What a handler must return when nobody is there to read it."""
    from aiohttp import web

    request.protocol.force_close()
    return web.Response(status=499)
