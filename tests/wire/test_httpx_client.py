"""A user's own client, with what is special to it; `test_transports` holds what is common."""

from __future__ import annotations

from types import ModuleType

import httpx
import httpx2
import pytest

from tests.wire.loopback import serving
from tramite.errors import ConfigError, ConnectFailed
from tramite.wire.httpx_client import HttpxTransport
from tramite.wire.seam import Request

POST = Request(method="POST", url="https://api.example.org/v1", headers={"a": "b"}, body=b"{}")


@pytest.mark.parametrize("package", [httpx, httpx2])
async def test_a_clients_mocks_headers_and_hooks_are_used(package: ModuleType) -> None:
    seen = []

    async def hook(request: httpx.Request) -> None:
        seen.append(dict(request.headers))

    mock = package.MockTransport(lambda request: package.Response(200, json={"url": str(request.url)}))
    async with package.AsyncClient(transport=mock, headers={"x-team": "t"}, event_hooks={"request": [hook]}) as client:
        transport = HttpxTransport(client)
        response = await transport.send(POST)
        assert await response.read() == b'{"url":"https://api.example.org/v1"}'
    assert (seen[0]["x-team"], seen[0]["a"], seen[0]["content-length"]) == ("t", "b", "2")


@pytest.mark.parametrize("package", [httpx, httpx2])
async def test_a_subclass_of_a_client_is_one_and_stays_open(package: ModuleType) -> None:
    mine = type("Mine", (package.AsyncClient,), {})
    async with mine() as client, serving(lambda exchange: exchange.reply(b"ok")) as server:
        transport = HttpxTransport(client)
        await transport.aclose()
        assert await (await transport.send(Request(method="GET", url=server.url))).read() == b"ok"
        assert not client.is_closed


@pytest.mark.parametrize("client", [httpx.Client(), object(), None])
def test_anything_else_is_refused(client: object) -> None:
    with pytest.raises(ConfigError, match=r"expected an httpx\.AsyncClient, not a (Client|object|NoneType)"):
        HttpxTransport(client)


@pytest.mark.parametrize("package", [httpx, httpx2])
async def test_a_closed_client_is_no_connection(package: ModuleType) -> None:
    client = package.AsyncClient()
    await client.aclose()
    with pytest.raises(ConnectFailed):
        await HttpxTransport(client).send(POST)
