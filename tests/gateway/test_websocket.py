"""`/ws/chat` on real sockets: every message, every way to stop and to leave, and what is sent that is no message."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.client.world import config, words
from tests.gateway.chatting import Said, felt, hear, hear_until, say, serving, socket, text_of, until, world
from tramite.simulator import Simulator

ENDS = ("done", "stopped", "error")
PACE: dict[str, Any] = {"token_interval_s": 0.01}
LONG = "sim/tokens=100000"


async def ask(connection: ClientConnection, model: str, prompt: str = "x", **more: Any) -> list[Said]:
    """One turn, whole."""
    await say(connection, type="start", model=model, prompt=prompt, **more)
    return await hear_until(connection, *ENDS)


async def close_code(connection: ClientConnection) -> int | None:
    with suppress(ConnectionClosed):
        async for _ in connection:
            pass
    return connection.close_code


async def test_an_answer_is_told_from_its_start_to_its_cost() -> None:
    async with world() as (place, _), socket(place) as connection:
        heard = await ask(connection, "sim/tokens=3", id="a", temperature=0)
    assert [said["type"] for said in heard] == ["started", "event", "event", "event", "done"]
    assert all(said["id"] == "a" for said in heard)
    assert heard[0] == {"type": "started", "id": "a", "target": "sim/tokens=3", "attempt": 1}
    assert text_of(heard) == heard[-1]["text"] == words(3)
    assert heard[-1]["finish"] == "stop"
    assert heard[-1]["usage"] == {"input_tokens": 7, "output_tokens": 3}
    assert heard[-1]["attempts"][0]["status"] == 200
    assert heard[-1]["timings"]["total_s"] >= heard[-1]["timings"]["first_token_s"] > 0


async def test_several_turns_go_over_one_socket_and_are_remembered_where_that_is_wanted() -> None:
    async with world() as (place, _), socket(place) as connection:
        read = []
        for goes_on in (False, True, True, False):
            done = (await ask(connection, "sim/tokens=3", "hello", **{"continue": goes_on}))[-1]
            read.append(done["usage"]["input_tokens"])
    assert read[0] < read[1] < read[2]
    assert read[3] == read[0]


async def test_the_body_is_that_of_a_chat_request() -> None:
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "say this"}]
    async with world() as (place, _), socket(place) as connection:
        await say(connection, type="start", model="sim/echo", messages=messages, max_tokens=50, stream=True)
        heard = await hear_until(connection, *ENDS)
    assert heard[-1]["text"] == "say this"


async def test_a_tool_is_asked_for_and_its_result_goes_on_with_the_conversation() -> None:
    tool = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {}}}}
    async with world() as (place, _), socket(place) as connection:
        asked = (await ask(connection, "sim/tools", tools=[tool]))[-1]
        assert asked["finish"] == "tool_calls"
        call = asked["tool_calls"][0]
        result = {"role": "tool", "tool_call_id": call["id"], "content": "sunny"}
        await say(connection, type="start", model="sim/tools", tools=[tool], messages=[result], **{"continue": True})
        heard = await hear_until(connection, *ENDS)
    assert call["name"] == "weather"
    assert heard[-1]["finish"] == "stop"


async def test_reasoning_comes_as_events_of_its_own() -> None:
    async with world() as (place, _), socket(place) as connection:
        heard = await ask(connection, "sim/reasoning=2,tokens=2")
    assert {said["event"] for said in heard if said["type"] == "event"} == {"reasoning", "text"}
    assert heard[-1]["text"] == words(2)


async def test_what_broke_off_is_taken_back_and_told_anew_by_the_next_target() -> None:
    route = '[routes.two]\ntargets = ["sim/cut@2,tokens=9", "sim/tokens=4"]\non_stream_failure = "restart"\n'
    async with world(route) as (place, _), socket(place) as connection:
        heard = await ask(connection, "two")
    at = next(number for number, said in enumerate(heard) if said.get("event") == "restarted")
    assert text_of(heard[:at]) == words(2)
    assert text_of(heard[at:]) == heard[-1]["text"] == words(4)
    assert [tried["target"] for tried in heard[-1]["attempts"]] == ["sim/cut@2,tokens=9", "sim/tokens=4"]


async def test_a_stream_without_its_proof_ends_as_an_error_and_the_socket_stays() -> None:
    async with world() as (place, _), socket(place) as connection:
        error = (await ask(connection, "sim/cut@2,tokens=9", id="a"))[-1]
        assert (error["type"], error["id"], error["error"]) == ("error", "a", "IncompleteStream")
        assert error["status"] == 502
        assert (await ask(connection, "sim/tokens=2"))[-1]["type"] == "done"


async def test_an_error_says_its_class_its_status_and_when_to_come_back() -> None:
    async with world() as (place, _), socket(place) as connection:
        error = (await ask(connection, "sim/429:retry-after=600"))[-1]
    assert (error["error"], error["status"], error["retry_after_s"]) == ("Throttled", 429, 600)


async def test_a_retry_is_told_of() -> None:
    more = '[retry]\nstrategy = "fixed"\nbase_s = 0.001\n'
    async with world(more) as (place, _), socket(place) as connection:
        heard = await ask(connection, "sim/503:times=1,tokens=2")
    assert heard[0]["event"] == "retrying"
    assert heard[-1]["type"] == "done"
    assert len(heard[-1]["attempts"]) == 2


async def test_what_was_stopped_keeps_its_text_and_is_remembered() -> None:
    async with world(**PACE) as (place, sim), socket(place) as connection:
        await say(connection, type="start", model=LONG, prompt="x")
        heard = [await hear(connection) for _ in range(6)]
        await say(connection, type="stop")
        await felt(sim)
        heard += await hear_until(connection, *ENDS)
        assert heard[-1]["type"] == heard[-1]["finish"] == "stopped"
        assert heard[-1]["text"] == text_of(heard)
        assert heard[-1]["text"].startswith(words(5))
        assert [entry.outcome for entry in sim.stats().client_gone] == ["gone"]
        assert (await ask(connection, "sim/echo", "again", **{"continue": True}))[-1]["text"] == "again"


async def test_a_stop_before_the_first_token_is_felt_at_once() -> None:
    async with world() as (place, sim), socket(place) as connection:
        await say(connection, type="start", id="a", model="sim/silent", prompt="x")
        await until(lambda: sim.stats().open_now)
        await say(connection, type="stop")
        await felt(sim)
        stopped = await hear(connection)
        assert (stopped["type"], stopped["id"], stopped["text"]) == ("stopped", "a", "")


async def test_the_next_turn_may_be_sent_right_after_a_stop() -> None:
    async with world(**PACE) as (place, _), socket(place) as connection:
        await say(connection, type="start", id="a", model=LONG, prompt="x")
        await hear(connection)
        await say(connection, type="stop")
        await say(connection, type="start", id="b", model="sim/tokens=2", prompt="x")
        assert (await hear_until(connection, *ENDS))[-1]["type"] == "stopped"
        done = (await hear_until(connection, *ENDS))[-1]
        assert (done["type"], done["id"]) == ("done", "b")


async def test_a_stop_of_nothing_is_no_error() -> None:
    async with world() as (place, _), socket(place) as connection:
        await say(connection, type="stop")
        await say(connection, type="ping", id="p")
        assert await hear(connection) == {"type": "pong", "id": "p"}


async def test_a_second_start_while_one_runs_is_refused_and_the_first_goes_on() -> None:
    async with world(**PACE) as (place, sim), socket(place) as connection:
        await say(connection, type="start", id="a", model="sim/tokens=20", prompt="x")
        await hear(connection)
        await say(connection, type="start", id="b", model="sim/ok", prompt="x")
        error = (await hear_until(connection, *ENDS))[-1]
        assert (error["type"], error["id"], error["error"]) == ("error", "b", "InvalidCall")
        done = (await hear_until(connection, *ENDS))[-1]
        assert (done["type"], done["id"], done["text"]) == ("done", "a", words(20))
        assert sim.stats().requests == 1


async def wait_for_a_limit(connection: ClientConnection, sim: Simulator) -> None:
    assert (await ask(connection, "sim/tokens=1"))[-1]["type"] == "done"
    await say(connection, type="start", model="sim/tokens=1", prompt="x")
    await say(connection, type="ping")
    assert (await hear(connection))["type"] == "pong"


async def before_the_first_byte(connection: ClientConnection, sim: Simulator) -> None:
    await say(connection, type="start", model="sim/silent", prompt="x")
    await until(lambda: sim.stats().open_now)


async def in_mid_stream(connection: ClientConnection, sim: Simulator) -> None:
    await say(connection, type="start", model=LONG, prompt="x")
    for _ in range(5):
        await hear(connection)


async def in_back_off(connection: ClientConnection, sim: Simulator) -> None:
    await say(connection, type="start", model="sim/503", prompt="x")
    assert (await hear(connection))["event"] == "retrying"


SLOW_RETRY = '[retry]\nstrategy = "fixed"\nbase_s = 5\n'
FEW = '[limits."sim/tokens=1"]\nrequests_per_minute = 4\n'


@pytest.mark.parametrize(
    ("phase", "more"),
    [
        (wait_for_a_limit, FEW),
        (before_the_first_byte, ""),
        (in_mid_stream, ""),
        (in_back_off, SLOW_RETRY),
    ],
)
@pytest.mark.parametrize("way", ["close", "drop"])
async def test_whoever_leaves_is_felt_by_the_provider(
    phase: Callable[[ClientConnection, Simulator], Awaitable[None]], more: str, way: str
) -> None:
    async with world(more, **PACE) as (place, sim), socket(place) as connection:
        await phase(connection, sim)
        asked = sim.stats().requests
        if way == "drop":
            connection.transport.abort()
        else:
            closing = asyncio.create_task(connection.close())
        await felt(sim)
        assert sim.stats().requests == asked
        if way == "close":
            await closing


async def test_one_who_does_not_read_and_then_leaves_is_felt_too() -> None:
    async with world() as (place, sim), socket(place, max_queue=1) as connection:
        connection.transport.pause_reading()
        await say(connection, type="start", model="sim/tokens=400000", prompt="x")
        await until(lambda: sim.stats().open_now)
        await asyncio.sleep(0.3)  # until all buffers on the way are full: nobody tells
        connection.transport.abort()
        await felt(sim)


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (b"\x00\x01", 1003),
        ("no json", 1007),
        ("[1, 2]", 1007),
        ('"start"', 1007),
        ("[" * 100_000, 1007),
        ('{"type":"start","prompt":"' + "x" * 8_000_000 + '"}', 1009),
    ],
)
async def test_what_is_no_message_is_answered_and_ends_the_socket(message: str | bytes, code: int) -> None:
    async with world() as (place, sim), socket(place) as connection:
        await connection.send(message)
        error = await hear(connection)
        assert (error["type"], error["error"], error["status"]) == ("error", "InvalidCall", 400)
        assert await close_code(connection) == code
        assert not sim.stats().requests


@pytest.mark.parametrize(
    ("message", "word"),
    [
        ({"type": "begin"}, "start, stop, ping"),
        ({}, "start, stop, ping"),
        ({"type": 7}, "type must be a string"),
        ({"type": "start", "id": 7}, "id must be a string"),
        ({"type": "start", "model": "sim/ok"}, "either messages or a prompt"),
        ({"type": "start", "prompt": "a", "messages": []}, "either messages or a prompt"),
        ({"type": "start", "prompt": 7}, "prompt must be a string"),
        ({"type": "start", "messages": "x"}, "messages must be a list"),
        ({"type": "start", "messages": []}, "nothing to answer"),
        ({"type": "start", "prompt": "x", "continue": 1}, "continue must be true or false"),
        ({"type": "start", "prompt": "x", "temperature": "hot"}, "temperature"),
        ({"type": "start", "prompt": "x", "model": "local/etc"}, "does not serve"),
        ({"type": "start", "prompt": "x", "model": "nobody/x"}, "nobody"),
    ],
)
async def test_a_message_that_cannot_be_followed_is_an_error_and_the_socket_stays(
    message: dict[str, Any], word: str
) -> None:
    async with world() as (place, sim), socket(place) as connection:
        await say(connection, **message)
        error = await hear(connection)
        assert error["type"] == "error"
        assert word in error["message"]
        assert not sim.stats().requests
        await say(connection, type="ping")
        assert (await hear(connection))["type"] == "pong"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
NEARLY = st.fixed_dictionaries(
    {"type": st.sampled_from(["start", "stop", "ping", "x"])},
    optional=dict.fromkeys(("id", "prompt", "messages", "continue", "model", "tools", "n", "stop"), JSON),
)


def test_whatever_is_sent_is_answered_or_closed_with_a_reason() -> None:
    async def send(place: str, messages: list[str | bytes]) -> None:
        async with socket(place) as connection:
            try:
                for message in messages:
                    await connection.send(message)
                await say(connection, type="ping", id="last")
                while (await hear(connection)).get("id") != "last":
                    pass
            except ConnectionClosed:
                assert connection.close_code in (1003, 1007)

    with Simulator.in_thread() as sim, serving(config(sim.base_url)) as (place, _):

        @settings(max_examples=150)
        @given(messages=st.lists(st.binary(max_size=40) | st.text(max_size=60) | NEARLY.map(json.dumps), max_size=5))
        def holds(messages: list[str | bytes]) -> None:
            asyncio.run(send(place, messages))

        holds()


async def test_a_socket_whose_protocol_is_another_is_refused() -> None:
    async with world() as (place, _):
        async with socket(place, subprotocols=["other", "tramite.chat.v1"]) as connection:
            assert connection.subprotocol == "tramite.chat.v1"
        with pytest.raises(InvalidStatus) as refused:
            async with socket(place, subprotocols=["tramite.chat.v9"]):
                pass
    assert refused.value.response.status_code == 400
    assert "tramite.chat.v1" in json.loads(refused.value.response.body)["error"]["message"]
