"""The response cache as a client has it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.client.world import config, in_process
from tramite import AsyncClient, IncompleteStream, InvalidCall, Metrics, Retry
from tramite.simulator import Engine, InProcess, Options
from tramite.store.opening import connect

ON = "[cache]\nenabled = true\n"


async def test_the_same_call_is_answered_once_and_costs_nothing_the_second_time() -> None:
    llm, provider = in_process(more=ON)
    first = await llm.chat("ciao", temperature=0)
    again = await llm.chat("ciao", temperature=0)
    assert provider.stats().requests == 1
    assert (first.cached, again.cached) == (False, True)
    assert (again.text, again.usage, again.target) == (first.text, first.usage, first.target)
    assert (again.cost_nanousd, again.attempts) == (0, ())


async def test_it_is_off_unless_it_was_asked_for() -> None:
    llm, provider = in_process()
    for _ in range(2):
        await llm.chat("ciao", temperature=0)
    assert provider.stats().requests == 2


async def test_a_call_may_want_it_or_not() -> None:
    llm, provider = in_process()
    await llm.chat("ciao", cache=True)
    assert (await llm.chat("ciao", cache=True)).cached
    assert not (await llm.chat("ciao", cache=False)).cached
    assert provider.stats().requests == 2
    with pytest.raises(InvalidCall, match="cache must be True or False"):
        await llm.chat("ciao", cache="yes")  # type: ignore[typeddict-item]  # what a user may do


async def test_a_stream_and_a_whole_answer_may_be_given_for_each_other() -> None:
    llm, provider = in_process()
    async with llm.stream("ciao", cache=True) as stream:
        text = "".join([piece async for piece in stream.text])
    whole = await llm.chat("ciao", cache=True)
    assert (whole.cached, whole.text) == (True, text)
    async with llm.stream("ciao", cache=True) as again:
        assert "".join([piece async for piece in again.text]) == text
    assert (again.reply.cached, again.reply.cost_nanousd, again.reply.usage) == (True, 0, stream.reply.usage)
    assert again.state == "complete"
    assert provider.stats().requests == 1


async def test_a_stream_that_was_stopped_or_broke_is_not_kept() -> None:
    llm, provider = in_process()
    async with llm.stream("ciao", model="sim/tokens=50", cache=True) as stream:
        await anext(stream.text)
    broken = llm.stream("ciao", model="sim/cut@5", cache=True, retry=Retry(attempts=1))
    with pytest.raises(IncompleteStream):
        _ = [event async for event in broken]
    asked = provider.stats().requests
    assert not (await llm.chat("ciao", model="sim/tokens=50", cache=True)).cached
    assert provider.stats().requests == asked + 1


async def test_an_earlier_answer_may_be_left_in_the_middle() -> None:
    llm, _ = in_process()
    await llm.chat("ciao", cache=True)
    async with llm.stream("ciao", cache=True, until=lambda text: True) as stream:
        async for _ in stream:
            pass
    assert (stream.reply.finish, stream.reply.cached, stream.reply.cost_nanousd) == ("stopped", True, 0)


async def test_one_key_s_answers_are_not_given_to_another() -> None:
    llm, _ = in_process()
    await llm.chat("ciao", cache=True, key="mine")
    assert not (await llm.chat("ciao", cache=True, key="yours")).cached
    assert (await llm.chat("ciao", cache=True, key="mine")).cached


async def test_vectors_are_kept_too() -> None:
    llm, provider = in_process(more=ON)
    first = await llm.embed(["ciao", "salve"])
    again = await llm.embed(["ciao", "salve"])
    assert again.vectors == first.vectors
    assert again.cached
    assert provider.stats().requests == 1


async def test_what_is_put_in_place_of_an_answer_is_not_kept() -> None:
    llm, _ = in_process()
    instead = Retry(attempts=1, on_give_up=lambda state: "in its place")
    for _ in range(2):
        reply = await llm.chat("ciao", model="sim/503", cache=True, retry=instead)
        assert (reply.text, reply.cached) == ("in its place", False)


async def test_with_a_store_the_answers_outlive_the_client(tmp_path: Path) -> None:
    store = f'[store]\nurl = "sqlite:///{tmp_path}/answers.sqlite"\n'
    provider, metrics = InProcess(Engine(Options())), Metrics()

    def client() -> AsyncClient:
        return AsyncClient(config(more=ON + store), transport=provider, observers=[metrics])

    async with client() as llm:
        await llm.chat("ciao", temperature=0)
    async with client() as llm:
        reply: Any = await llm.chat("ciao", temperature=0)
    assert reply.cached
    labels = {"provider": "sim", "model": "ok", "kind": "chat", "outcome": "cached"}
    assert metrics.registry.get_sample_value("tramite_requests_total", labels) == 1


async def test_an_answer_that_is_not_found_soon_is_asked_for_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tramite.client.answers.LOOK_S", 0.01)
    url = f"sqlite:///{tmp_path}/answers.sqlite"
    llm, provider = in_process(more=f'[store]\nurl = "{url}"\n')
    somebody_else = connect(url)
    somebody_else.begin()
    try:
        async with asyncio.timeout(2):
            for question in ("one", "two"):  # what is kept of the first is in the second's way
                await llm.chat(question, cache=True)
    finally:
        somebody_else.rollback()
        somebody_else.close()
    assert provider.stats().requests == 2
    await llm.aclose()
