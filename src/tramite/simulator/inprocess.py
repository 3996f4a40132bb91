"""The simulated provider without sockets: the same scripts, behind the seam that the network stands behind."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from urllib.parse import unquote, urlsplit

from tramite.errors import BadReply, ConnectionBroken
from tramite.wire.seam import Request

from .bill import Outcome, Stats
from .clock import Clock, LoopClock
from .engine import Engine, Inbound
from .options import Options
from .scripts import Break, Exchange, Head, Step, Whole


class InProcess:
    """A transport to a simulated provider in this process. Cancelling and closing are counted as on a socket."""

    def __init__(self, engine: Engine | None = None, clock: Clock | None = None) -> None:
        self.engine = engine or Engine()
        self.clock = clock or LoopClock()

    def __repr__(self) -> str:
        return f"InProcess({self.engine!r})"

    def stats(self) -> Stats:
        """What was asked, and what it costs."""
        return self.engine.stats(self.clock.now())

    async def send(self, request: Request) -> InProcessResponse:
        """Play the script up to the answer's head. Raises ConnectionBroken where the script breaks before it."""
        headers = {name.lower(): value for name, value in request.headers.items()}
        path = unquote(urlsplit(request.url).path)
        exchange = self.engine.ask(Inbound(request.method, path, headers, request.body), self.clock.now())
        play = _Play(self, exchange)
        try:
            step = await play.next()
        except asyncio.CancelledError:
            play.end("gone")
            raise
        if isinstance(step, Whole):
            play.end(exchange.ending)
            return InProcessResponse(step.status, step.headers, play, request.max_body, step.body)
        if isinstance(step, Head):
            return InProcessResponse(step.status, step.headers, play, request.max_body)
        play.end(exchange.ending)
        raise ConnectionBroken("the simulator broke the connection before it answered")

    async def aclose(self) -> None:
        """Nothing is kept open."""


class _Play:
    """A script being played: its waits are waited, the rest is handed out."""

    __slots__ = ("_due", "_transport", "exchange")

    def __init__(self, transport: InProcess, exchange: Exchange) -> None:
        self._transport = transport
        self.exchange = exchange
        self._due = transport.clock.now()

    async def next(self) -> Step | None:
        """The next step that is no waiting; None at the end. May be cancelled and asked again."""
        clock = self._transport.clock
        if self._due > clock.now():
            await clock.sleep_until(self._due)
        for step in self.exchange.steps:
            if not isinstance(step, float):
                return step
            self._due += step
            if self._due > clock.now():
                await clock.sleep_until(self._due)
        return None

    def end(self, outcome: Outcome) -> None:
        self._transport.engine.end(self.exchange, outcome, self._transport.clock.now())


class InProcessResponse:
    """An answer; see `tramite.wire.seam.Response`."""

    def __init__(
        self,
        status: int,
        headers: Mapping[str, str],
        play: _Play,
        max_body: int,
        body: bytes | None = None,
    ) -> None:
        self.status = status
        self.headers = headers
        self._play = play
        self._max_body = max_body
        self._body = body
        self._over = False

    def __repr__(self) -> str:
        return f"InProcessResponse(status={self.status}, over={self._over})"

    def __aiter__(self) -> InProcessResponse:
        return self

    async def __anext__(self) -> bytes:
        if self._over:
            raise StopAsyncIteration
        if self._body is not None:
            self._over = True
            if not self._body:
                raise StopAsyncIteration
            return self._body
        step = await self._play.next()
        if isinstance(step, bytes):
            return step
        self._over = True
        self._play.end(self._play.exchange.ending)
        if isinstance(step, Break):
            raise ConnectionBroken("the simulator broke the connection in the middle of its answer")
        raise StopAsyncIteration

    def rest(self) -> bytes | None:
        """The body, where it is whole and was not read yet."""
        if self._over or self._body is None:
            return None
        self._over = True
        return self._body

    async def read(self) -> bytes:
        """The rest of the body. Raises BadReply past the request's `max_body`."""
        body = bytearray()
        async for chunk in self:
            body += chunk
            if len(body) > self._max_body:
                self.close()
                raise BadReply(f"the body is larger than {self._max_body} bytes", status=self.status)
        return bytes(body)

    def close(self) -> None:
        """Leave: what was not read to its end counts as left by the client."""
        if not self._over:
            self._over = True
            self._play.end("gone")


def demo(token_interval_s: float = 0.015) -> InProcess:
    """The demo provider: no model, and it says so, at a pace that lets streaming be seen."""
    options = Options(voice="demo", token_interval_s=token_interval_s, input_nanousd=0, output_nanousd=0)
    return InProcess(Engine(options))
