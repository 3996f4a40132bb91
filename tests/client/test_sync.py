from __future__ import annotations

import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.client.world import QUICK, config, words
from tramite import Client, Overloaded, Retry, TextDelta
from tramite.simulator import Simulator


def run(program: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """A program of its own, with every warning an error."""
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        capture_output=True,
        text=True,
        timeout=50,
        env={**os.environ, **environ},
        check=False,
    )


def test_it_does_what_the_asynchronous_one_does() -> None:
    with Simulator.in_thread() as sim, Client(config(sim.base_url), retry=QUICK) as llm:
        assert llm.chat("x", model="sim/tokens=3").text == words(3)
        with llm.stream("x", model="sim/tokens=3") as stream:
            assert "".join(stream.text) == words(3)
        assert stream.reply.usage.output_tokens == 3
        assert list(llm.stream("x", model="sim/tokens=2").snapshots) == [words(1), words(2)]
        assert "".join(llm.stream_complete("x", model="sim/tokens=3").text) == words(3)
        assert llm.complete("x", model="sim/tokens=3").text == words(3)
        assert len(llm.embed(["a", "b"])) == 2
        assert llm.models("sim")
        assert sorted(position for position, _ in llm.map(["a"] * 5, concurrency=2)) == [0, 1, 2, 3, 4]
        chat = llm.conversation(model="sim/echo")
        assert chat.say("uno").text == "uno"
        with chat.stream("due") as stream:
            assert "".join(stream.text) == "due"
        assert len(chat.messages) == 4
        with pytest.raises(Overloaded):
            llm.chat("x", model="sim/500")


def test_many_threads_share_one_client() -> None:
    with (
        Simulator.in_thread() as sim,
        Client(config(sim.base_url)) as llm,
        ThreadPoolExecutor(16) as threads,
    ):
        texts = threads.map(lambda number: llm.chat(f"n {number}", model="sim/echo").text, range(64))
        assert list(texts) == [f"n {number}" for number in range(64)]


def test_a_stream_left_early_or_closed_from_another_thread_is_felt_by_the_provider() -> None:
    with Simulator.in_thread(token_interval_s=0.005) as sim, Client(config(sim.base_url)) as llm:
        for event in llm.stream("x", model="sim/tokens=1000"):
            if isinstance(event, TextDelta):
                break
        with llm.stream("x", model="sim/tokens=1000") as stream:
            next(stream.text)
        stuck = llm.stream("x", model="sim/silent")
        reader = threading.Thread(target=lambda: list(stuck))
        reader.start()
        while sim.stats().requests < 3:
            pass
        stuck.close()
        reader.join()
        assert stuck.reply.finish == "stopped"
        while sim.stats().streams.gone < 3:
            pass


def test_a_user_s_functions_never_run_on_the_client_s_thread() -> None:
    threads = set()

    def note(*_: object) -> bool:
        threads.add(threading.current_thread().name)
        return False

    def tool(city: str) -> str:
        note()
        return city

    with Simulator.in_thread() as sim, Client(config(sim.base_url)) as llm:
        llm.chat("x", model="sim/tools", tools=[tool], retry=Retry(if_reply=note))
        llm.chat("x", model="sim/500:times=1", retry=Retry(base_s=0, before_sleep=note))
        with llm.stream("x", model="sim/ok", until=note) as stream:
            "".join(stream.text)
    assert threads
    assert "tramite" not in threads


def test_a_client_may_be_used_again_after_its_end() -> None:
    with Simulator.in_thread() as sim:
        llm = Client(config(sim.base_url))
        for _ in range(2):
            assert llm.chat("x", model="sim/tokens=2").text == words(2)
            llm.close()
            llm.close()
    assert "tramite" not in {thread.name for thread in threading.enumerate()}


FORGETFUL = """
import asyncio, os
from tramite import AsyncClient, Client
llm = Client(os.environ["FILE"])
assert llm.chat("x", model="sim/tokens=2").text
stream = llm.stream("x", model="sim/ok")
next(stream)
async def main(client):
    assert (await client.chat("x", model="sim/tokens=2")).text
    async for text in client.stream("x", model="sim/ok").text:
        break
shared = AsyncClient(os.environ["FILE"])
asyncio.run(main(shared))
asyncio.run(main(shared))
print("done")
"""

FORKED = """
import os
from tramite import Client
llm = Client(os.environ["FILE"])
assert llm.chat("x", model="sim/tokens=2").text
child = os.fork()
if not child:
    assert llm.chat("x", model="sim/tokens=2").text
    raise SystemExit
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
assert llm.chat("x", model="sim/tokens=2").text
print("done")
"""

INTERRUPTED = """
import os, signal, threading
from tramite import Client
llm = Client(os.environ["FILE"])
with llm.stream("x", model="sim/stall@2") as stream:
    try:
        for text in stream.text:
            if text.strip() == "token-2":
                threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT)).start()
    except KeyboardInterrupt:
        print(stream.reply.text, stream.reply.finish)
"""


@pytest.mark.parametrize(
    ("program", "says"),
    [(FORGETFUL, "done\n"), (FORKED, "done\n"), (INTERRUPTED, "token-1 token-2 stopped\n")],
)
def test_a_program_ends_without_a_warning_and_a_thread(program: str, says: str) -> None:
    with Simulator.in_thread(token_interval_s=0.001) as sim:
        config(sim.base_url)
        done = run(program, FILE="world.toml")
        assert (done.stdout, done.stderr, done.returncode) == (says, "", 0)
        while sim.stats().open_now:
            pass
