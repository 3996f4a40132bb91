"""The floor: the barest relay on the gateway's own parts, `python -m bench.gateway.prototype PORT STATIC PACED`.

Raw ASGI on uvicorn, and aiohttp. It keeps no keys, limits or books, knows no dialect, and does not ask how a stream
ended: what it costs is what ours cannot go below.
"""

from __future__ import annotations

import logging
import sys

import aiohttp
import uvicorn
import uvloop

from tramite.gateway.asgi import Receive, Scope, Send, read_body

MOST_BYTES = 1_000_000
SENT = {"content-type": "application/json", "authorization": "Bearer sk-a-key"}


class Prototype:
    """The ASGI application."""

    def __init__(self, static: str, paced: str) -> None:
        self._static = f"http://{static}"
        self._paced = f"http://{paced}"
        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), auto_decompress=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await read_body(scope, receive, MOST_BYTES)
        path: str = scope["path"]
        url = (self._paced if path.startswith("/paced/") else self._static) + path
        async with self._session.request(scope["method"], url, data=body, headers=SENT) as response:
            headers = [(b"content-type", response.headers["content-type"].encode())]
            if "content-length" in response.headers:
                headers.append((b"content-length", response.headers["content-length"].encode()))
                await send({"type": "http.response.start", "status": response.status, "headers": headers})
                await send({"type": "http.response.body", "body": await response.read()})
                return
            await send({"type": "http.response.start", "status": response.status, "headers": headers})
            async for chunk in response.content.iter_any():
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
            await send({"type": "http.response.body", "body": b""})


async def serve(port: int, static: str, paced: str) -> None:
    """Serve until this process is ended."""
    config = uvicorn.Config(
        Prototype(static, paced),
        port=port,
        http="httptools",
        lifespan="off",
        access_log=False,
        log_level=logging.WARNING,
        backlog=4096,
    )
    await uvicorn.Server(config).serve()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1]), *sys.argv[2:]))
