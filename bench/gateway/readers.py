"""Many readers of paced streams at once: `python -m bench.gateway.readers PLAN` prints one line of JSON.

They read as a browser does, frame by frame, and tell how late each piece of text came: the provider wrote into it when
it was due. Knows one way to ask, OpenAI's, and not what stands in between.
"""

from __future__ import annotations

import asyncio
import re
import sys
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import httptools
import msgspec
import uvloop
from msgspec import Struct

DUE = re.compile(rb'"content": ?"(\d+\.\d{6})"')


class Plan(Struct, frozen=True, kw_only=True):
    """What is read: `count` streams, `at_once` of them at a time, begun `apart_s` one after the other."""

    url: str
    body: str
    headers: Mapping[str, str] = {}
    count: int
    at_once: int
    apart_s: float = 0.0
    leave_after: int | None = None
    """The frames after which each reader leaves, at once and without a word; None reads to the end."""
    pieces: int
    """How many a whole stream has."""
    most_s: float


class Found(Struct, frozen=True, kw_only=True):
    """What came of it. Milliseconds, bytes and counts as the names say."""

    whole: int = 0
    left: int = 0
    lost_pieces: int = 0
    wrong: int = 0
    """Streams that ended in another way: not 200, cut off, out of order, without `[DONE]`."""
    example: str = ""
    pieces: int = 0
    wall_s: float = 0.0
    p50_ms: float = 0.0
    p99_ms: float = 0.0
    p999_ms: float = 0.0
    worst_ms: float = 0.0


class Reading(asyncio.Protocol):
    """One stream on a connection of its own."""

    def __init__(self, plan: Plan, request: bytes, late_s: list[float]) -> None:
        self._request = request
        self._leave_after = plan.leave_after
        self._late_s = late_s
        self._parser: Any = httptools.HttpResponseParser(self)
        self.tail = b""
        self._last_due_s = 0.0
        self.in_order = True
        self.complete = False
        self.pieces = 0
        self.over = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]  # a socket's always is
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_body(self, body: bytes) -> None:
        """Called by the parser, with the chunks' framing taken off."""
        now_s = time.monotonic()
        *frames, self.tail = (self.tail + body).split(b"\n\n")
        for frame in frames:
            if due := DUE.search(frame):
                due_s = float(due[1])
                self.in_order &= due_s > self._last_due_s
                self._last_due_s = due_s
                self._late_s.append(now_s - due_s)
                self.pieces += 1
            elif frame == b"data: [DONE]":
                self.complete = True
        if self._leave_after is not None and self.pieces >= self._leave_after:
            self._transport.abort()

    def on_message_complete(self) -> None:
        """Called by the parser."""
        self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.over.done():
            self.over.set_result(None)


async def read(plan: Plan) -> Found:
    """All of it."""
    late_s: list[float] = []
    readings: list[Reading] = []
    request = request_bytes(plan)
    places = asyncio.Semaphore(plan.at_once)
    began = time.perf_counter()

    async def one(number: int) -> None:
        await asyncio.sleep(number * plan.apart_s)
        async with places:
            readings.append(await _reading(plan, request, late_s))

    await asyncio.wait_for(asyncio.gather(*map(one, range(plan.count))), plan.most_s)
    return _found(plan, readings, late_s, time.perf_counter() - began)


async def _reading(plan: Plan, request: bytes, late_s: list[float]) -> Reading:
    host, _, port = urlsplit(plan.url).netloc.partition(":")
    loop = asyncio.get_running_loop()
    _, reading = await loop.create_connection(lambda: Reading(plan, request, late_s), host, int(port))
    await reading.over
    return reading


def _found(plan: Plan, readings: list[Reading], late_s: list[float], wall_s: float) -> Found:
    left = [one for one in readings if plan.leave_after is not None and one.pieces >= plan.leave_after]
    whole = [one for one in readings if one.complete and one.in_order]
    wrong = [one for one in readings if one not in whole and one not in left]
    late_s.sort()
    return Found(
        whole=len(whole),
        left=len(left),
        lost_pieces=sum(plan.pieces - one.pieces for one in whole),
        wrong=len(wrong),
        example=repr(wrong[0].tail) if wrong else "",
        pieces=len(late_s),
        wall_s=wall_s,
        p50_ms=_at(late_s, 0.5),
        p99_ms=_at(late_s, 0.99),
        p999_ms=_at(late_s, 0.999),
        worst_ms=_at(late_s, 1),
    )


def _at(late_s: list[float], part: float) -> float:
    return late_s[min(int(len(late_s) * part), len(late_s) - 1)] * 1000 if late_s else 0.0


def request_bytes(plan: Plan) -> bytes:
    """The request as it goes over the wire."""
    where, body = urlsplit(plan.url), plan.body.encode()
    headers = {
        "host": where.netloc,
        "content-type": "application/json",
        "content-length": str(len(body)),
        **plan.headers,
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"POST {where.path} HTTP/1.1\r\n{head}\r\n".encode() + body


if __name__ == "__main__":
    print(msgspec.json.encode(uvloop.run(read(msgspec.json.decode(sys.argv[1], type=Plan)))).decode())
