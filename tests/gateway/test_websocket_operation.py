"""`/ws/chat` in a worker as it is operated: behind the guards, and when the worker is told to stop."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from tests.client.world import config
from tests.gateway.running import until
from tramite.gateway.connections import Pace
from tramite.gateway.service import factory
from tramite.gateway.serving import Fleet, listen, port_of
from tramite.gateway.worker import Worker, make
from tramite.simulator import Simulator

TWO_S = "sim/tokens=20"
FOR_EVER = "sim/tokens=100000"


@contextmanager
def operated(more: str = "") -> Iterator[tuple[str, Worker, Simulator]]:
    """Where the sockets are, the worker, and the provider behind it."""
    with Simulator.in_thread(token_interval_s=0.1) as sim:
        settings = config(sim.base_url, more)
        (bound,) = listen("127.0.0.1", 0)
        worker = make(factory(lambda: settings), settings, Fleet(), Pace())
        thread = threading.Thread(target=worker.run, args=([bound],))
        thread.start()
        try:
            until(lambda: worker.started)
            yield f"ws://127.0.0.1:{port_of(bound)}/ws/chat", worker, sim
        finally:
            worker.should_exit = True
            thread.join(20)
            assert not thread.is_alive()


def start(connection: ClientConnection, model: str) -> None:
    connection.send(json.dumps({"type": "start", "model": model, "prompt": "x"}))
    assert json.loads(connection.recv())["type"] == "started"


def rest(connection: ClientConnection) -> list[dict[str, object]]:
    """All that is said until the socket is closed, as it should be."""
    said = []
    try:
        while True:
            said.append(json.loads(connection.recv(timeout=10)))
    except ConnectionClosed:
        assert connection.close_code == 1001
        return said


def test_a_worker_that_stops_lets_idle_sockets_go_and_answers_end() -> None:
    with operated() as (url, worker, _), connect(url) as idle, connect(url) as busy:
        start(busy, TWO_S)
        worker.should_exit = True
        assert rest(idle) == []
        assert rest(busy)[-1]["type"] == "done"


def test_an_answer_that_outlasts_the_drain_is_told_so() -> None:
    with operated("[gateway]\ndrain_s = 0.2\n") as (url, worker, sim), connect(url) as busy:
        start(busy, FOR_EVER)
        worker.should_exit = True
        last = rest(busy)[-1]
        assert (last["type"], last["status"]) == ("error", 503)
        until(lambda: not sim.stats().open_now)


@pytest.mark.parametrize(("origin", "status"), [("https://elsewhere.example", 403), ("null", 403)])
def test_a_page_of_another_s_cannot_open_a_socket(origin: str, status: int) -> None:
    with operated() as (url, _, _), pytest.raises(InvalidStatus) as refused:
        connect(url, additional_headers={"origin": origin})
    assert refused.value.response.status_code == status


@pytest.mark.parametrize("path", ["/", "/v1/models", "/v1/stream", "/nothing"])
def test_no_other_path_speaks_websocket(path: str) -> None:
    with operated() as (url, _, _), pytest.raises(InvalidStatus) as refused:
        connect(url.replace("/ws/chat", path))
    assert refused.value.response.status_code == 403


def test_a_page_of_our_own_can() -> None:
    with operated() as (url, _, _):
        origin = url.replace("ws://", "http://").removesuffix("/ws/chat")
        with connect(url, additional_headers={"origin": origin}) as connection:
            connection.send('{"type":"ping"}')
            assert json.loads(connection.recv())["type"] == "pong"
