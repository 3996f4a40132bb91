from __future__ import annotations

from typing import Any

from tests.client.world import config
from tramite.pipeline.route import Routes
from tramite.simulator import InProcess
from tramite.wire.seam import Request

LOCAL = '[providers.lmstudio]\nbase_url = "http://127.0.0.1:9/v1"\n'


class Listing:
    """The answer of a local server that is asked for its models."""

    status = 200

    def __init__(self, model: str) -> None:
        self._body = b'{"data": [{"id": "%b"}]}' % model.encode()

    async def read(self) -> bytes:
        return self._body

    def close(self) -> None:
        pass


class LocalServer:
    """Its user loads another model now and then."""

    def __init__(self, model: str) -> None:
        self.model = model
        self.asked = 0

    async def send(self, request: Request) -> Any:
        self.asked += 1
        return Listing(self.model)

    async def aclose(self) -> None:
        pass


async def test_a_model_that_a_server_has_loaded_is_asked_for_again_after_a_while() -> None:
    now = 0.0
    server = LocalServer("one")
    routes = Routes(config(more=LOCAL), lambda provider: server, lambda: now)

    async def found() -> tuple[str, int]:
        [endpoint] = (await routes.find("lmstudio/", "chat")).endpoints
        return str(endpoint.target), server.asked

    first = await found()
    server.model = "two"
    assert await found() == first
    now = 61.0
    assert (await found())[0] == "lmstudio/two"
    assert first[0] == "lmstudio/one"
    assert await routes.find("sim/ok", "chat") is await routes.find("sim/ok", "chat")


async def test_names_that_somebody_makes_up_do_not_fill_the_memory() -> None:
    routes = Routes(config(), lambda provider: InProcess())
    for number in range(1100):
        await routes.find(f"sim/made-up-{number}", "chat")
    assert repr(routes) == "Routes(76 known)"
