"""How soon the provider sees that its reader has gone: `python -m bench.leaving TIMES URL` prints one line of JSON.

For each way to leave: the milliseconds from the moment before it until the server saw the connection's end; null when
it did not see one within 5 s.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import suppress
from typing import Any, cast
from urllib.parse import urlsplit

from tramite import AsyncClient, Client

from . import bodies, subjects

GIVEN_UP_S = 5.0
MODEL = f"openai/{bodies.MODEL}"
Leave = Callable[[AsyncClient], Awaitable[float]]


async def break_in_async_with(client: AsyncClient) -> float:
    left_at = 0.0
    async with client.stream(subjects.USER, model=MODEL) as stream:
        async for _ in stream.text:
            left_at = time.monotonic()
            break
    return left_at


async def break_alone(client: AsyncClient) -> float:
    left_at = 0.0
    async for _ in client.stream(subjects.USER, model=MODEL).text:
        left_at = time.monotonic()
        break
    return left_at


async def break_events_alone(client: AsyncClient) -> float:
    left_at = 0.0
    async for _ in client.stream(subjects.USER, model=MODEL):
        left_at = time.monotonic()
        break
    return left_at


async def aclose_of_text(client: AsyncClient) -> float:
    text = cast(AsyncGenerator[str, None], client.stream(subjects.USER, model=MODEL).text)
    await anext(text)
    left_at = time.monotonic()
    await text.aclose()
    return left_at


async def close_of_stream(client: AsyncClient) -> float:
    stream = client.stream(subjects.USER, model=MODEL)
    await anext(stream)
    left_at = time.monotonic()
    await stream.close()
    return left_at


async def cancel_in_mid_stream(client: AsyncClient) -> float:
    begun = asyncio.Event()

    async def read() -> None:
        async for _ in client.stream(subjects.USER, model=MODEL):
            begun.set()

    return await _cancelled(read(), begun.wait())


async def _cancelled(work: Awaitable[Any], begun: Awaitable[Any]) -> float:
    task = asyncio.ensure_future(work)
    await begun
    left_at = time.monotonic()
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    return left_at


def sync_close(client: Client) -> float:
    stream = client.stream(subjects.USER, model=MODEL)
    next(stream)
    left_at = time.monotonic()
    stream.close()
    return left_at


def sync_break_in_with(client: Client) -> float:
    left_at = 0.0
    with client.stream(subjects.USER, model=MODEL) as stream:
        for _ in stream.text:
            left_at = time.monotonic()
            break
    return left_at


def sync_break_alone(client: Client) -> float:
    left_at = 0.0
    for _ in client.stream(subjects.USER, model=MODEL).text:
        left_at = time.monotonic()
        break
    return left_at


class Server:
    """What the static server has seen."""

    def __init__(self, url: str) -> None:
        self._place = urlsplit(url)

    async def seen(self) -> dict[str, Any]:
        """`/seen`, asked on a connection of its own."""
        reader, writer = await asyncio.open_connection(self._place.hostname, self._place.port)
        writer.write(b"GET /seen HTTP/1.1\r\n\r\n")
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
        seen: dict[str, Any] = json.loads(await reader.readexactly(length))
        writer.close()
        return seen

    async def until(self, name: str, more_than: int) -> Any:
        """Wait until so many were counted; the newest of them, None after 5 s."""
        given_up_at = time.monotonic() + GIVEN_UP_S
        while time.monotonic() < given_up_at:
            value = (await self.seen())[name]
            if (value if isinstance(value, int) else len(value)) > more_than:
                return value
            await asyncio.sleep(0.002)
        return None


async def before_headers(client: AsyncClient, server: Server, stream: bool) -> float:
    """Cancelled while the provider says nothing at all."""
    asked = (await server.seen())["asked"]

    async def work() -> None:
        if stream:
            await anext(client.stream(subjects.USER, model=MODEL))
        else:
            await client.chat(subjects.USER, model=MODEL)

    return await _cancelled(work(), server.until("asked", asked))


async def latencies(times: int, url: str) -> dict[str, list[float | None]]:
    """Every way to leave, so many times each."""
    server = Server(url)
    paced, silent = (AsyncClient(subjects.tramite_config(f"{url}/{path}/v1")) for path in ("paced", "silent"))
    sync = Client(subjects.tramite_config(f"{url}/paced/v1"))
    ways: dict[str, Callable[[], Awaitable[float]]] = {
        "`break` in `async with`": lambda: break_in_async_with(paced),
        "`break` out of `stream.text`, no `with`": lambda: break_alone(paced),
        "`break` out of the events, no `with`": lambda: break_events_alone(paced),
        "`aclose()` of `stream.text`": lambda: aclose_of_text(paced),
        "`await stream.close()`": lambda: close_of_stream(paced),
        "`task.cancel()` in mid-stream": lambda: cancel_in_mid_stream(paced),
        "`task.cancel()` of a stream before its headers": lambda: before_headers(silent, server, stream=True),
        "`task.cancel()` of `chat()` before its headers": lambda: before_headers(silent, server, stream=False),
        "sync: `stream.close()`": lambda: asyncio.to_thread(sync_close, sync),
        "sync: `break` in `with`": lambda: asyncio.to_thread(sync_break_in_with, sync),
        "sync: `break` out of `stream.text`, no `with`": lambda: asyncio.to_thread(sync_break_alone, sync),
    }
    found: dict[str, list[float | None]] = {}
    for name, leave in ways.items():
        found[name] = [await _latency_ms(server, leave) for _ in range(times)]
    sync.close()
    for client in (paced, silent):
        await client.aclose()
    return found


async def _latency_ms(server: Server, leave: Callable[[], Awaitable[float]]) -> float | None:
    before = len((await server.seen())["ends"])
    left_at = await leave()
    ends = await server.until("ends", before)
    return None if ends is None else (ends[-1] - left_at) * 1000


if __name__ == "__main__":
    print(json.dumps(asyncio.run(latencies(int(sys.argv[1]), sys.argv[2]))))
