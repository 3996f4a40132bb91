"""What every transport does, on real sockets."""

from __future__ import annotations

import asyncio
import gzip
import traceback
import zlib
from contextlib import suppress

import pytest

from tests.wire.loopback import Exchange, serving
from tramite.errors import BadReply, ConfigError, ConnectFailed, ConnectionBroken, TimedOut
from tramite.wire.seam import Request, Response, Transport


def post(url: str, body: bytes = b'{"a":1}', **settings: float) -> Request:
    headers = {"content-type": "application/json", "authorization": "Bearer secret"}
    return Request(method="POST", url=url, headers=headers, body=body, **settings)  # type: ignore[arg-type]  # limits


def get(url: str) -> Request:
    return Request(method="GET", url=url)


async def read_into(seen: bytearray, response: Response) -> None:
    async for chunk in response:
        seen += chunk


async def test_a_request_arrives_as_it_was_given_and_the_reply_comes_back_whole(
    transport: Transport,
) -> None:
    async def script(exchange: Exchange) -> None:
        await exchange.reply(b"whole", "201 Created", X_Request_Id="r1")

    async with serving(script) as server:
        response = await transport.send(post(f"{server.url}?key=%20a"))
        assert await response.read() == b"whole"
    [seen] = server.requests
    assert (seen.method, seen.target, seen.body) == ("POST", "/v1/x?key=%20a", b'{"a":1}')
    assert seen.headers["authorization"] == "Bearer secret"
    assert seen.headers["content-type"] == "application/json"
    assert (response.status, response.headers["x-request-id"]) == (201, "r1")


async def test_header_names_come_in_lower_case_and_the_last_of_a_repeated_one_counts(
    transport: Transport,
) -> None:
    async def script(exchange: Exchange) -> None:
        await exchange.send(b"HTTP/1.1 200 OK\r\nX-A: 1\r\nx-a: 2\r\nContent-Length: 0\r\n\r\n")

    async with serving(script) as server:
        response = await transport.send(get(server.url))
        assert response.headers["x-a"] == "2"
        assert "X-A" not in response.headers
        assert await response.read() == b""


async def test_long_headers_are_taken(transport: Transport) -> None:
    async with serving(lambda exchange: exchange.reply(b"ok", x_policy="p" * 40_000)) as server:
        response = await transport.send(get(server.url))
        assert len(response.headers["x-policy"]) == 40_000
        assert await response.read() == b"ok"


async def test_a_stream_is_read_as_it_arrives(transport: Transport) -> None:
    step = asyncio.Event()

    async def script(exchange: Exchange) -> None:
        await exchange.begin()
        for word in (b"one", b"two"):
            await exchange.chunk(word)
            await step.wait()
            step.clear()
        await exchange.end()

    async with serving(script) as server:
        response = await transport.send(post(server.url))
        seen = []
        async for chunk in response:
            seen.append(chunk)
            step.set()
        assert seen == [b"one", b"two"]


async def test_a_compressed_body_comes_out_decompressed(transport: Transport) -> None:
    async def script(exchange: Exchange) -> None:
        await exchange.reply(gzip.compress(b"plain" * 99), content_encoding="gzip")

    async with serving(script) as server:
        assert await (await transport.send(get(server.url))).read() == b"plain" * 99
    assert {"gzip", "deflate"} <= set(server.requests[0].headers["accept-encoding"].split(", "))


@pytest.mark.parametrize("compressed", [True, False])
async def test_a_body_over_its_limit_is_refused_and_its_connection_closed(
    transport: Transport, compressed: bool
) -> None:
    gone = asyncio.Event()

    async def script(exchange: Exchange) -> None:
        await exchange.begin(**{"content_encoding": "gzip"} if compressed else {})
        packer = zlib.compressobj(wbits=31)
        with suppress(ConnectionError):
            for _ in range(64):
                part = b"\0" * 1_000_000
                if compressed:
                    part = packer.compress(part) + packer.flush(zlib.Z_SYNC_FLUSH)
                await exchange.chunk(part)
            await exchange.gone()
        gone.set()

    async with serving(script) as server:
        response = await transport.send(post(server.url, max_body=2_000_000))
        with pytest.raises(BadReply, match="larger than 2,000,000 bytes"):
            await response.read()
        await gone.wait()


async def test_a_redirect_is_handed_back_and_nothing_is_sent_after_it(transport: Transport) -> None:
    async def script(exchange: Exchange) -> None:
        await exchange.reply(status="307 Temporary Redirect", location="/elsewhere", set_cookie="a=b")

    async with serving(script) as server:
        response = await transport.send(post(server.url))
        assert (response.status, response.headers["location"]) == (307, "/elsewhere")
        await response.read()
        assert len(server.requests) == 1


