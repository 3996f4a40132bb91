"""Asks a simulated provider in the plainest ways: bytes on a socket, and in process. Knows no client of ours."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from typing import Any, Literal

from msgspec import Struct

from tramite.errors import ConnectionBroken
from tramite.simulator import InProcess, Simulator
from tramite.wire.seam import Request

CHAT = "/v1/chat/completions"
_CREATED = re.compile(rb'"created":\d+')


class Answer(Struct):
    """What came, and how it ended."""

    status: int
    headers: dict[str, str]
    body: bytes
    ending: Literal["whole", "broken"]

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def events(self) -> list[Any]:
        """The data of a stream's events, `[DONE]` as it is."""
        data = [line[6:] for line in self.body.split(b"\n\n") if line.startswith(b"data: ")]
        return [event.decode() if event == b"[DONE]" else json.loads(event) for event in data]

    @property
    def text(self) -> str:
        """All the content that came, whole or streamed."""
        if not self.headers["content-type"].startswith("text/event-stream"):
            return str(self.json["choices"][0]["message"]["content"])
        choices = [event["choices"] for event in self.events if event != "[DONE]"]
        return "".join(choice[0]["delta"].get("content") or "" for choice in choices if choice)

    def comparable(self) -> tuple[int, str | None, bytes, str]:
        """Without what belongs to sockets and to the time of day."""
        body = _CREATED.sub(b'"created":0', self.body)
        return self.status, self.headers.get("content-type"), body, self.ending


NOTHING = Answer(0, {}, b"", "broken")


def chat(model: str, **fields: Any) -> dict[str, Any]:
    """The body of a chat request."""
    return {"model": model, "messages": [{"role": "user", "content": "Ciao, come va?"}], **fields}


async def on_socket(simulator: Simulator, body: Any, path: str = CHAT, headers: dict[str, str] | None = None) -> Answer:
    """Send one request and read all that comes."""
    reader, writer = await connect(simulator, body, path, headers)
    try:
        return await read_answer(reader)
    finally:
        writer.close()


async def connect(
    simulator: Simulator, body: Any, path: str = CHAT, headers: dict[str, str] | None = None
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Send one request and read nothing yet."""
    host, port = simulator.url.removeprefix("http://").rsplit(":", 1)
    reader, writer = await asyncio.open_connection(host, int(port))
    payload = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"{'POST' if payload else 'GET'} {path} HTTP/1.1", f"host: {host}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    lines += [f"content-length: {len(payload)}", "", ""]
    writer.write("\r\n".join(lines).encode() + payload)
    return reader, writer


async def read_answer(reader: asyncio.StreamReader) -> Answer:
    """Head and body, however the body is framed and however it ends."""
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
    except (asyncio.IncompleteReadError, ConnectionError):
        return NOTHING
    first, *lines = head.strip().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    body, whole = bytearray(), False
    try:
        if headers.get("transfer-encoding") == "chunked":
            while size := int(await reader.readuntil(b"\r\n"), 16):
                body += (await reader.readexactly(size + 2))[:-2]
        else:
            body += await reader.readexactly(int(headers["content-length"]))
        whole = True
    except asyncio.IncompleteReadError as error:
        body += error.partial
    except ConnectionError:
        pass
    return Answer(int(first.split()[1]), headers, bytes(body), "whole" if whole else "broken")


def request(body: Any, path: str = CHAT, headers: dict[str, str] | None = None) -> Request:
    """One request for the seam."""
    payload = body if isinstance(body, bytes) else json.dumps(body).encode()
    method = "POST" if payload else "GET"
    return Request(method=method, url=f"http://sim{path}", headers=headers or {}, body=payload)


async def in_process(provider: InProcess, body: Any, path: str = CHAT, headers: dict[str, str] | None = None) -> Answer:
    """The same without a socket."""
    try:
        response = await provider.send(request(body, path, headers))
    except ConnectionBroken:
        return NOTHING
    received, ending = bytearray(), "whole"
    try:
        async for chunk in response:
            received += chunk
    except ConnectionBroken:
        ending = "broken"
    return Answer(response.status, dict(response.headers), bytes(received), ending)


async def until(true: Callable[[], bool]) -> None:
    """Wait until something has reached the other side of a socket."""
    async with asyncio.timeout(20):
        while not true():  # what a kernel does to a socket sets no event of ours
            await asyncio.sleep(0.001)
