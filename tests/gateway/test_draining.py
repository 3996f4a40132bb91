"""A worker that is told to stop: what has begun may end, nothing new begins, and nobody is left waiting."""

from __future__ import annotations

import asyncio
import threading

from tests.gateway.running import Served, echo, rest, served, until
from tramite.config import Gateway
from tramite.gateway.asgi import Receive, Scope, Send
from tramite.gateway.connections import Pace

STREAM = b"GET /stream HTTP/1.1\r\nHost: localhost\r\n\r\n"
PLAIN = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


class Streaming:
    """An application with a stream that goes on until somebody ends it, or tells it to end."""

    def __init__(self) -> None:
        self.ended, self.told = threading.Event(), threading.Event()
        self.deaf = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] != "/stream" if scope["type"] == "http" else True:
            await echo(scope, receive, send)
            return
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"begun ", "more_body": True})
        while not self.ended.is_set() and not (self.told.is_set() and not self.deaf):
            await asyncio.sleep(0.01)
        last = b"whole" if self.ended.is_set() else b"broken off"
        await send({"type": "http.response.body", "body": last})

    async def tell(self) -> None:
        self.told.set()


def is_open(running: Served) -> bool:
    """Whether it takes new connections."""
    try:
        running.connect().close()
    except ConnectionError:
        return False
    return True


def stop(running: Served) -> None:
    running.worker.should_exit = True
    until(lambda: running.guards.draining)


def test_a_stream_ends_whole_and_meanwhile_nothing_new_begins() -> None:
    app = Streaming()
    with served(app, Gateway(drain_s=30), tell=app.tell) as running, running.connect() as client:
        client.sendall(STREAM)
        assert b"begun" in client.recv(1_000)
        stop(running)
        until(lambda: not is_open(running))
        app.ended.set()
        assert b"whole" in rest(client)
    assert not app.told.is_set()


def test_a_stream_that_does_not_end_in_time_is_told() -> None:
    app = Streaming()
    with served(app, Gateway(drain_s=0.1), tell=app.tell) as running, running.connect() as client:
        client.sendall(STREAM)
        assert b"begun" in client.recv(1_000)
        stop(running)
        assert b"broken off" in rest(client)


def test_a_stream_that_does_not_listen_is_cut_off_and_never_ends_as_if_it_were_whole() -> None:
    app = Streaming()
    app.deaf = True
    pace = Pace(told_s=0.1)
    with served(app, Gateway(drain_s=0.1), pace, tell=app.tell) as running, running.connect() as client:
        client.sendall(STREAM)
        assert b"begun" in client.recv(1_000)
        stop(running)
        assert not rest(client).endswith(b"0\r\n\r\n")


def test_idle_connections_are_closed_at_once() -> None:
    app = Streaming()
    with served(app, tell=app.tell) as running, running.connect() as busy, running.connect() as idle:
        busy.sendall(STREAM)
        assert b"begun" in busy.recv(1_000)
        idle.sendall(PLAIN)
        assert b"200 OK" in idle.recv(1_000)
        stop(running)
        assert rest(idle) == b""
        app.ended.set()
        rest(busy)


def test_told_twice_it_stops_at_once() -> None:
    app = Streaming()
    with served(app, tell=app.tell) as running, running.connect() as client:
        client.sendall(STREAM)
        assert b"begun" in client.recv(1_000)
        loop = running.loop()
        loop.call_soon_threadsafe(running.worker.stop)
        until(lambda: running.guards.draining)
        loop.call_soon_threadsafe(running.worker.stop)
        assert b"whole" not in rest(client)
