"""A client that leaves is felt within 100 ms wherever its request is, and nothing that was taken for it stays taken."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep

import pytest

from tests.gateway import running
from tests.gateway.serving import served as plainly_served
from tramite.config import load
from tramite.gateway.app import Gateway
from tramite.gateway.gate import Gate
from tramite.gateway.guards import Guards
from tramite.simulator import Simulator

CHAT = "/v1/chat/completions"
IN_TIME_S = 0.1
MODELS = ("ok", "slow-first-token:30s", "stall@3:30s", "429:retry-after=20")
PRICE = '[models."sim/{0}"]\ninput_per_million = 1\noutput_per_million = 1\n'
LIMIT = '[limits."sim/ok"]\nrequests_per_minute = 1\n[timeouts]\nmax_wait_s = 100\n'


class World:
    """A gateway with its guards, and the provider behind it."""

    def __init__(self, port: int, gate: Gate, guards: Guards, provider: Simulator) -> None:
        self.port, self.gate, self.guards, self.provider = port, gate, guards, provider

    def begin(self, path: str, model: str, cut: int | None = None, **said: object) -> socket.socket:
        """A client that has sent a request, or so much of its body."""
        asked = {"model": f"sim/{model}", "messages": [{"role": "user", "content": "hello"}], **said}
        body = json.dumps(asked).encode()
        client = socket.create_connection(("127.0.0.1", self.port), 5)
        head = f"POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
        client.sendall(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body[:cut])
        return client


@contextmanager
def world(worker: bool) -> Iterator[World]:
    with Simulator.in_thread(seed=1) as provider:
        file = Path("leaving.toml")
        store = f'[store]\nurl = "sqlite:///{Path.cwd()}/ledger.sqlite"\n[state]\nurl = "memory"\n'
        row = f'[providers.sim]\nbase_url = "{provider.base_url}"\nauth = "none"\n'
        budget = "[budgets.global]\nlimit = '1/total'\n"
        file.write_text(row + store + budget + LIMIT + "".join(map(PRICE.format, MODELS)))
        gate = Gate(load(file))
        app = Gateway(gate)
        if worker:
            with running.served(app) as found:
                yield World(found.port, gate, found.guards, provider)
        else:
            guards = Guards(app, gate.config.gateway)
            with plainly_served(guards, lifespan="on") as served:
                yield World(int(served.url.rpartition(":")[2]), gate, guards, provider)


def soon(what: Callable[[], bool], seconds: float) -> bool:
    ends = monotonic() + seconds
    while not what():
        if monotonic() > ends:
            return False
        sleep(0.002)
    return True


def reached(world: World, count: int) -> Callable[[], bool]:
    return lambda: world.provider.stats().requests >= count


@pytest.mark.parametrize("worker", [True, False], ids=["worker", "uvicorn"])
@pytest.mark.parametrize(("path", "stream"), [(CHAT, True), (CHAT, False), ("/v1/messages", True)])
@pytest.mark.parametrize("phase", ["slow-first-token:30s", "stall@3:30s", "429:retry-after=20", "ok"])
def test_a_client_that_leaves_is_felt_at_once(phase: str, path: str, stream: bool, worker: bool) -> None:
    with world(worker) as there:
        before = 0
        if phase == "ok":  # the second one has to wait for the limit
            with there.begin(path, "ok", max_tokens=5) as first:
                assert soon(reached(there, 1), 5)
                assert first.recv(20).startswith(b"HTTP/1.1 200")
            before = 1
        client = there.begin(path, phase, stream=stream, max_tokens=50)
        assert soon(lambda: there.guards.under_way == 1, 5)
        assert phase == "ok" or soon(reached(there, 1), 5)
        sleep(0.15)  # into the phase: the provider's side of it cannot be waited for
        client.close()
        assert soon(lambda: not there.guards.under_way and not there.provider.stats().open_now, IN_TIME_S)
        assert there.provider.stats().requests == max(before, 1)
        ledger = there.gate.core.governor.ledger
        assert ledger is not None
        assert soon(lambda: not any(each.held_nanousd for each in ledger.store.budgets(ledger.allowances)), 2)


@pytest.mark.parametrize("worker", [True, False], ids=["worker", "uvicorn"])
def test_a_client_that_leaves_before_its_body_is_whole_asks_nothing(worker: bool) -> None:
    with world(worker) as there:
        client = there.begin(CHAT, "ok", cut=20)
        assert soon(lambda: there.guards.under_way == 1, 5)
        client.close()
        assert soon(lambda: not there.guards.under_way, IN_TIME_S)
        assert there.provider.stats().requests == 0
