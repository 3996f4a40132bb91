"""A provider of fixed answers, as lean as asyncio allows: `python -m bench.static_server` prints its port.

`/v1/…` answers at once (a stream in one write), `/paced/v1/…` writes a frame every `--pace-s`, `/silent/v1/…` takes the
request and says nothing. `/seen` tells how many requests came, and when connections ended under an unfinished answer
(seconds of the machine's monotonic clock, which all its processes share). It ends with its parent: when stdin does.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import threading
import time

from . import bodies

HEADERS = (
    b"x-request-id: req_7d1c5c6b0b8f4b0aa1e8c1a0d9f3b2e4\r\n"
    b"openai-processing-ms: 412\r\n"
    b"openai-version: 2020-10-01\r\n"
    b"x-ratelimit-limit-requests: 500000000\r\n"
    b"x-ratelimit-remaining-requests: 499999999\r\n"
    b"x-ratelimit-limit-tokens: 16000000000\r\n"
    b"x-ratelimit-remaining-tokens: 15999999932\r\n"
)
"""With limits that nobody comes near: a client that keeps to what it is told would wait, and not work."""
STREAM_HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\n"
    b"transfer-encoding: chunked\r\n" + HEADERS + b"\r\n"
)


def whole(body: bytes) -> bytes:
    """A whole response."""
    return (
        b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n" % len(body)
        + HEADERS
        + b"\r\n"
        + body
    )


def chunk(body: bytes) -> bytes:
    """A chunk of a chunked body; an empty one ends it."""
    return b"%x\r\n%b\r\n" % (len(body), body)


CHAT = whole(bodies.chat())
STREAM = STREAM_HEAD + chunk(b"".join(bodies.stream_frames())) + chunk(b"")
FLOATS = whole(bodies.embeddings(as_base64=False))
BASE64 = whole(bodies.embeddings(as_base64=True))


PACED_PIECES = 16
PACED_FRAMES = PACED_PIECES + len(bodies.stream_frames(()))


class World:
    """What all connections share."""

    def __init__(self, pace_s: float) -> None:
        self.asked = 0
        self.ends: list[float] = []
        self.pace_s = pace_s
        self.paced = [chunk(frame) for frame in bodies.stream_frames(bodies.PIECES[:PACED_PIECES])]

    def seen(self) -> bytes:
        """What `/seen` tells."""
        return whole(bodies.compact({"asked": self.asked, "ends": self.ends}))


class Connection(asyncio.Protocol):
    """One connection, kept alive; requests are answered in their order."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._buffer = b""
        self._unfinished = False
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.WriteTransport = transport  # type: ignore[assignment]  # a socket's always is

    def connection_lost(self, exc: Exception | None) -> None:
        if self._unfinished:
            self._world.ends.append(time.monotonic())
        if self._timer is not None:
            self._timer.cancel()

    def data_received(self, data: bytes) -> None:
        data = self._buffer + data if self._buffer else data
        while (head_end := data.find(b"\r\n\r\n")) >= 0:
            head = data[:head_end].lower()
            _, named, after = head.partition(b"content-length:")
            end = head_end + 4 + (int(after.partition(b"\r\n")[0]) if named else 0)
            if len(data) < end:
                break
            self._answer(head.split(b" ", 2)[1], data[head_end + 4 : end])
            data = data[end:]
        self._buffer = data

    def _answer(self, path: bytes, body: bytes) -> None:
        if path == b"/seen":
            self._transport.write(self._world.seen())
            return
        self._world.asked += 1
        if path.startswith(b"/silent/"):
            self._unfinished = True
        elif path.endswith(b"/embeddings"):
            self._transport.write(BASE64 if b'"base64"' in body else FLOATS)
        elif b'"stream":true' not in body and b'"stream": true' not in body:
            self._transport.write(CHAT)
        elif path.startswith(b"/paced/"):
            self._unfinished = True
            self._transport.write(STREAM_HEAD)
            self._pace(0)
        else:
            self._transport.write(STREAM)

    def _pace(self, position: int) -> None:
        frames = self._world.paced
        self._transport.write(frames[position])
        if position + 1 < len(frames):
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(self._world.pace_s, self._pace, position + 1)
        else:
            self._unfinished = False
            self._transport.write(chunk(b""))


async def serve(pace_s: float) -> None:
    """Serve until this process ends."""
    world = World(pace_s)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(world), "127.0.0.1", 0, backlog=2048)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def end_with_parent() -> None:
    """The parent holds our stdin: its end is ours."""
    sys.stdin.read()
    os._exit(0)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pace-s", type=float, default=0.25)
    options = parser.parse_args()
    threading.Thread(target=end_with_parent, daemon=True).start()
    asyncio.run(serve(options.pace_s))


if __name__ == "__main__":
    main()
