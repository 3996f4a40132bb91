"""Who may ask for pages: hosts and origins, of requests and of sockets, and what browsers are told of each page."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from tests.gateway.serving import Served, served
from tramite.workbench.guard import Guard

OURS = ["localhost", "127.0.0.1", "[::1]", "workbench.test", "WORKBENCH.test"]
OTHERS = ["elsewhere.example", "127.0.0.1.elsewhere.example", "localhost.", "127.0.0.2", "::1", "a@127.0.0.1", ""]


async def page(request: Request) -> Response:
    return PlainTextResponse("a page")


async def socket(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_text("hello")
    await websocket.close()


@pytest.fixture
def guarded() -> Iterator[Served]:
    app = Starlette(routes=[Route("/", page, methods=["GET", "POST"]), WebSocketRoute("/ws", socket)])
    with served(Guard(app, ["workbench.test"]), lifespan="on", ws="websockets-sansio") as found:
        yield found


@pytest.mark.parametrize("port", ["", ":80", ":8501"])
@pytest.mark.parametrize("host", OURS)
def test_our_names_are_served_at_any_port(guarded: Served, host: str, port: str) -> None:
    assert guarded.client.get("/", headers={"host": host + port}).text == "a page"


@pytest.mark.parametrize("port", ["", ":8501", ":", ":x"])
@pytest.mark.parametrize("host", OTHERS)
def test_other_names_are_refused(guarded: Served, host: str, port: str) -> None:
    answer = guarded.client.get("/", headers={"host": host + port})
    assert answer.status_code == 421
    assert "a page" not in answer.text


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_pages_of_our_own_origin_may_ask_and_those_of_others_not(guarded: Served, method: str) -> None:
    host = "localhost:8501"
    for origin, status in {
        f"http://{host}": 200,
        f"HTTPS://{host}": 200,
        "http://localhost": 403,
        "http://localhost:8502": 403,
        "http://127.0.0.1:8501": 403,
        "https://elsewhere.example": 403,
        f"http://{host}.elsewhere.example": 403,
        f"http://elsewhere.example/{host}": 403,
        "null": 403,
        "": 403,
    }.items():
        answer = guarded.client.request(method, "/", headers={"host": host, "origin": origin})
        assert answer.status_code == status, origin


def test_sockets_are_held_to_the_same(guarded: Served) -> None:
    address = guarded.url.replace("http", "ws") + "/ws"
    with connect(address, origin=guarded.url) as talking:  # type: ignore[arg-type]
        assert talking.recv() == "hello"
    with connect(address) as talking:
        assert talking.recv() == "hello"
    for origin in ("https://elsewhere.example", "null"):
        with pytest.raises(InvalidStatus, match="403"), connect(address, origin=origin):  # type: ignore[arg-type]
            pass


def test_browsers_are_told_to_load_nothing_from_elsewhere(guarded: Served) -> None:
    headers = guarded.client.get("/").headers
    policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["object-src"] == "'none'"
    assert not [rule for rule in policy.values() if "http" in rule or "*" in rule]
    assert (headers["x-content-type-options"], headers["referrer-policy"]) == ("nosniff", "no-referrer")
