"""The server that the pages are served by: uvicorn's, which ends without a fault when it is told to. Knows no page."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn

_HEARD = (signal.SIGINT, signal.SIGTERM)


class Server(uvicorn.Server):
    """Ends when it is told to; at once, when it is told twice. `ready` is called once it serves, and hears signals."""

    def __init__(self, settings: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(settings)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve from now on."""
        await super().startup(sockets)
        if not self.should_exit:
            self._ready()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Not uvicorn's way, which raises the signal again in the end: whoever stops when told to has no fault."""
        before = {number: signal.signal(number, self.handle_exit) for number in _HEARD}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def settings(app: Any, parting_s: int) -> uvicorn.Config:
    """How it serves: quietly, and with a look now and then whether a page is still there."""
    return uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        lifespan="on",
        ws_ping_interval=20,
        timeout_graceful_shutdown=parting_s,
    )
