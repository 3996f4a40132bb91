"""A provider whose streams take their time: `python -m bench.gateway.paced PORT`.

The model says how: `every-5ms-64` is 64 pieces of text, 5 ms apart. Each piece is the moment at which it was due, in
seconds of the machine's monotonic clock, which all its processes share: who reads it knows how late it comes. `/seen`
tells how many streams are open, how many were asked for, and how many ended early because their reader left.
"""

from __future__ import annotations

import asyncio
import re
import sys
import time

import uvloop

from bench import bodies
from bench.static_server import chunk, whole

HOW = re.compile(rb'"model": ?"every-(\d+)ms-(\d+)"')
BEFORE, AFTER = bodies.stream_frames(("@",))[1].split(b"@")
FIRST, *LAST = bodies.stream_frames(())
# no rate limits: who learns them would keep them
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ntransfer-encoding: chunked\r\n\r\n"


def frame(due_s: float) -> bytes:
    """The piece that was due at this moment."""
    return b"%b%.6f%b" % (BEFORE, due_s, AFTER)


class World:
    """What all connections share."""

    def __init__(self) -> None:
        self.asked = self.open = self.left = 0

    def seen(self) -> bytes:
        """What `/seen` tells."""
        return whole(bodies.compact({"asked": self.asked, "open": self.open, "left": self.left}))


class Stream:
    """One answer on its way."""

    def __init__(self, transport: asyncio.WriteTransport, world: World, every_s: float, pieces: int) -> None:
        self._transport = transport
        self._world = world
        self._every_s = every_s
        self._pieces = pieces
        self._sent = 0
        self._due_s = time.monotonic()
        world.asked += 1
        world.open += 1
        transport.write(HEAD + chunk(FIRST))
        self._wait()
        self.over = False

    def _wait(self) -> None:
        self._due_s += self._every_s
        # uvloop's own clock counts milliseconds: what is left is counted anew each time
        self._timer = asyncio.get_running_loop().call_later(max(0.0, self._due_s - time.monotonic()), self._next)

    def _next(self) -> None:
        self._transport.write(chunk(frame(self._due_s)))
        self._sent += 1
        if self._sent == self._pieces:
            self._transport.write(b"".join(map(chunk, LAST)) + chunk(b""))
            self._end()
        else:
            self._wait()

    def leave(self) -> None:
        """Its reader has gone."""
        if not self.over:
            self._timer.cancel()
            self._world.left += 1
            self._end()

    def _end(self) -> None:
        self.over = True
        self._world.open -= 1


class Connection(asyncio.Protocol):
    """One connection, kept alive, one request at a time."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._buffer = b""
        self._stream: Stream | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.WriteTransport = transport  # type: ignore[assignment]  # a socket's always is

    def connection_lost(self, exc: Exception | None) -> None:
        if self._stream is not None:
            self._stream.leave()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, ended, body = self._buffer.partition(b"\r\n\r\n")
        _, named, after = head.lower().partition(b"content-length:")
        if not ended or (named and len(body) < int(after.partition(b"\r\n")[0])):
            return
        self._buffer = b""
        if how := HOW.search(body):
            self._stream = Stream(self._transport, self._world, int(how[1]) / 1000, int(how[2]))
        else:
            self._transport.write(self._world.seen())


async def serve(port: int) -> None:
    """Serve until this process is ended."""
    world = World()
    server = await asyncio.get_running_loop().create_server(lambda: Connection(world), "127.0.0.1", port, backlog=4096)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
