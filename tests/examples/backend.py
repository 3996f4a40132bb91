"""The streaming back end on a port of its own, and the provider behind it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import module_from_spec, spec_from_file_location
from types import ModuleType
from typing import Any

from websockets.sync.client import ClientConnection, connect

from tests.cli.world import variables
from tests.examples.world import EXAMPLES, KEY, QUICK, Provider, eventually, provider
from tests.gateway.serving import Served, served

IN_TIME_S = 0.1


class Site:
    """The back end on a port, and the provider behind it."""

    def __init__(self, module: ModuleType, place: Served, upstream: Provider) -> None:
        self.module = module
        self.host = place.url.removeprefix("http://")
        self.client = place.client
        self.upstream = upstream

    def ticket(self, prompt: str = "ciao") -> str:
        given = self.client.post("/tickets", json={"prompt": prompt})
        assert given.status_code == 200
        return str(given.json()["ticket"])

    def socket(self, **options: Any) -> ClientConnection:
        return connect(f"ws://{self.host}/ws", **{"origin": f"http://{self.host}", "proxy": None, **options})

    @contextmanager
    def felt_in_time(self) -> Iterator[None]:
        """Leave in this block: within 100 ms the provider notices that nobody reads any more."""
        simulator = self.upstream.simulator
        left = simulator.clock.now()
        yield
        eventually(lambda: simulator.stats().streams.gone == 1)
        entry = simulator.log()[-1]
        assert entry.at + entry.after_s - left < IN_TIME_S


@contextmanager
def site(model: str = "tokens=3", **options: Any) -> Iterator[Site]:
    spec = spec_from_file_location("fastapi_stream_app", EXAMPLES / "fastapi_stream" / "app.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    with (
        provider(key=KEY, **options) as upstream,
        variables(
            OPENAI_BASE_URL=f"{upstream.url}/v1",
            OPENAI_API_KEY=KEY,
            TRAMITE_DEFAULT_MODEL=f"openai/{model}",
            **QUICK,
        ),
        served(module.app, ws="websockets-sansio", lifespan="on") as place,
    ):
        yield Site(module, place, upstream)
