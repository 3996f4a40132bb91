"""Bytes at a real port: heads, bodies and clients that are not what they should be."""

from __future__ import annotations

import asyncio
import json
import socket
import struct

import pytest

from tests.gateway.running import echo, rest, served, until
from tramite.config import Gateway
from tramite.gateway.asgi import Receive, Scope, Send
from tramite.gateway.connections import Pace

HEAD = b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
SMUGGLED = b"GET /admin HTTP/1.1\r\nHost: localhost\r\n\r\n"
AMBIGUOUS = {
    "both lengths": HEAD + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "both lengths, the other way round": HEAD + b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
    "two lengths": HEAD + b"Content-Length: 4\r\nContent-Length: 44\r\n\r\nabcd" + SMUGGLED,
    "the same length twice": HEAD + b"Content-Length: 4\r\nContent-Length: 4\r\n\r\nabcd",
    "a list of lengths": HEAD + b"Content-Length: 4, 4\r\n\r\nabcd",
    "a signed length": HEAD + b"Content-Length: +4\r\n\r\nabcd",
    "a length in hex": HEAD + b"Content-Length: 0x4\r\n\r\nabcd",
    "a huge length": HEAD + b"Content-Length: 99999999999999999999999\r\n\r\nabcd",
    "chunked is not last": HEAD + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "an unknown coding": HEAD + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "chunked twice": HEAD + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "a blank before the colon": HEAD + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "a folded header": HEAD + b"X: a\r\n b\r\nTransfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "a bare newline": b"GET / HTTP/1.1\nHost: localhost\n\n",
    "a bare return": b"GET / HTTP/1.1\r\nHost: localhost\rX: y\r\n\r\n",
    "a zero byte": b"GET / HTTP/1.1\r\nHost: local\x00host\r\n\r\n",
    "a chunk that is longer than it says": HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\nabcd\r\n0\r\n\r\n",
    "a chunk of negative size": HEAD + b"Transfer-Encoding: chunked\r\n\r\n-2\r\nab\r\n0\r\n\r\n",
    "a chunk of endless size": HEAD + b"Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nab\r\n0\r\n\r\n",
    "another version": b"GET / HTTP/3.7\r\nHost: localhost\r\n\r\n",
    "no HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "a tunnel": b"CONNECT evil.example:443 HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "two hosts": b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\nConnection: close\r\n\r\n",
    "no host": b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n",
}


@pytest.mark.parametrize("how", AMBIGUOUS)
def test_what_two_servers_could_read_differently_is_refused(how: str) -> None:
    seen: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            seen.append(scope["path"])
        await echo(scope, receive, send)

    with served(app) as running:
        came = running.raw(AMBIGUOUS[how])
        status = int(came.split(b" ", 2)[1])
        assert 400 <= status < 500, came
        assert came.count(b"HTTP/1.1 ") == 1
        assert json.loads(came.partition(b"\r\n\r\n")[2])["error"]["message"]
        assert "/admin" not in seen


def test_an_absolute_target_and_a_pipelined_request_are_answered_each_in_turn() -> None:
    one = b"GET http://localhost/one HTTP/1.1\r\nHost: localhost\r\n\r\n"
    two = b"GET /two HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    with served() as running:
        came = running.raw(one + two)
    assert came.count(b"HTTP/1.1 200") == 2
    assert came.index(b'"/one"') < came.index(b'"/two"')


def test_trailers_are_no_headers() -> None:
    chunked = HEAD + b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n2\r\n{}\r\n0\r\n"
    with served() as running:
        came = running.raw(chunked + b"Authorization: Bearer stolen\r\nHost: evil.example\r\n\r\n")
    assert b"HTTP/1.1 200" in came
    assert b"stolen" not in came
    assert b"evil" not in came


SMALL = Pace(most_head=4_096, most_headers=20)


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"".join(b"X-%d: 1\r\n" % n for n in range(30)) + b"\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 5_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 5_000,
        b"GET /" + b"a" * 5_000,
        b"\r\n" * 3_000,
    ],
    ids=["many headers", "one large header", "an endless header", "an endless path", "endless newlines"],
)
def test_a_head_that_is_too_large_is_refused(head: bytes) -> None:
    with served(pace=SMALL) as running:
        came = running.raw(head)
    assert came.startswith((b"HTTP/1.1 431", b"HTTP/1.1 400"))