async def test_a_connection_is_used_again_once_its_body_is_read(transport: Transport) -> None:
    async def script(exchange: Exchange) -> None:
        await exchange.reply(b"x" * 100_000)

    async with serving(script) as server:
        for _ in range(3):
            response = await transport.send(post(server.url))
            assert len(await response.read()) == 100_000
            response.close()
        assert server.connections == 1


async def test_a_reply_without_a_body_gives_its_connection_back(transport: Transport) -> None:
    async def script(exchange: Exchange) -> None:
        await exchange.send(b"HTTP/1.1 204 No Content\r\n\r\n")

    async with serving(script) as server:
        for _ in range(2):
            response = await transport.send(get(server.url))
            assert [chunk async for chunk in response] == []
        assert server.connections == 1


async def test_closing_in_the_middle_of_a_body_hangs_up(transport: Transport) -> None:
    gone = asyncio.Event()

    async def script(exchange: Exchange) -> None:
        await exchange.begin()
        await exchange.chunk(b"first")
        await exchange.gone()
        gone.set()

    async with serving(script) as server:
        response = await transport.send(post(server.url))
        assert await anext(aiter(response)) == b"first"
        response.close()
        response.close()
        await gone.wait()


async def test_cancelling_while_waiting_for_the_headers_hangs_up(transport: Transport) -> None:
    arrived, gone = asyncio.Event(), asyncio.Event()

    async def script(exchange: Exchange) -> None:
        arrived.set()
        await exchange.gone()
        gone.set()

    async with serving(script) as server:
        task = asyncio.create_task(transport.send(post(server.url)))
        await arrived.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await gone.wait()


async def test_cancelling_while_the_body_is_stuck_hangs_up(transport: Transport) -> None:
    arrived, gone = asyncio.Event(), asyncio.Event()

    async def script(exchange: Exchange) -> None:
        arrived.set()
        await gone.wait()

    async with serving(script, limit=1024) as server:
        request = Request(method="POST", url=server.url, headers={"expect-no-body": "1"}, body=b"x" * 50_000_000)
        task = asyncio.create_task(transport.send(request))
        await arrived.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await server.requests[0].gone()  # without the abort, 50 MB would have to be taken first
        gone.set()


async def test_a_body_that_no_longer_gets_through_times_out(transport: Transport) -> None:
    over = asyncio.Event()

    async def script(exchange: Exchange) -> None:
        await over.wait()

    async with serving(script, limit=1024) as server:
        request = Request(
            method="POST",
            url=server.url,
            headers={"expect-no-body": "1"},
            body=b"x" * 50_000_000,
            write_s=0.05,
        )
        with pytest.raises(TimedOut, match=r"did not take the request's body: no progress for 0\.05 s"):
            await transport.send(request)
        over.set()


async def test_a_large_body_arrives_whole(transport: Transport) -> None:
    async def script(exchange: Exchange) -> None:
        await exchange.reply()

    body = bytes(range(256)) * 12_000
    async with serving(script) as server:
        await (await transport.send(post(server.url, body))).read()
    assert server.requests[0].body == body


async def test_nothing_listening_is_said_in_plain_words(transport: Transport) -> None:
    async with serving(lambda exchange: exchange.reply()) as server:
        url = server.url
    with pytest.raises(ConnectFailed, match=r"^nothing listens at 127\.0\.0\.1:\d+$") as caught:
        await transport.send(post(url))
    assert isinstance(caught.value.__cause__, ConnectionRefusedError)


