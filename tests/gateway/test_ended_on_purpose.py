"""Streams that meet a gateway's own end, or another configuration: told in their dialect, or not disturbed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.gateway.serving import served
from tests.gateway.test_no_false_end import ASKED, BASES, END
from tramite.config import load
from tramite.gateway.app import Gateway
from tramite.gateway.gate import Gate
from tramite.gateway.reloading import Reloader
from tramite.simulator import Simulator

COMPLETIONS = "/v1/completions"
HEAD = '[state]\nurl = "memory"\n[store]\nurl = "sqlite:///{0}/ledger.sqlite"\n'
ROW = '[providers.{0}-sim]\nbase_url = "{1}{2}"\ndialect = "{0}"\nauth = "none"\nkinds = ["chat", "completion"]\n'


def write(provider: Simulator, more: str = "") -> Path:
    root = provider.base_url.removesuffix("/v1")
    rows = "".join(ROW.format(name, root, base) for name, base in BASES.items())
    file = Path("ended.toml")
    file.write_text(f"{more}{HEAD.format(Path.cwd())}{rows}")
    return file


TALKS = [(path, dialect) for path in ASKED for dialect in ("openai", "anthropic", "openai-responses")]


@pytest.mark.parametrize(("path", "dialect"), [talk for talk in TALKS if talk[0] != COMPLETIONS or talk[1] == "openai"])
def test_a_stream_that_is_under_way_when_the_gateway_stops_is_told_and_has_no_end(path: str, dialect: str) -> None:
    with Simulator.in_thread(seed=1) as provider:
        gate = Gate(load(write(provider)))
        with served(Gateway(gate), lifespan="on") as door:
            asked: dict[str, Any] = {**ASKED[path], "model": f"{dialect}-sim/stall@5:30s", "stream": True}
            with door.client.stream("POST", path, json=asked) as stream:
                came = stream.iter_bytes()
                first = next(came)

                async def stop() -> None:
                    gate.drain()

                door.run(stop)
                whole = first + b"".join(came)
    assert b"being stopped" in whole
    assert not END.findall(whole)


def test_a_stream_that_is_under_way_ends_on_the_configuration_that_it_began_with() -> None:
    with Simulator.in_thread(seed=1, token_interval_s=0.02) as provider:
        file = write(provider)
        gate = Gate(load(file))
        with served(Gateway(gate), lifespan="on") as door:
            asked = {**ASKED["/v1/chat/completions"], "model": "openai-sim/ok,tokens=20", "stream": True}
            with door.client.stream("POST", "/v1/chat/completions", json=asked) as stream:
                came = stream.iter_bytes()
                first = next(came)
                write(provider, 'default_model = "demo/demo"\n')
                door.run(Reloader(gate, lambda: load(file), lambda fresh: None).reload)
                whole = first + b"".join(came)
            assert gate.config.default_model == "demo/demo"
    assert b"token-20" in whole
    assert whole.endswith(b"data: [DONE]\n\n")
