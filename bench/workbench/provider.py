"""A provider that knows when it sent each token, and when its client left. It speaks as much HTTP as it takes.

The model `paced` sends so many words, one at each interval, `silent` none at all. A word is the question's last word
and a number, so that whoever sees it knows when it was sent. Moments are seconds since 1970, as a page has them too.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: %b\r\nconnection: close\r\n\r\n"


class Provider:
    """What was sent, and who left."""

    def __init__(self, tokens: int, interval_s: float) -> None:
        self.url = ""
        self.tokens = tokens
        self.interval_s = interval_s
        self.sent: dict[str, float] = {}
        """When each word was."""
        self.left: dict[str, float] = {}
        """When whoever had asked this had left."""
        self.asked: set[str] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request."""
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            if "/models" in head.partition("\r\n")[0]:
                writer.write(HEAD % b"application/json" + b'{"object": "list", "data": [{"id": "paced"}]}')
            else:
                length = next(
                    int(line[15:]) for line in head.lower().split("\r\n") if line.startswith("content-length")
                )
                await self._answer(json.loads(await reader.readexactly(length)), reader, writer)
            await writer.drain()
        writer.close()

    async def _answer(
        self, asked: dict[str, object], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        said = str(asked["messages"][-1]["content"]).split()[-1]  # type: ignore[index]
        self.asked.add(said)
        writer.write(HEAD % b"text/event-stream")
        watcher = asyncio.create_task(self._watch(said, reader))
        try:
            if asked["model"] == "silent":
                await watcher
            for number in range(self.tokens):
                await asyncio.sleep(self.interval_s)
                word = f"{said}-{number}"
                writer.write(_frame({"content": f"{word} "}))
                await writer.drain()
                self.sent[word] = time.time()
            writer.write(_frame({}, "stop") + b"data: [DONE]\n\n")
            await writer.drain()
        finally:
            watcher.cancel()

    async def _watch(self, said: str, reader: asyncio.StreamReader) -> None:
        with suppress(ConnectionError):
            await reader.read()
        self.left[said] = time.time()


def _frame(delta: dict[str, str], finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    body = {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "paced", "choices": [choice]}
    return b"data: " + json.dumps(body).encode() + b"\n\n"


@contextmanager
def providing(tokens: int, interval_s: float) -> Iterator[Provider]:
    """One on a port and a thread of its own."""
    made = Provider(tokens, interval_s)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    server = asyncio.run_coroutine_threadsafe(asyncio.start_server(made.serve, "127.0.0.1", 0), loop).result()
    made.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    try:
        yield made
    finally:
        asyncio.run_coroutine_threadsafe(_end(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()


async def _end() -> None:
    open_still = asyncio.all_tasks() - {asyncio.current_task()}
    for task in open_still:
        task.cancel()
    await asyncio.gather(*open_still, return_exceptions=True)