@pytest.mark.parametrize("end", [b"0\r\nX: ", b"2;x="], ids=["trailer", "chunk extension"])
def test_what_follows_a_body_and_is_none_has_an_end(end: bytes) -> None:
    with served(pace=SMALL) as running, running.connect() as client:
        client.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + end)
        try:
            for _ in range(100):
                client.sendall(b"a" * 1_000)
        except (ConnectionResetError, BrokenPipeError):
            return
        assert not rest(client).startswith(b"HTTP/1.1 200")


def test_a_body_of_many_small_chunks_is_no_attack() -> None:
    body = b"".join(b"1\r\n%c\r\n" % byte for byte in b'{"a":"' + b"b" * 20_000 + b'"}')
    with served(pace=SMALL) as running:
        came = running.raw(HEAD + b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n", body, b"0\r\n\r\n")
    assert came.startswith(b"HTTP/1.1 200")
    assert len(came) > 20_000


QUICK = Pace(head_s=0.1, body_s=0.1, body_rate=1_000_000, write_s=0.1, sweep_s=0.02)


@pytest.mark.parametrize(
    "begun",
    [b"", b"GET / HTTP/1.1\r\nHost: loc", b"\r\n", HEAD + b"Content-Length: 9\r\n\r\n{"],
    ids=["nothing", "half a head", "a newline", "half a body"],
)
def test_whoever_does_not_go_on_is_told_and_let_go(begun: bytes) -> None:
    with served(pace=QUICK) as running:
        came = running.raw(begun)
        assert came.startswith(b"HTTP/1.1 408")
        until(lambda: not running.guards.under_way)


def test_a_head_in_drops_is_late_however_often_one_comes() -> None:
    with served(pace=QUICK) as running, running.connect() as client:
        client.settimeout(0.02)
        for _ in range(500):
            try:
                client.sendall(b"G")
                if client.recv(100).startswith(b"HTTP/1.1 4"):
                    return
            except TimeoutError:
                continue
            except (ConnectionResetError, BrokenPipeError):
                return
        pytest.fail("it was never let go")


def test_after_an_answer_junk_does_not_keep_a_connection_open() -> None:
    with served(pace=QUICK) as running, running.connect() as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert client.recv(65_536).startswith(b"HTTP/1.1 200")
        client.sendall(b"\r\n")
        assert rest(client).startswith(b"HTTP/1.1 408")


def test_a_slow_answer_is_not_a_slow_client() -> None:
    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await asyncio.sleep(0.4)
        await echo(scope, receive, send)

    asked = b"GET /%d HTTP/1.1\r\nHost: localhost\r\n%s\r\n"
    with served(slow, pace=QUICK) as running:
        came = running.raw(asked % (1, b""), asked % (2, b"Connection: close\r\n"))
    assert came.count(b"HTTP/1.1 200") == 2


def test_who_waits_for_us_to_read_on_is_not_late() -> None:
    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == "/slow":
            await asyncio.sleep(0.4)
        await echo(scope, receive, send)

    with served(slow, pace=QUICK) as running, running.connect() as client:
        client.sendall(b"GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n")
        client.sendall(HEAD + b"Connection: close\r\nContent-Length: 4\r\n\r\n{}")
        assert b'"/slow"' in client.recv(1_000)
        client.sendall(b"{}")
        assert rest(client).startswith(b"HTTP/1.1 200")


def test_a_client_that_does_not_read_is_let_go() -> None:
    ended: list[bool] = []

    async def endless(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await echo(scope, receive, send)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        while (await asyncio.wait_for(_next(receive), 10)) != "http.disconnect":
            await send({"type": "http.response.body", "body": b"a" * 65_536, "more_body": True})
        ended.append(True)
        return None

    async def _next(receive: Receive) -> str:
        asking = asyncio.ensure_future(receive())
        await asyncio.wait([asking], timeout=0.0001)
        if asking.done():
            return str(asking.result()["type"])
        asking.cancel()
        return ""

    with served(endless, pace=QUICK) as running, running.connect() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        until(lambda: bool(ended))
        until(lambda: not running.guards.under_way)


def test_garbage_behind_a_request_is_not_answered_into_its_answer() -> None:
    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await echo(scope, receive, send)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"part", "more_body": True})
        await asyncio.sleep(0.3)
        await send({"type": "http.response.body", "body": b"end"})
        return None

    with served(slow) as running, running.connect() as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert b"part" in client.recv(1_000)
        client.sendall(b"\x00\x01garbage\r\n\r\n")
        assert b"HTTP/1.1" not in rest(client)


