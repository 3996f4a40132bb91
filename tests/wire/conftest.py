"""The transports that stand behind the seam: each test that asks for one runs on all of them."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import httpx2
import pytest

from tramite.wire.httpx_client import HttpxTransport
from tramite.wire.network import Network
from tramite.wire.seam import Transport


@pytest.fixture(params=["network", "httpx", "httpx2"])
async def transport(request: pytest.FixtureRequest) -> AsyncIterator[Transport]:
    if request.param == "network":
        network = Network()
        yield network
        await network.aclose()
    elif request.param == "httpx":
        async with httpx.AsyncClient() as client:
            yield HttpxTransport(client)
    else:
        async with httpx2.AsyncClient() as client2:
            yield HttpxTransport(client2)