async def test_a_handshake_that_takes_too_long_is_no_connection(transport: Transport) -> None:
    over = asyncio.Event()

    async def mute(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await over.wait()
        writer.close()

    server = await asyncio.start_server(mute, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    with pytest.raises(ConnectFailed, match=rf"^no connection to 127\.0\.0\.1:{port} within 0\.05 s$"):
        await transport.send(post(f"https://127.0.0.1:{port}/", connect_s=0.05))
    over.set()
    server.close()


async def test_an_unknown_certificate_is_no_connection(transport: Transport) -> None:
    async with serving(lambda exchange: exchange.reply(), tls=True) as server:
        with pytest.raises(ConnectFailed, match=r"certificate of 127.* is not trusted: .*SSL_CERT_FILE"):
            await transport.send(post(server.url))
        assert server.requests == []


async def test_hanging_up_before_an_answer_is_a_broken_connection(transport: Transport) -> None:
    async def script(exchange: Exchange) -> None:
        exchange.writer.close()

    async with serving(script) as server:
        for request in (post(server.url), get(server.url)):
            with pytest.raises(ConnectionBroken, match="closed the connection before it answered") as caught:
                await transport.send(request)
            assert caught.value.maybe_billed
        assert len(server.requests) == 2  # neither was sent again behind our back


async def test_a_reset_before_an_answer_is_a_broken_connection(transport: Transport) -> None:
    async def script(exchange: Exchange) -> None:
        exchange.cut()

    async with serving(script) as server:
        with pytest.raises(ConnectionBroken, match=r"^(the connection to )?127"):
            await transport.send(post(server.url))


async def test_an_answer_that_is_not_http_is_a_broken_connection(transport: Transport) -> None:
    async def script(exchange: Exchange) -> None:
        await exchange.send(b"220 smtp.example.org\r\n\r\n")
        exchange.writer.close()

    async with serving(script) as server:
        with pytest.raises(ConnectionBroken):
            await transport.send(post(server.url))


@pytest.mark.parametrize("framing", ["content-length", "chunked"])
async def test_a_body_cut_short_gives_what_came_and_then_raises(transport: Transport, framing: str) -> None:
    async def script(exchange: Exchange) -> None:
        if framing == "chunked":
            await exchange.begin()
            await exchange.chunk(b"40 tokens")
        else:
            await exchange.send(b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n40 tokens")
        exchange.writer.close()

    async with serving(script) as server:
        response = await transport.send(post(server.url))
        seen = bytearray()
        with pytest.raises(ConnectionBroken, match="broke off in the middle of its answer"):
            await read_into(seen, response)
        assert seen == b"40 tokens"
        response = await transport.send(post(server.url))
        with pytest.raises(ConnectionBroken):
            await response.read()


@pytest.mark.parametrize("framing", ["content-length: 99", "transfer-encoding: chunked", "x-until: closed"])
async def test_a_reset_in_the_middle_of_a_body_is_never_its_end(transport: Transport, framing: str) -> None:
    seen = asyncio.Event()

    async def script(exchange: Exchange) -> None:
        head = f"HTTP/1.1 200 OK\r\n{framing}\r\n\r\n".encode()
        await exchange.send(head + (b"5\r\nfirst\r\n" if "chunked" in framing else b"first"))
        await seen.wait()
        exchange.cut()

    async with serving(script) as server:
        response = await transport.send(post(server.url))
        assert await anext(aiter(response)) == b"first"
        seen.set()
        with pytest.raises(ConnectionBroken, match="broke off in the middle of its answer"):
            await response.read()


async def test_a_chunk_that_is_none_is_a_broken_connection(transport: Transport) -> None:
    seen = asyncio.Event()

    async def script(exchange: Exchange) -> None:
        await exchange.begin()
        await exchange.chunk(b"first")
        await seen.wait()
        await exchange.send(b"not a length\r\n")
        await exchange.gone()

    async with serving(script) as server:
        response = await transport.send(post(server.url))
        assert await anext(aiter(response)) == b"first"
        seen.set()
        with pytest.raises(ConnectionBroken, match="broke off in the middle of its answer"):
            await response.read()


async def test_a_body_without_a_length_ends_when_the_connection_is_closed(transport: Transport) -> None:
    async def script(exchange: Exchange) -> None:
        await exchange.send(b"HTTP/1.1 200 OK\r\n\r\nwhole")
        exchange.writer.close()

    async with serving(script) as server:
        assert await (await transport.send(post(server.url))).read() == b"whole"


async def test_a_compressed_body_that_is_broken_is_a_broken_connection(transport: Transport) -> None:
    async def script(exchange: Exchange) -> None:
        await exchange.reply(b"this is not gzip", content_encoding="gzip")

    async with serving(script) as server:
        with pytest.raises(ConnectionBroken):
            await (await transport.send(post(server.url))).read()


async def test_a_secret_with_a_line_break_is_a_configuration_error_that_does_not_show_it(
    transport: Transport,
) -> None:
    async with serving(lambda exchange: exchange.reply()) as server:
        request = Request(method="POST", url=server.url, headers={"authorization": "Bearer sk-1\n"}, body=b"{}")
        with pytest.raises(ConfigError, match="malformed") as caught:
            await transport.send(request)
        assert server.requests == []
    assert "sk-1" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("url", ["http://", "ftp://127.0.0.1/x", "/v1/chat"])
async def test_an_address_that_is_none_is_a_configuration_error(transport: Transport, url: str) -> None:
    with pytest.raises(ConfigError, match="malformed"):
        await transport.send(post(url))


async def test_a_key_in_the_query_is_in_no_error(transport: Transport) -> None:
    async def script(exchange: Exchange) -> None:
        await exchange.send(b"HTTP/1.1 200 OK\r\ncontent-length: zero\r\n\r\n")

    key = "-".join(["AIza", "1"])
    async with serving(script) as server:
        with pytest.raises(ConnectionBroken) as caught:
            await transport.send(get(f"{server.url}?key={key}"))
    assert key not in "".join(traceback.format_exception(caught.value))
