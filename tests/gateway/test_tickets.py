"""Tickets: good once, soon, for one thing, from one address; and what they open for an EventSource and a WebSocket."""

from __future__ import annotations

import asyncio
import io
import json
import os
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from tests.client.world import config, words
from tests.gateway.chatting import Said, felt, hear_until, say, socket, text_of, until, world
from tramite.client.governance import for_programs
from tramite.config import load
from tramite.errors import LimitExceeded
from tramite.gateway.tickets import MOST_BYTES, MOST_EACH, TTL_S, Folder, Memory, Shelf, Tickets, tickets_of
from tramite.simulator import fast_forward
from tramite.store.keys import Keys, Terms, open_keys
from tramite.store.reading import open_ledger

HERE, ELSEWHERE = "10.0.0.1", "10.0.0.2"


class Clock:
    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(params=["memory", "folder"])
def shelf(request: pytest.FixtureRequest, tmp_path: Path) -> Shelf:
    return Memory() if request.param == "memory" else Folder(tmp_path / "tickets")


async def test_a_ticket_is_good_once(shelf: Shelf) -> None:
    tickets = Tickets(shelf)
    ticket = await tickets.issue("stream", "team", HERE, b'{"model":"x"}')
    issued = await tickets.redeem(ticket, "stream", HERE)
    assert issued is not None
    assert (issued.key, issued.address, bytes(issued.body)) == ("team", HERE, b'{"model":"x"}')
    assert await tickets.redeem(ticket, "stream", HERE) is None


async def test_of_many_who_show_it_at_once_one_is_let_in(shelf: Shelf) -> None:
    tickets = Tickets(shelf)
    ticket = await tickets.issue("websocket", "", HERE)
    shown = await asyncio.gather(*(tickets.redeem(ticket, "websocket", HERE) for _ in range(20)))
    assert sum(issued is not None for issued in shown) == 1


async def test_a_ticket_expires(shelf: Shelf) -> None:
    clock = Clock()
    tickets = Tickets(shelf, clock)
    ticket = await tickets.issue("websocket", "", HERE)
    clock.now += TTL_S
    assert await tickets.redeem(ticket, "websocket", HERE) is None


async def test_a_stolen_ticket_opens_nothing_elsewhere_and_stays_good_here(shelf: Shelf) -> None:
    tickets = Tickets(shelf)
    ticket = await tickets.issue("websocket", "", HERE)
    assert await tickets.redeem(ticket, "websocket", ELSEWHERE) is None
    assert await tickets.redeem(ticket, "stream", HERE) is None
    assert await tickets.redeem(f"{ticket}x", "websocket", HERE) is None
    assert await tickets.redeem("../../etc/passwd\x00", "websocket", HERE) is None
    assert await tickets.redeem(ticket, "websocket", HERE) is not None


async def test_one_address_cannot_take_all_of_them(shelf: Shelf) -> None:
    tickets = Tickets(shelf)
    for _ in range(MOST_EACH):
        ticket = await tickets.issue("websocket", "", HERE)
    with pytest.raises(LimitExceeded) as refused:
        await tickets.issue("websocket", "", HERE)
    assert refused.value.retry_after_s == TTL_S
    await tickets.issue("websocket", "", ELSEWHERE)
    await tickets.redeem(ticket, "websocket", HERE)
    await tickets.issue("websocket", "", HERE)


