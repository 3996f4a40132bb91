"""A connection understands the same bytes in the same way, wherever the network cuts them."""

from __future__ import annotations

import asyncio
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from uvicorn import Config
from uvicorn.server import ServerState

from tramite.gateway.asgi import Receive, Scope, Send, read_body, respond
from tramite.gateway.connections import Connection, Pace


class Wire(asyncio.Transport):
    """The other end: what was written, and whether it was closed."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.closed = False

    def write(self, data: Any) -> None:
        self.written += bytes(data)

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed

    def pause_reading(self) -> None:
        """It is not asked for more anyway."""

    def resume_reading(self) -> None:
        """As above."""


def understood(raw: bytes, cuts: list[int]) -> tuple[list[tuple[str, set[bytes], bytes]], list[bytes]]:
    """What the application is asked (path, headers' names, body), and the statuses of the answers."""
    asked: list[tuple[str, set[bytes], bytes]] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        body = await read_body(scope, receive, 1_000_000)
        asked.append((scope["path"], {name for name, _ in scope["headers"]}, body))
        await respond(send, 200, [], b"")

    async def main() -> bytes:
        config = Config(app, log_config=None, access_log=False, proxy_headers=False, lifespan="off", interface="asgi3")
        config.load()
        wire = Wire()
        connection = Connection(pace=Pace(), config=config, server_state=ServerState(), app_state={})
        connection.connection_made(wire)
        for start, end in zip([0, *cuts], [*cuts, len(raw)], strict=True):
            if not wire.closed:
                connection.data_received(raw[start:end])
            await asyncio.sleep(0)
        for _ in range(20):
            await asyncio.sleep(0)
        return wire.written

    written = asyncio.run(main())
    return asked, [answer[:3] for answer in written.split(b"HTTP/1.1 ")[1:]]


LENGTH = "content-length: {size}\r\n\r\n{body}"
CHUNKS = "transfer-encoding: chunked\r\n\r\n{size:x}\r\n{body}\r\n0\r\nauthorization: late\r\n\r\n"
OFFERS = ("", "connection: upgrade\r\nupgrade: h2c\r\n", "connection: Upgrade\r\nupgrade: websocket\r\n")
BODIES = st.sampled_from(
    ["{}", "GET /smuggled HTTP/1.1\r\nhost: localhost\r\n\r\n", "0\r\n\r\n", '{"a":"' + "b" * 300 + '"}']
)


@st.composite
def requests(draw: st.DrawFn) -> tuple[str, str]:
    """A request, and its body."""
    body = draw(BODIES)
    framed = draw(st.sampled_from([LENGTH, CHUNKS])).format(size=len(body), body=body)
    return f"POST /asked HTTP/1.1\r\nhost: localhost\r\n{draw(st.sampled_from(OFFERS))}{framed}", body


@given(st.lists(requests(), min_size=1, max_size=3), st.data())
def test_every_request_arrives_whole_once_and_in_its_order(sent: list[tuple[str, str]], data: st.DataObject) -> None:
    raw = "".join(request for request, _ in sent).encode()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(raw)), max_size=8)))
    asked, answers = understood(raw, cuts)
    assert [(path, body) for path, _, body in asked] == [("/asked", body.encode()) for _, body in sent]
    assert not any(names & {b"authorization", b"upgrade"} for _, names, _ in asked)
    assert answers == [b"200"] * len(sent)


@given(st.binary(max_size=400), st.data())
def test_garbage_is_answered_at_most_once_and_never_breaks_it(raw: bytes, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(raw)), max_size=4)))
    _, answers = understood(raw, cuts)
    assert answers in ([], [b"400"])
