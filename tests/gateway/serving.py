"""An ASGI application on a free loopback port, in a thread: a real socket, as its clients have it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any, TypeVar, cast

import httpx
import uvicorn

from tramite.gateway.asgi import App

T = TypeVar("T")

PATIENCE_S = 20


class Served:
    """What is served: its address, a client of it, and its event loop, on which a test can do something."""

    def __init__(self, url: str, loop: asyncio.AbstractEventLoop) -> None:
        self.url = url
        self.loop = loop
        self.client = httpx.Client(base_url=url, timeout=PATIENCE_S, trust_env=False)

    def run(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Run a coroutine there; what it gives."""
        return asyncio.run_coroutine_threadsafe(work(), self.loop).result(PATIENCE_S)


@contextmanager
def served(app: App, **options: Any) -> Iterator[Served]:
    """Served until the end of the block; `options` are uvicorn's."""
    settings: dict[str, Any] = {"log_level": "error", "access_log": False, "lifespan": "auto", "ws": "none", **options}
    server = uvicorn.Server(uvicorn.Config(cast(Any, app), **settings))
    listening = socket.create_server(("127.0.0.1", 0))
    loop = asyncio.new_event_loop()

    def run() -> None:
        loop.run_until_complete(server.serve([listening]))
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()

    thread = Thread(target=run, daemon=True)
    thread.start()
    found = Served(f"http://127.0.0.1:{listening.getsockname()[1]}", loop)
    try:
        yield found
    finally:
        found.client.close()
        server.should_exit = True
        thread.join(PATIENCE_S)
        assert not thread.is_alive(), "the server did not end"
        listening.close()
