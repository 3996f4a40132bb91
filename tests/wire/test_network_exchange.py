"""How the network sends one request and takes its answer, where no other transport does it the same way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.wire.loopback import Exchange, serving
from tramite import __version__
from tramite.errors import ConfigError, ConnectionBroken, TimedOut
from tramite.wire import network as wire
from tramite.wire.network import Network
from tramite.wire.seam import Request

LARGE = b"x" * 50_000_000


@pytest.fixture
async def network() -> AsyncIterator[Network]:
    made = Network()
    yield made
    await made.aclose()


def post(url: str, body: bytes = b"{}", write_s: float = 30.0, **headers: str) -> Request:
    return Request(method="POST", url=url, headers=headers, body=body, write_s=write_s)


async def test_interim_answers_are_read_over(network: Network) -> None:
    async def script(exchange: Exchange) -> None:
        await exchange.send(b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Early Hints\r\nx-hint: 1\r\n\r\n")
        await exchange.reply(b"whole", X_A="1")

    async with serving(script) as server:
        for _ in range(2):
            response = await network.send(post(server.url))
            assert (response.status, response.headers.get("x-hint"), response.headers["x-a"]) == (200, None, "1")
            assert await response.read() == b"whole"
        assert server.connections == 1


async def test_an_answer_that_comes_before_the_body_was_taken_is_given_out(network: Network) -> None:
    gone = asyncio.Event()

    async def script(exchange: Exchange) -> None:
        await exchange.reply(b"too large", "413 Content Too Large")
        await exchange.gone()
        gone.set()

    async with serving(script, limit=1024) as server:
        response = await network.send(post(server.url, LARGE, **{"expect-no-body": "1"}))
        assert (response.status, await response.read()) == (413, b"too large")
        await gone.wait()  # the rest of the body would be taken for another request


async def test_what_the_system_does_not_take_at_once_is_waited_for_no_longer_than_it_may_take(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    over = asyncio.Event()

    async def script(exchange: Exchange) -> None:
        await over.wait()

    monkeypatch.setattr(wire, "_PIECE", len(LARGE))
    async with serving(script, limit=1024) as server:
        with pytest.raises(TimedOut, match=r"no progress for 0\.05 s"):
            await network.send(post(server.url, LARGE, write_s=0.05, **{"expect-no-body": "1"}))
        over.set()


async def test_what_every_request_says_gives_way_to_what_one_says_itself(network: Network) -> None:
    async with serving(lambda exchange: exchange.reply()) as server:
        await (await network.send(post(server.url, b""))).read()
        await (await network.send(post(server.url, **{"user-agent": "mine", "host": "there"}))).read()
        await (await network.send(Request(method="GET", url=server.url))).read()
    plain, own, get = (exchange.headers for exchange in server.requests)
    assert plain["host"] in server.url
    assert (plain["user-agent"], plain["content-length"]) == (f"tramite/{__version__}", "0")
    assert "gzip" in plain["accept-encoding"]
    assert (own["user-agent"], own["host"], own["content-length"]) == ("mine", "there", "2")
    assert "content-length" not in get


async def test_credentials_in_an_address_are_sent_as_a_header_and_never_beside_others(network: Network) -> None:
    async with serving(lambda exchange: exchange.reply()) as server:
        url = server.url.replace("//", "//me:pw@")
        await (await network.send(post(url))).read()
        with pytest.raises(ConfigError, match="malformed"):
            await network.send(post(url, authorization="Bearer sk-1"))
    [seen] = server.requests
    assert (seen.target, seen.headers["authorization"]) == ("/v1/x", "Basic bWU6cHc=")


async def test_closing_ends_a_reading_that_waits(network: Network) -> None:
    async def script(exchange: Exchange) -> None:
        await exchange.begin()
        await exchange.gone()

    async with serving(script) as server:
        response = await network.send(post(server.url))
        reading = asyncio.ensure_future(anext(response))
        await asyncio.sleep(0)
        response.close()
        with pytest.raises(ConnectionBroken):
            await reading
