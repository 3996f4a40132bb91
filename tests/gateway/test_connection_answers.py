"""What a connection does with an answer, and with a client that leaves before there is one."""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress

import pytest

from tests.gateway.running import echo, rest, served, until
from tramite.gateway.asgi import WHEN_LEFT, Receive, Scope, Send, read_body, respond
from tramite.gateway.connections import Joining

HEAD = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n"
POST = b"POST /%s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"


class Calls(asyncio.Transport):
    """What was written, call by call."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[bytes] = []
        self.closed = False

    def write(self, data: object) -> None:
        assert isinstance(data, bytes)
        self.calls.append(data)

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed


def test_a_head_leaves_together_with_its_body_and_later_pieces_at_once() -> None:
    below = Calls()
    joining = Joining(below)
    for data in (HEAD, b"ab", HEAD):
        joining.write(data)
    assert below.calls == [HEAD + b"ab", HEAD]


def test_interim_answers_and_heads_without_a_length_leave_at_once() -> None:
    below = Calls()
    joining = Joining(below)
    heads = [b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"]
    for head in heads:
        joining.write(head)
    assert below.calls == heads


def test_an_empty_body_and_a_close_let_the_head_go() -> None:
    empty, broken = Calls(), Calls()
    joining = Joining(empty)
    joining.write(HEAD)
    joining.write(b"")
    assert empty.calls == [HEAD]
    joining = Joining(broken)
    joining.write(HEAD)
    joining.close()
    assert (broken.calls, broken.closed, joining.is_closing()) == ([HEAD], True, True)


def test_a_question_for_the_head_alone_is_answered() -> None:
    with served() as running:
        came = running.raw(b"HEAD / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    head, _, body = came.partition(b"\r\n\r\n")
    assert b"content-length: " in head
    assert body == b""


class Waiting:
    """An application that answers `/slow` only when its client has left, and then notes it."""

    def __init__(self) -> None:
        self.waits, self.left = threading.Event(), threading.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != "/slow":
            await echo(scope, receive, send)
            return
        await read_body(scope, receive, 10_000_000)
        over = asyncio.Event()
        stay = scope[WHEN_LEFT](over.set)
        self.waits.set()
        with suppress(TimeoutError):
            await asyncio.wait_for(over.wait(), 5)
            self.left.set()
        stay()
        await respond(send, 200, [], b"")


@pytest.mark.parametrize("size", [2, 1_000_000])  # of a large body, uvicorn stops reading
@pytest.mark.parametrize("behind", [b"", POST % (b"next", 2) + b"{}"])
def test_a_client_that_leaves_is_noticed_at_once(size: int, behind: bytes) -> None:
    app = Waiting()
    with served(app) as running:
        with running.connect() as client:
            client.sendall(POST % (b"slow", size) + b" " * size + behind)
            assert app.waits.wait(5)
        until(app.left.is_set)


def test_who_stays_is_not_taken_for_one_who_left() -> None:
    left: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope[WHEN_LEFT](lambda: left.append(scope["path"]))()
        await echo(scope, receive, send)

    with served(app) as running, running.connect() as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        assert b" 200 " in rest(client)
    assert left == []
