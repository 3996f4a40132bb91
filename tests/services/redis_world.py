"""A world for limits in a Redis: processes that count there, a clock of their own, and a way there that can be cut."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

from tramite.pipeline.limits.decisions import SECOND_US
from tramite.pipeline.limits.records import Want
from tramite.pipeline.limits.redis import RedisState

GRACE_S = 0.1
"""On a loop that runs ahead: what Redis gets to answer in, of real time."""


class Clock:
    """Microseconds since 1970, which pass when they are told to."""

    def __init__(self) -> None:
        self.now = 1_800_000_000 * SECOND_US

    def __call__(self) -> int:
        return self.now


@asynccontextmanager
async def processes(url: str, number: int = 1, **options: Any) -> AsyncIterator[list[RedisState]]:
    """What so many processes have, closed with the block."""
    made = [RedisState(url, **options) for _ in range(number)]
    try:
        yield made
    finally:
        for state in made:
            await state.aclose()


async def told(state: RedisState) -> None:
    """Return once Redis knows all that this one has told."""
    await state.take((Want("nobody"),), 0)


class Way:
    """A way to Redis, at an address of its own, that can be cut, or go silent."""

    def __init__(self, url: str) -> None:
        self._there = urlsplit(url)
        self._server: asyncio.Server | None = None
        self._port = 0
        self._writers: set[asyncio.StreamWriter] = set()
        self._joined: set[asyncio.Task[None]] = set()
        self._silent = False

    @property
    def url(self) -> str:
        return self._there._replace(netloc=f":{self._there.password}@127.0.0.1:{self._port}").geturl()

    async def open(self) -> None:
        self._silent = False
        self._server = await asyncio.start_server(self._join, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        """Break what is connected, and refuse what wants to be."""
        assert self._server is not None
        self._server.close()
        for writer in list(self._writers):
            writer.transport.abort()
        if self._joined:
            await asyncio.wait(self._joined)

    def go_silent(self) -> None:
        """Take what is sent, and let nothing come back."""
        self._silent = True

    def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        joined = asyncio.ensure_future(self._carry(reader, writer))
        self._joined.add(joined)
        joined.add_done_callback(self._joined.discard)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        back, forth = await asyncio.open_connection(self._there.hostname, self._there.port)
        both = {writer, forth}
        self._writers |= both
        await asyncio.gather(self._pass(reader, forth), self._pass(back, writer))
        self._writers -= both

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(65536):
                if not self._silent:
                    writer.write(data)
        writer.transport.abort()


@asynccontextmanager
async def way_to(url: str) -> AsyncIterator[Way]:
    """An open way, closed with the block."""
    way = Way(url)
    await way.open()
    try:
        yield way
    finally:
        await way.cut()