def test_a_client_that_resets_leaves_nothing_behind() -> None:
    with served(settings=Gateway(max_requests=1)) as running:
        for _ in range(3):
            client = running.connect()
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.sendall(HEAD + b"Content-Length: 9\r\n\r\n{")
            until(lambda: running.guards.under_way == 1)
            client.close()
            until(lambda: not running.guards.under_way)


OFFER = b"Connection: Upgrade, HTTP2-Settings, close\r\nUpgrade: %s\r\nHTTP2-Settings: AAMAAABkAAQ\r\n"
BODY = b"GET /admin HTTP/1.1\r\nHost: localhost\r\n\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY)


@pytest.mark.parametrize("to", [b"h2c", b"websocket", b"foo"])
@pytest.mark.parametrize("body", [b"Content-Length: %d\r\n\r\n%s" % (len(BODY), BODY), CHUNKED])
@pytest.mark.parametrize("cut", [0, 1, len(BODY)])
def test_an_offer_to_speak_another_protocol_loses_no_body_and_makes_no_request_of_it(
    to: bytes, body: bytes, cut: int
) -> None:
    asked = HEAD + OFFER % to + body
    with served(pace=QUICK) as running, running.connect() as client:
        client.sendall(asked[: len(asked) - cut])
        if cut:
            until(lambda: running.guards.under_way == 1)
            client.sendall(asked[-cut:])
        came = rest(client)
    assert came.count(b"HTTP/1.1 ") == 1
    assert came.startswith(b"HTTP/1.1 200")
    told = json.loads(came.partition(b"\r\n\r\n")[2])
    assert told["body"] == BODY.decode()
    assert "http2-settings" not in dict(told["headers"])


def test_behind_an_offer_the_next_request_is_read_as_ever() -> None:
    offer = b"GET /one HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
    with served() as running:
        came = running.raw(offer + b"GET /two HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    assert came.count(b"HTTP/1.1 200") == 2


async def chatty(scope: Scope, receive: Receive, send: Send) -> None:
    """Accepts a WebSocket, and talks until nobody listens."""
    if scope["type"] != "websocket":
        await echo(scope, receive, send)
        return
    assert (await receive())["type"] == "websocket.connect"
    await send({"type": "websocket.accept"})
    while True:
        await send({"type": "websocket.send", "text": "a" * 65_536})
        await asyncio.sleep(0)  # a connection that broke takes everything at once: only the loop can say that it did


UPGRADE = (
    b"GET /ws/chat HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n%s\r\n"
)


@pytest.mark.parametrize(
    ("host", "more", "status"),
    [
        (b"localhost", b"", b"101"),
        (b"evil.example", b"", b"421"),
        (b"localhost", b"Origin: http://evil.example\r\n", b"403"),
        (b"localhost", b"Origin: http://localhost\r\n", b"101"),
    ],
)
def test_a_websocket_is_opened_for_our_own_pages_alone(host: bytes, more: bytes, status: bytes) -> None:
    with served(chatty, pace=QUICK) as running, running.connect() as client:
        client.sendall(UPGRADE % (host, more))
        came = client.recv(1_000)
        assert came.startswith(b"HTTP/1.1 " + status)
        assert b"x-request-id: " in came


def test_a_websocket_that_does_not_read_is_let_go() -> None:
    with served(chatty, pace=QUICK) as running, running.connect() as client:
        client.sendall(UPGRADE % (b"localhost", b""))
        until(lambda: running.guards.under_way == 1)
        until(lambda: not running.guards.under_way)
