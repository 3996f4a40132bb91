"""Which proxy the environment names, and that requests really go through it."""

from __future__ import annotations

import asyncio

import pytest

from tests.wire.loopback import Exchange, serving
from tramite.errors import ConfigError, ConnectFailed
from tramite.wire.network import Network
from tramite.wire.proxies import proxy_for
from tramite.wire.seam import Request

PROXY = "http://proxy.example:3128"


@pytest.mark.parametrize(
    ("environment", "url", "expected"),
    [
        ({}, "https://api.example.org/v1", None),
        ({"HTTPS_PROXY": PROXY}, "https://api.example.org/v1", PROXY),
        ({"https_proxy": PROXY}, "https://api.example.org/v1", PROXY),
        ({"HTTPS_PROXY": PROXY}, "http://api.example.org/v1", None),
        ({"ALL_PROXY": PROXY}, "http://api.example.org/v1", PROXY),
        ({"HTTPS_PROXY": "proxy.example:3128"}, "https://api.example.org", PROXY),
        ({"ALL_PROXY": "socks5://p:1", "HTTPS_PROXY": PROXY}, "https://api.example.org", PROXY),
        ({"HTTPS_PROXY": PROXY, "NO_PROXY": "example.org"}, "https://api.example.org/v1", None),
        ({"HTTPS_PROXY": PROXY, "NO_PROXY": "ample.org"}, "https://api.example.org/v1", PROXY),
        ({"HTTPS_PROXY": PROXY, "NO_PROXY": "a.b, .example.org"}, "https://api.example.org", None),
        ({"HTTPS_PROXY": PROXY, "NO_PROXY": "api.example.org:8443"}, "https://api.example.org:8443", None),
        ({"HTTPS_PROXY": PROXY, "NO_PROXY": "api.example.org:8443"}, "https://api.example.org", PROXY),
        ({"HTTPS_PROXY": PROXY, "NO_PROXY": "*"}, "https://api.example.org/v1", None),
        ({"HTTP_PROXY": PROXY, "NO_PROXY": "10.0.0.0/8"}, "http://10.1.2.3:8000/v1", None),
        ({"HTTP_PROXY": PROXY, "NO_PROXY": "10.0.0.0/8"}, "http://11.1.2.3:8000/v1", PROXY),
        ({"HTTP_PROXY": PROXY}, "http://localhost:1234/v1", None),
        ({"HTTP_PROXY": PROXY}, "http://lm.localhost:1234/v1", None),
        ({"HTTP_PROXY": PROXY}, "http://127.0.0.2:1234/v1", None),
        ({"HTTP_PROXY": PROXY}, "http://[::1]:1234/v1", None),
        ({"HTTP_PROXY": PROXY}, "http://192.168.1.5:1234/v1", PROXY),
    ],
)
def test_the_proxy_for_an_address(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], url: str, expected: str | None
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert proxy_for(url) == expected


def test_a_proxy_that_does_not_speak_http_is_a_configuration_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks5://user:pass@127.0.0.1:1080")
    with pytest.raises(ConfigError, match=r"socks5:// proxy for api\.example\.org.*NO_PROXY=") as caught:
        proxy_for("https://api.example.org/v1")
    assert "pass" not in str(caught.value)


async def test_a_plain_request_goes_through_the_proxy_with_its_password(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with serving(lambda exchange: exchange.reply(b"by proxy")) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url.replace("//", "//me:pw@"))
        network = Network()
        for _ in range(2):
            response = await network.send(Request(method="GET", url="http://api.example.org/v1"))
            assert await response.read() == b"by proxy"
        await network.aclose()
        assert proxy.connections == 1
    assert proxy.requests[1].target == "http://api.example.org/v1"
    assert proxy.requests[1].headers["proxy-authorization"] == "Basic bWU6cHc="


async def test_a_proxy_that_refuses_is_a_failed_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    async def script(exchange: Exchange) -> None:
        await exchange.reply(status="407 Proxy Authentication Required")

    async with serving(script) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        network = Network()
        with pytest.raises(ConnectFailed, match=r"the proxy refused to connect to api.example.org:443: status 407"):
            await network.send(Request(method="GET", url="https://api.example.org/v1"))
        await network.aclose()
    assert proxy.requests[0].method == "CONNECT"


async def test_a_proxy_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving(lambda exchange: asyncio.sleep(0)) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
    network = Network()
    with pytest.raises(ConnectFailed, match=r"^nothing listens at the proxy 127\.0\.0\.1:\d+$"):
        await network.send(Request(method="GET", url="http://api.example.org/v1"))
    await network.aclose()
