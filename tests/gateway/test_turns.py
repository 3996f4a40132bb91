"""What a socket does in time: heartbeats, back-pressure, the end of the process. Without sockets, on a quick clock."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

from tests.client.world import config, words
from tramite.client.core import Core
from tramite.gateway import websocket
from tramite.gateway.asgi import Message, Scope
from tramite.gateway.gate import Gate
from tramite.gateway.tickets import Memory, Tickets
from tramite.simulator import Engine, InProcess, Options, fast_forward
from tramite.wire.seam import Request

SCOPE: Scope = {"type": "websocket", "headers": [], "query_string": b"", "client": ("127.0.0.1", 1), "subprotocols": []}


class Counting(InProcess):
    """A simulated provider that counts what is read of its answers."""

    chunks = 0

    async def send(self, request: Request) -> Any:
        response = await super().send(request)
        read = type(response).__anext__

        async def counted() -> bytes:
            chunk = await read(response)
            self.chunks += 1
            return chunk

        response.__class__ = type("Counted", (type(response),), {"__anext__": lambda _: counted()})
        return response


class Wire:
    """The server's side of a WebSocket: what it gives to an application, and what it takes."""

    def __init__(self) -> None:
        self.said: list[dict[str, Any]] = []
        self.closed: int | None = None
        self.writable = asyncio.Event()
        self.writable.set()
        self._waiting: asyncio.Queue[Message] = asyncio.Queue()
        self._waiting.put_nowait({"type": "websocket.connect"})

    def put(self, **message: Any) -> None:
        self._waiting.put_nowait({"type": "websocket.receive", "text": json.dumps(message)})

    def leave(self) -> None:
        self._waiting.put_nowait({"type": "websocket.disconnect", "code": 1005})

    async def receive(self) -> Message:
        return await self._waiting.get()

    async def send(self, message: Message) -> None:
        await self.writable.wait()
        if message["type"] == "websocket.send":
            self.said.append(json.loads(message["text"]))
        elif message["type"] == "websocket.close":
            self.closed = message.get("code", 1000)
            self.leave()

    def types(self) -> Iterable[str]:
        return [said["type"] for said in self.said]


@asynccontextmanager
async def connected() -> AsyncIterator[tuple[Wire, Gate, Counting]]:
    provider = Counting(Engine(Options(token_interval_s=0.01)))
    settings = config()
    gate = Gate(settings)
    gate.core = Core(settings, None, provider)
    await gate.start()
    wire = Wire()
    task = asyncio.create_task(websocket.chat(gate, Tickets(Memory()), SCOPE, wire.receive, wire.send))
    try:
        yield wire, gate, provider
    finally:
        wire.writable.set()
        wire.leave()
        await task
        await gate.aclose()


def test_a_heartbeat_comes_every_15_seconds_where_there_is_nothing_to_say() -> None:
    async def run() -> None:
        async with connected() as (wire, _, _):
            await asyncio.sleep(50)
            assert list(wire.types()) == ["heartbeat"] * 3
            wire.put(type="ping")
            await asyncio.sleep(14)
            assert list(wire.types()) == ["heartbeat"] * 3 + ["pong"]

    fast_forward(run())


def test_a_heartbeat_comes_while_an_answer_is_waited_for() -> None:
    async def run() -> None:
        async with connected() as (wire, _, provider):
            wire.put(type="start", prompt="x", model="sim/slow-first-token:40s,tokens=2")
            await asyncio.sleep(45)
            assert list(wire.types()) == ["heartbeat", "heartbeat", "started", "event", "event", "done"]
            assert provider.stats().streams.finished == 1

    fast_forward(run())


def test_a_client_that_does_not_read_holds_the_provider_back() -> None:
    async def run() -> None:
        async with connected() as (wire, _, provider):
            wire.put(type="start", prompt="x", model="sim/tokens=1000")
            while provider.chunks < 10:
                await asyncio.sleep(0.01)
            wire.writable.clear()
            await asyncio.sleep(5)
            held = provider.chunks
            await asyncio.sleep(20)
            assert provider.chunks == held < 20
            wire.writable.set()
            await asyncio.sleep(10)
            assert [said["text"] for said in wire.said if said["type"] == "done"] == [words(1000)]

    fast_forward(run())


def test_a_stop_ends_the_provider_s_answer_though_its_reader_does_not_read() -> None:
    async def run() -> None:
        async with connected() as (wire, _, provider):
            wire.put(type="start", prompt="x", model="sim/tokens=1000")
            while provider.chunks < 10:
                await asyncio.sleep(0.01)
            wire.writable.clear()
            wire.put(type="stop")
            await asyncio.sleep(0.05)
            assert not provider.stats().open_now
            wire.writable.set()
            await asyncio.sleep(0.05)
            assert wire.said[-1]["type"] == "stopped"

    fast_forward(run())


def test_when_the_process_is_to_end_an_answer_may_end_first() -> None:
    async def run() -> None:
        async with connected() as (wire, gate, _):
            wire.put(type="start", prompt="x", model="sim/slow-first-token:5s,tokens=2")
            await asyncio.sleep(1)
            gate.drains.set()
            await asyncio.sleep(1)
            assert wire.closed is None
            await asyncio.sleep(5)
            assert wire.said[-1]["type"] == "done"
            assert wire.closed == 1001

    fast_forward(run())


def test_when_the_process_is_to_end_an_idle_socket_is_closed() -> None:
    async def run() -> None:
        async with connected() as (wire, gate, _):
            await asyncio.sleep(1)
            gate.drains.set()
            await asyncio.sleep(0.01)
            assert wire.closed == 1001

    fast_forward(run())


def test_an_answer_that_takes_too_long_then_is_broken_off_with_a_reason() -> None:
    async def run() -> None:
        async with connected() as (wire, gate, provider):
            wire.put(type="start", id="a", prompt="x", model="sim/tokens=1000")
            await asyncio.sleep(1)
            gate.drains.set()
            gate.drain()
            await asyncio.sleep(0.05)
            assert not provider.stats().open_now
            assert (wire.said[-1]["type"], wire.said[-1]["id"], wire.said[-1]["status"]) == ("error", "a", 503)
            assert "stopped" in wire.said[-1]["message"]
            assert wire.closed == 1001

    fast_forward(run())


def test_a_conversation_that_has_grown_too_long_is_refused_and_can_be_begun_anew() -> None:
    async def run() -> None:
        long = "x" * (5 * 1024 * 1024)
        async with connected() as (wire, _, _):
            for goes_on in (False, True, False):
                wire.put(type="start", prompt=long, model="sim/tokens=1", **{"continue": goes_on})
                await asyncio.sleep(1)
            assert [kind for kind in wire.types() if kind in ("done", "error")] == ["done", "error", "done"]

    fast_forward(run())