async def test_what_is_prepared_is_bounded(shelf: Shelf) -> None:
    tickets = Tickets(shelf)
    half = b'"' + b"x" * (MOST_BYTES // 2) + b'"'
    await tickets.issue("stream", "", HERE, half)
    with pytest.raises(LimitExceeded):
        await tickets.issue("stream", "", ELSEWHERE, half)


def test_what_nobody_fetched_is_forgotten_by_itself(tmp_path: Path) -> None:
    async def run() -> None:
        memory, folder = Memory(), Folder(tmp_path / "tickets")
        for shelf in (memory, folder):
            await Tickets(shelf).issue("websocket", "", HERE)
        assert len(os.listdir(tmp_path / "tickets")) == 1
        await asyncio.sleep(TTL_S + 1)
        assert repr(memory) == "Memory(0 kept)"
        assert not os.listdir(tmp_path / "tickets")

    fast_forward(run(), grace_s=0.05)


async def test_what_a_killed_process_left_is_swept_away(tmp_path: Path) -> None:
    folder = tmp_path / "tickets"
    old = Folder(folder, lambda: os.stat(folder / "old").st_mtime + TTL_S + 1)
    folder.mkdir()
    (folder / "old").write_bytes(b"{}")
    await old.put("new-1", b"{}")
    assert os.listdir(folder) == ["new-1"]


async def test_in_the_folder_is_neither_a_ticket_nor_what_others_can_read(tmp_path: Path) -> None:
    ticket = await Tickets(Folder(tmp_path / "tickets")).issue("stream", "team", HERE, b'{"prompt":"x"}')
    [kept] = (tmp_path / "tickets").iterdir()
    assert ticket not in kept.name
    assert ticket not in kept.read_text()
    assert kept.stat().st_mode & 0o777 == 0o600
    assert kept.parent.stat().st_mode & 0o777 == 0o700


def test_a_ticket_of_one_worker_is_taken_by_another() -> None:
    Path("two.toml").write_text("[gateway]\nworkers = 2\n")
    first, second = tickets_of(load("two.toml")), tickets_of(load("two.toml"))
    ticket = asyncio.run(first.issue("websocket", "team", HERE))
    assert asyncio.run(second.redeem(ticket, "websocket", HERE)) is not None
    assert asyncio.run(first.redeem(ticket, "websocket", HERE)) is None


async def ticket(
    http: aiohttp.ClientSession, place: str, wish: Any, headers: dict[str, str] | None = None
) -> tuple[int, Said]:
    async with http.post(f"http://{place}/tickets", json=wish, headers=headers) as response:
        return response.status, await response.json()


async def events(response: aiohttp.ClientResponse) -> list[tuple[int, Said]]:
    """The events of a stream, with their numbers."""
    blocks = (await response.read()).decode().split("\n\n")[:-1]
    lines = [dict(line.split(": ", 1) for line in block.split("\n")) for block in blocks]
    return [(int(block["id"]), json.loads(block["data"])) for block in lines]


async def test_a_prepared_chat_is_played_once_as_numbered_events() -> None:
    wish = {"for": "stream", "body": {"model": "sim/tokens=3", "messages": [{"role": "user", "content": "x"}]}}
    async with world() as (place, sim), aiohttp.ClientSession() as http:
        status, given = await ticket(http, place, wish)
        assert (status, given["expires_in_s"]) == (200, TTL_S)
        async with http.head(f"http://{place}{given['url']}") as response:
            assert response.status == 405
        async with http.get(f"http://{place}{given['url']}") as response:
            assert response.content_type == "text/event-stream"
            came = await events(response)
        assert [number for number, _ in came] == [1, 2, 3, 4, 5]
        heard = [said for _, said in came]
        assert text_of(heard) == heard[-1]["text"] == words(3)
        assert heard[-1]["type"] == "done"
        headers = {"last-event-id": "3"}
        async with http.get(f"http://{place}{given['url']}", headers=headers) as response:
            assert response.status == 204  # which tells an EventSource to stay away
            assert "ticket" in response.headers["x-tramite-error"]
        assert sim.stats().requests == 1


async def test_a_failure_is_told_in_the_stream_since_a_page_sees_nothing_of_any_other_answer() -> None:
    async with world() as (place, _), aiohttp.ClientSession() as http:
        _, given = await ticket(http, place, {"for": "stream", "body": {"model": "sim/401", "prompt": "x"}})
        async with http.get(f"http://{place}{given['url']}") as response:
            [(_, error)] = await events(response)
    assert (response.status, error["type"], error["error"]) == (200, "error", "BadReply")
    assert "secret for sim was refused" in error["message"]


@pytest.mark.parametrize("model", ["sim/silent", "sim/tokens=100000"])
async def test_whoever_leaves_a_prepared_stream_is_felt(model: str) -> None:
    async with world(token_interval_s=0.01) as (place, sim), aiohttp.ClientSession() as http:
        _, given = await ticket(http, place, {"for": "stream", "body": {"model": model, "prompt": "x"}})
        response = await http.get(f"http://{place}{given['url']}")
        await until(lambda: sim.stats().open_now)
        response.close()
        await felt(sim)
        assert [entry.outcome for entry in sim.stats().client_gone] == ["gone"]


async def test_a_ticket_opens_a_websocket_once() -> None:
    async with world() as (place, _), aiohttp.ClientSession() as http:
        _, given = await ticket(http, place, {"for": "websocket"})
        async with socket(place, given["url"]) as connection:
            await say(connection, type="start", model="sim/tokens=2", prompt="x")
            assert (await hear_until(connection, "done", "error"))[-1]["type"] == "done"
        with pytest.raises(InvalidStatus) as refused:
            async with socket(place, given["url"]):
                pass
    assert refused.value.response.status_code == 401
    assert b"ticket" in refused.value.response.body


def store() -> str:
    """Where the gateways of these tests keep their keys and their ledger."""
    return for_programs(config()).store.url


def with_key(name: str, *models: str) -> tuple[Keys, dict[str, str]]:
    """A new key, and the header that shows it."""
    keys = open_keys(store())
    secret = keys.create(name, Terms(models=models)).secret
    return keys, {"authorization": f"Bearer {secret}"}


async def test_a_ticket_needs_a_key_where_there_are_keys_and_is_booked_under_it() -> None:
    keys, headers = with_key("team")
    wish = {"for": "stream", "body": {"model": "sim/tokens=3", "prompt": "x"}}
    with keys:
        async with world() as (place, _), aiohttp.ClientSession() as http:
            status, said = await ticket(http, place, wish)
            assert (status, said["error"]["code"]) == (401, "missing_api_key")
            status, given = await ticket(http, place, wish, headers)
            assert status == 200
            async with http.get(f"http://{place}{given['url']}") as response:
                assert (await events(response))[-1][1]["type"] == "done"
        ledger = open_ledger(store())
        assert ledger is not None
        with ledger:
            assert [entry.key for entry in ledger.entries()] == ["team"]


async def test_a_key_s_models_hold_behind_a_ticket_too() -> None:
    keys, headers = with_key("team", "sim/tokens=2")
    with keys:
        async with world() as (place, sim), aiohttp.ClientSession() as http:
            wish = {"for": "stream", "body": {"model": "sim/ok", "prompt": "x"}}
            status, said = await ticket(http, place, wish, headers)
            assert (status, said["error"]["code"]) == (403, "model_not_allowed")
            _, given = await ticket(http, place, {"for": "websocket"}, headers)
            async with socket(place, given["url"]) as connection:
                await say(connection, type="start", model="sim/ok", prompt="x")
                error = (await hear_until(connection, "done", "error"))[-1]
                assert (error["error"], error["status"]) == ("KeyRefused", 403)
                await say(connection, type="start", model="sim/tokens=2", prompt="x")
                assert (await hear_until(connection, "done", "error"))[-1]["type"] == "done"
            assert sim.stats().requests == 1


@pytest.mark.parametrize("way", ["ticket", "header"])
async def test_a_key_that_is_revoked_starts_nothing_more_on_a_socket_that_it_opened(way: str) -> None:
    keys, headers = with_key("team")
    with keys:
        async with world() as (place, sim), aiohttp.ClientSession() as http:
            url, shown = "/ws/chat", headers
            if way == "ticket":
                url, shown = (await ticket(http, place, {"for": "websocket"}, headers))[1]["url"], {}
            async with socket(place, url, additional_headers=shown) as connection:
                keys.revoke("team")
                error: Said = {}
                while error.get("error") != "KeyRefused":  # within the five seconds that a copy may be old
                    await say(connection, type="start", model="sim/tokens=1", prompt="x")
                    error = (await hear_until(connection, "done", "error"))[-1]
                assert error["status"] == 401
                asked = sim.stats().requests
                await say(connection, type="start", model="sim/tokens=1", prompt="x")
                assert (await hear_until(connection, "done", "error"))[-1]["type"] == "error"
                assert sim.stats().requests == asked


async def test_without_ticket_or_key_no_socket_is_opened_where_there_are_keys() -> None:
    keys, _ = with_key("team")
    with keys:
        async with world() as (place, _):
            with pytest.raises(InvalidStatus) as refused:
                await connect(f"ws://{place}/ws/chat")
    assert refused.value.response.status_code == 401


@pytest.mark.parametrize(
    ("wish", "status", "word"),
    [
        ([], 400, "for"),
        ({"for": "ever"}, 400, "ever"),
        ({"for": "stream"}, 400, "JSON object"),
        ({"for": "stream", "body": []}, 400, "JSON object"),
        ({"for": "stream", "body": {"model": "sim/ok"}}, 400, "messages"),
        ({"for": "stream", "body": {"model": "local/etc", "prompt": "x"}}, 404, "does not serve"),
    ],
)
async def test_what_cannot_be_prepared_is_said_before_there_is_a_ticket(wish: Any, status: int, word: str) -> None:
    async with world() as (place, _), aiohttp.ClientSession() as http:
        given, said = await ticket(http, place, wish)
    assert given == status
    assert word in said["error"]["message"]


async def test_a_prepared_chat_may_be_as_large_as_a_message() -> None:
    body = io.BytesIO(b" " * 8_000_001)
    async with (
        world() as (place, _),
        aiohttp.ClientSession(headers={"expect": "100-continue"}) as http,
        http.post(f"http://{place}/tickets", data=body) as response,
    ):
        assert response.status == 413
        assert "8 MB" in (await response.json())["error"]["message"]


async def test_a_ticket_is_asked_for_with_post() -> None:
    async with world() as (place, _), aiohttp.ClientSession() as http, http.get(f"http://{place}/tickets") as response:
        assert response.status == 405
