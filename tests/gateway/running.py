"""A worker on a real port and a thread of its own, with an application of the test's; and bytes to throw at it."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from time import monotonic, sleep

import msgspec

from tramite.config import Config, Gateway
from tramite.gateway.asgi import App, Receive, Scope, Send, read_body, respond
from tramite.gateway.connections import Pace
from tramite.gateway.guards import Guards
from tramite.gateway.serving import Fleet, Service, address, listen, port_of
from tramite.gateway.worker import Worker, make

ANSWERED_S = 5.0


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with what it got: path, headers, body."""
    if scope["type"] == "lifespan":
        await live(receive, send)
        return
    body = await read_body(scope, receive, 1_000_000)
    headers = [[str(name, "latin-1"), str(value, "latin-1")] for name, value in scope["headers"]]
    told = {"path": scope["path"], "headers": headers, "body": str(body, "latin-1")}
    await respond(send, 200, [(b"content-type", b"application/json")], msgspec.json.encode(told))


async def live(receive: Receive, send: Send) -> None:
    """An application's life, without anything in it."""
    while True:
        kind = (await receive())["type"]
        await send({"type": f"{kind}.complete"})
        if kind == "lifespan.shutdown":
            return


async def told_nothing() -> None:
    """Nobody is there to be told."""


class Served:
    """A worker that runs."""

    def __init__(self, worker: Worker, guards: Guards, bound: socket.socket) -> None:
        self.worker, self.guards = worker, guards
        self.url, self.port = address(bound), port_of(bound)

    def loop(self) -> asyncio.AbstractEventLoop:
        """The one that it runs on."""
        return self.worker.servers[0].get_loop()

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), ANSWERED_S)

    def raw(self, *pieces: bytes) -> bytes:
        """Send this, and read all that comes until the other side closes."""
        with self.connect() as client:
            for piece in pieces:
                client.sendall(piece)
            return rest(client)


def rest(client: socket.socket) -> bytes:
    """All that comes until the other side closes, however it does."""
    came = b""
    try:
        while piece := client.recv(65_536):
            came += piece
    except ConnectionResetError:
        pass
    return came


def until(condition: Callable[[], bool], seconds: float = ANSWERED_S) -> None:
    """Wait for what another thread or process does."""
    ends = monotonic() + seconds
    while not condition():
        assert monotonic() < ends, "it did not come"
        sleep(0.01)


@contextmanager
def served(
    app: App = echo,
    settings: Gateway | None = None,
    pace: Pace | None = None,
    tell: Callable[[], Awaitable[None]] = told_nothing,
    reload: Callable[[], Awaitable[object]] = told_nothing,
) -> Iterator[Served]:
    """Run one; it is stopped in the end, and must have stopped."""
    settings = settings or Gateway()
    (bound,) = listen("127.0.0.1", 0)
    guards = Guards(app, settings)
    service = Service(guards=guards, reload=reload, tell_draining=tell)
    worker = make(lambda config, fleet: service, Config(gateway=settings), Fleet(), pace or Pace())
    running = Served(worker, guards, bound)
    thread = threading.Thread(target=worker.run, args=([bound],))
    thread.start()
    try:
        until(lambda: worker.started)
        yield running
    finally:
        worker.should_exit = True
        thread.join(10)
        assert not thread.is_alive()
