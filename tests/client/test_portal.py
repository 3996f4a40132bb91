"""The synchronous client's thread: whoever closes it, drops it, interrupts it or calls from it."""

from __future__ import annotations

import asyncio
import gc
import sqlite3
import threading
import weakref
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from tests.client.test_sync import run
from tests.client.world import QUICK, config, words
from tramite import Client, ConnectionBroken, TramiteError
from tramite.client.portal import Portal
from tramite.simulator import Engine, InProcess, Options, Simulator


def client(**options: Any) -> tuple[Client, InProcess]:
    provider = InProcess(Engine(Options(**options)))
    return Client(config(), retry=QUICK, transport=provider), provider


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name == "tramite"]


def test_a_client_that_nobody_has_any_more_takes_its_thread_with_it() -> None:
    for _ in range(3):
        llm, _ = client()
        llm.chat("x", model="sim/tokens=1")
        gone = weakref.ref(llm)
        del llm
        gc.collect()
        assert gone() is None
    for thread in threading.enumerate():
        if thread.name == "tramite":
            thread.join(10)
    assert not threads()


def test_a_stream_alone_keeps_its_thread() -> None:
    stream = client()[0].stream("x", model="sim/tokens=5")
    gc.collect()
    assert "".join(stream.text) == words(5)


def test_a_call_under_way_in_a_closed_client_ends_with_an_error_of_ours() -> None:
    llm, provider = client()
    ended: list[TramiteError] = []

    def ask() -> None:
        with pytest.raises(ConnectionBroken, match="client was closed") as caught:
            llm.chat("x", model="sim/silent")
        ended.append(caught.value)

    asking = threading.Thread(target=ask)
    asking.start()
    while not provider.stats().open_now:
        pass
    llm.close()
    asking.join(10)
    assert len(ended) == 1


def test_no_call_is_lost_between_a_loop_s_end_and_the_next_one_s_start() -> None:
    portal = Portal()
    over = threading.Event()
    answers: list[int] = []

    async def answer() -> int:
        await asyncio.sleep(0)
        return 1

    def ask() -> None:
        while not over.is_set():
            try:
                answers.append(portal.call(answer()))
            except ConnectionBroken:
                answers.append(0)

    asking = [threading.Thread(target=ask, daemon=True) for _ in range(4)]
    for thread in asking:
        thread.start()
    for _ in range(60):
        asked = len(answers)
        while len(answers) < asked + 4:
            pass
        portal.close()
    over.set()
    for thread in asking:
        thread.join(10)
        assert not thread.is_alive()
    portal.close()
    assert 1 in answers


def test_a_client_called_on_its_own_loop_says_so_instead_of_waiting_for_ever(caplog: pytest.LogCaptureFixture) -> None:
    llm, _ = client()

    async def tool(city: str) -> str:
        return llm.chat("x", model="sim/ok").text

    reply = llm.chat("x", model="sim/tools", tools=[tool])
    assert "use AsyncClient" in reply.text
    assert "own event loop" in caplog.text
    llm.close()


def test_a_client_may_be_called_from_a_tool_of_its_own_however_deep() -> None:
    llm, _ = client()

    def tool(city: str) -> str:
        nonlocal left
        left -= 1
        return llm.chat("x", model="sim/tools", tools=[tool]).text if left else "deep"

    left = 40
    assert "deep" in llm.chat("x", model="sim/tools", tools=[tool]).text
    llm.close()


async def test_a_client_works_where_a_loop_runs_already() -> None:
    llm, _ = client()
    assert llm.chat("x", model="sim/tokens=2").text == words(2)
    with llm.stream("x", model="sim/tokens=2") as stream:
        assert "".join(stream.text) == words(2)
    llm.close()


def test_the_items_of_map_are_taken_in_the_caller_s_thread() -> None:
    llm, _ = client()
    rows = sqlite3.connect(":memory:")
    rows.execute("create table prompts (text)")
    rows.executemany("insert into prompts values (?)", [(f"n {number}",) for number in range(40)])
    prompts = (text for (text,) in rows.execute("select text from prompts"))
    got = dict(llm.map(prompts, concurrency=4, model="sim/echo"))
    assert [got[number].text for number in range(40)] == [f"n {number}" for number in range(40)]  # type: ignore[union-attr]

    def asks_itself() -> Iterator[str]:
        yield llm.chat("one", model="sim/echo").text
        yield llm.chat("two", model="sim/echo").text

    assert {reply.text for _, reply in llm.map(asks_itself(), model="sim/echo")} == {"one", "two"}  # type: ignore[union-attr]
    llm.close()


def test_who_is_told_of_a_stream_s_end_is_told_once_and_in_the_reader_s_thread() -> None:
    llm, _ = client()
    told: list[tuple[str, str]] = []
    for model, close in (("tokens=2", False), ("tokens=500", True), ("cut@2", False)):
        stream = llm.stream("x", model=f"sim/{model}")
        stream.on_end(lambda reply: told.append((reply.finish, threading.current_thread().name)))
        with suppress(TramiteError):
            for _ in stream.text:
                if close:
                    break
        stream.close()
        stream.close()
    assert told == [("stop", "MainThread"), ("stopped", "MainThread")]
    llm.close()


def test_map_left_early_ends_what_is_under_way() -> None:
    llm, provider = client()
    results = llm.map(["sim"] * 5, model="sim/stall@1", concurrency=3, stall_s=0.01)
    next(results)
    results.close()  # type: ignore[attr-defined]  # it is a generator
    assert provider.stats().open_now == 0
    llm.close()


MAPPED = """
import os, signal, threading
from tramite import Client
llm = Client(os.environ["FILE"])
results = llm.map(["x"] * 20, model="sim/silent")
threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
try:
    next(results)
except KeyboardInterrupt:
    print("interrupted")
print(llm.chat("x", model="sim/tokens=1").text)
"""

EXITING = """
import os
from tramite import Client
llm = Client(os.environ["FILE"])
async def tool(city: str) -> str:
    raise SystemExit(3)
try:
    llm.chat("x", model="sim/tools", tools=[tool])
except SystemExit as exit:
    print("exit", exit.code)
print(llm.chat("x", model="sim/tokens=1").text)
"""

STUCK = """
import os, threading
from tramite import Client
llm = Client(os.environ["FILE"])
def tool(city: str) -> str:
    threading.Event().wait()
try:
    llm.chat("x", model="sim/tools", tools=[tool], deadline_s=0.5)
except TimeoutError as error:
    print(error)
"""


@pytest.mark.parametrize(
    ("program", "says"),
    [
        (MAPPED, "interrupted\ntoken-1\n"),
        (EXITING, "exit 3\ntoken-1\n"),
        (STUCK, "deadline_s (0.5 s) is over: calling the tools\n"),
    ],
)
def test_a_program_goes_on_or_ends_whatever_its_functions_do(program: str, says: str) -> None:
    with Simulator.in_thread() as sim:
        config(sim.base_url)
        done = run(program, FILE="world.toml")
        assert (done.stdout, done.stderr, done.returncode) == (says, "", 0)
