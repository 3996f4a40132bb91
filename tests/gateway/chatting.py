"""A gateway on a port of its own, a simulated provider behind it, and a client's side of its messages."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from tests.client.world import config
from tests.gateway.serving import served
from tramite.config import Config
from tramite.gateway.app import Gateway
from tramite.gateway.gate import Gate
from tramite.simulator import Simulator

Said = dict[str, Any]
IN_TIME_S = 0.1
"""How soon an upstream must feel that its reader has left."""


@contextmanager
def serving(config: Config) -> Iterator[tuple[str, Gate]]:
    """Serve it from a thread; gives `host:port`, and what its handlers share."""
    gate = Gate(config)
    with served(Gateway(gate), ws="websockets-sansio", lifespan="on") as found:
        yield found.url.removeprefix("http://"), gate


@asynccontextmanager
async def world(more: str = "", **options: Any) -> AsyncIterator[tuple[str, Simulator]]:
    """Where the gateway is, and the provider behind it."""
    async with Simulator.running(**options) as sim:
        gateway = serving(config(sim.base_url, more))
        place, _ = await asyncio.to_thread(gateway.__enter__)
        try:
            yield place, sim
        finally:
            await asyncio.to_thread(gateway.__exit__, None, None, None)


@asynccontextmanager
async def socket(place: str, path: str = "/ws/chat", **options: Any) -> AsyncIterator[ClientConnection]:
    """A client's WebSocket."""
    async with connect(f"ws://{place}{path}", **options) as connection:
        yield connection


async def say(connection: ClientConnection, **message: Any) -> None:
    await connection.send(json.dumps(message))


async def hear(connection: ClientConnection) -> Said:
    """The next message that is no heartbeat."""
    while (said := json.loads(await connection.recv()))["type"] == "heartbeat":
        pass
    return dict(said)


async def hear_until(connection: ClientConnection, *types: str) -> list[Said]:
    """Every message up to the first of one of these types."""
    heard = [await hear(connection)]
    while heard[-1]["type"] not in types:
        heard.append(await hear(connection))
    return heard


async def until(found: Any, within_s: float = 10.0) -> float:
    """Wait until `found()` is true, and say how long it took. What another party counts can only be asked for."""
    clock = asyncio.get_running_loop().time
    began = clock()
    while not found():
        if clock() - began > within_s:
            raise AssertionError(f"not so within {within_s} s")
        await asyncio.sleep(0.001)
    return clock() - began


async def felt(sim: Simulator) -> None:
    """The provider feels within 100 ms that nobody reads any more."""
    await until(lambda: not sim.stats().open_now, IN_TIME_S)


def text_of(heard: list[Said]) -> str:
    return "".join(said["text"] for said in heard if said.get("event") == "text")
