"""A server on a loopback port that does to each request what a script says. No HTTP library is behind it."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

CERTIFICATE = Path(__file__).parent / "tls" / "localhost.crt"  # for tests only, as is its key
KEY = Path(__file__).parent / "tls" / "localhost.key"


@dataclass
class Exchange:
    """One request, and the means to answer it."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, *pieces: bytes) -> None:
        for piece in pieces:
            self.writer.write(piece)
            await self.writer.drain()

    async def reply(self, body: bytes = b"", status: str = "200 OK", **headers: str) -> None:
        lines = [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        head = "\r\n".join([f"HTTP/1.1 {status}", f"content-length: {len(body)}", *lines])
        await self.send(head.encode() + b"\r\n\r\n" + body)

    async def begin(self, **headers: str) -> None:
        """The head of a chunked reply; `chunk` and `end` follow."""
        lines = [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        head = "\r\n".join(["HTTP/1.1 200 OK", "transfer-encoding: chunked", *lines])
        await self.send(head.encode() + b"\r\n\r\n")

    async def chunk(self, data: bytes) -> None:
        await self.send(b"%x\r\n%b\r\n" % (len(data), data))

    async def end(self) -> None:
        await self.send(b"0\r\n\r\n")

    async def gone(self) -> None:
        """Returns once the client has hung up."""
        with suppress(ConnectionError, ssl.SSLError):
            while await self.reader.read(65536):
                pass

    def cut(self) -> None:
        """Hang up without a word: a reset, not an orderly end."""
        now = struct.pack("ii", 1, 0)
        self.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, now)
        self.writer.transport.abort()


Script: TypeAlias = Callable[[Exchange], Awaitable[object]]


@dataclass
class Loopback:
    """What the server has seen."""

    script: Script
    url: str = ""
    connections: int = 0
    alone: asyncio.Event = field(default_factory=asyncio.Event)
    """The last connection is closed, at this end at least."""
    requests: list[Exchange] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.alone.clear()
        try:
            while (exchange := await _receive(reader, writer)) is not None:
                self.requests.append(exchange)
                await self.script(exchange)
                if writer.is_closing():
                    break
        except (ConnectionError, ssl.SSLError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        except asyncio.CancelledError:
            writer.transport.abort()  # the test is over: nobody waits for the rest
            raise
        finally:
            writer.close()
            with suppress(ConnectionError, ssl.SSLError):
                await writer.wait_closed()
            self.alone.set()


async def _receive(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Exchange | None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.strip().split("\r\n")
    method, target, _ = first.split(" ", 2)
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
    body = b""
    if "expect-no-body" not in headers:  # a script that wants to see the body stuck says so
        body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Exchange(method, target, headers, body, reader, writer)


def server_tls() -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(CERTIFICATE, KEY)
    return context


@asynccontextmanager
async def serving(script: Script, *, tls: bool = False, limit: int = 65536) -> AsyncIterator[Loopback]:
    loopback = Loopback(script)
    tasks: set[asyncio.Task[None]] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.ensure_future(loopback.serve(reader, writer)))

    context = server_tls() if tls else None
    server = await asyncio.start_server(accept, "127.0.0.1", 0, ssl=context, limit=limit)
    port = server.sockets[0].getsockname()[1]
    loopback.url = f"{'https' if tls else 'http'}://127.0.0.1:{port}/v1/x"
    try:
        yield loopback
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
