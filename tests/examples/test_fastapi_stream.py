"""The back end with a page of one's own: both ways to stream, tickets, errors, who may come, and leaving."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any

import httpx
import pytest
from websockets.exceptions import InvalidStatus

from tests.examples.backend import Site, site
from tests.examples.world import KEY, eventually, words


def told(lines: Iterator[str]) -> Iterator[dict[str, str]]:
    """The messages of an event stream."""
    return (json.loads(line.removeprefix("data: ")) for line in lines if line)


def source(place: Site, prompt: str = "ciao") -> AbstractContextManager[httpx.Response]:
    return place.client.stream("GET", "/stream", params={"ticket": place.ticket(prompt)})


def over_source(place: Site, prompt: str = "ciao") -> list[dict[str, str]]:
    with source(place, prompt) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        return list(told(answer.iter_lines()))


def over_socket(place: Site, prompt: str = "ciao") -> list[dict[str, str]]:
    with place.socket() as socket:
        socket.send(json.dumps({"prompt": prompt}))
        return [json.loads(message) for message in socket]


BOTH = pytest.mark.parametrize("ask", [over_source, over_socket])


def test_the_page_is_served() -> None:
    with site() as place:
        page = place.client.get("/")
    assert page.headers["content-type"].startswith("text/html")
    assert "innerHTML" not in page.text


@BOTH
def test_an_answer_streams_to_its_end(ask: Any) -> None:
    with site() as place:
        *pieces, last = ask(place, "ciao")
    assert len(pieces) == 3
    assert "".join(piece["text"] for piece in pieces) == words(3)
    assert last == {"done": "stop"}
    assert place.upstream.messages == [("user", "ciao")]


@BOTH
@pytest.mark.parametrize(("model", "came"), [("auth", 0), ("cut@2", 2)])
def test_an_error_is_told_after_what_came(ask: Any, model: str, came: int) -> None:
    with site(model) as place:
        *pieces, last = ask(place)
    assert "".join(piece["text"] for piece in pieces) == words(came)
    assert last.keys() == {"error"}
    assert f"openai/{model}: " in last["error"]
    assert KEY not in last["error"]


def test_one_client_serves_all() -> None:
    with site() as place:
        client = place.module.app.state.llm
        over_source(place)
        over_socket(place)
        assert place.module.app.state.llm is client


# --- Leaving

SILENT = "silent"
MODELS = pytest.mark.parametrize("model", [SILENT, "stall@2", "tokens=100000"])


@MODELS
def test_an_event_source_that_is_closed_ends_the_request_to_the_model(model: str) -> None:
    with site(model, token_interval_s=0.01) as place, source(place) as answer:
        if model == SILENT:
            eventually(lambda: place.upstream.simulator.stats().open_now == 1)
        else:
            assert next(told(answer.iter_lines())) == {"text": "token-1"}
        with place.felt_in_time():
            answer.close()


@MODELS
def test_a_websocket_that_is_closed_ends_the_request_to_the_model(model: str) -> None:
    with site(model, token_interval_s=0.01) as place, place.socket() as socket:
        socket.send('{"prompt": "ciao"}')
        if model == SILENT:
            eventually(lambda: place.upstream.simulator.stats().open_now == 1)
        else:
            assert json.loads(socket.recv()) == {"text": "token-1"}
        with place.felt_in_time():
            socket.close()


def test_a_websocket_that_leaves_before_its_prompt_costs_nothing() -> None:
    with site() as place:
        with place.socket():
            pass
        assert over_socket(place)[-1] == {"done": "stop"}
    assert len(place.upstream.sent) == 1


# --- Tickets


def test_a_ticket_is_good_once() -> None:
    with site() as place:
        ticket = place.ticket()
        answers = [place.client.get("/stream", params={"ticket": ticket}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 204]
    assert len(place.upstream.sent) == 1


def test_a_ticket_expires() -> None:
    with site() as place:
        place.module.TICKET_S = 0.0
        ticket = place.ticket()
        eventually(lambda: not place.module.app.state.tickets)
        assert place.client.get("/stream", params={"ticket": ticket}).status_code == 204
    assert not place.upstream.sent


def test_a_ticket_of_nobodys_is_good_for_nothing() -> None:
    with site() as place:
        assert place.client.get("/stream", params={"ticket": "x"}).status_code == 204


def test_there_are_only_so_many_tickets() -> None:
    with site() as place:
        place.module.MOST_TICKETS = 1
        place.ticket()
        refused = place.client.post("/tickets", json={"prompt": "ciao"})
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "30")


# --- What is refused


@pytest.mark.parametrize("body", [b"", b"{", b'{"prompt": ""}', b'{"prompt": 3}', b"[]"])
def test_what_is_no_prompt_is_refused(body: bytes) -> None:
    with site() as place:
        assert place.client.post("/tickets", content=body, headers={"content-type": "application/json"}).is_error
        with place.socket() as socket:
            socket.send(body.decode())
            assert json.loads(socket.recv()).keys() == {"error"}
    assert not place.upstream.sent


@pytest.mark.parametrize("origin", ["http://evil.example", "null", None, "http://127.0.0.1"])
def test_a_websocket_of_another_origin_is_refused(origin: str | None) -> None:
    with site() as place, pytest.raises(InvalidStatus) as refused, place.socket(origin=origin):
        pass
    assert refused.value.response.status_code == 403


def test_another_name_for_this_machine_is_refused() -> None:
    headers = {"host": "evil.example"}
    with site() as place:
        refused = [
            place.client.get("/", headers=headers),
            place.client.post("/tickets", json={"prompt": "ciao"}, headers=headers),
        ]
    assert [answer.status_code for answer in refused] == [400, 400]


def test_another_page_gets_no_ticket_it_could_read() -> None:
    headers = {"origin": "http://evil.example"}
    with site() as place:
        given: httpx.Response = place.client.post("/tickets", json={"prompt": "ciao"}, headers=headers)
    assert "access-control-allow-origin" not in given.headers
