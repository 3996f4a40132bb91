"""One model in memory, one answer at a time, ended when nobody waits for it, and no way out of this machine."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import LlamaForCausalLM

from tests.local import tiny
from tramite import AsyncClient, Client
from tramite.errors import DeadlineExceeded
from tramite.providers.local.machine import machine

_seen: list[tuple[str, tuple[Any, ...], str]] = []


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    if event.startswith("socket.") or event == "open":
        _seen.append((event, arguments, threading.current_thread().name))


sys.addaudithook(_watch)


@pytest.fixture
def events() -> Iterator[list[tuple[str, tuple[Any, ...], str]]]:
    """What Python itself opens, files and sockets, on any thread."""
    _seen.clear()
    yield _seen
    _seen.clear()


@pytest.fixture(scope="module")
def endless(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A model with room for an answer that would take hours."""
    return f"local/{tiny.llama(tmp_path_factory.mktemp('endless') / 'llama', window=1_000_000)}"


ENDLESS = {"max_tokens": 900_000, "deadline_s": 1e6}


def opened(events: list[tuple[str, tuple[Any, ...], str]], folder: Path) -> int:
    return sum(event == "open" and str(given[0]).startswith(str(folder)) for event, given, _ in events)


async def test_a_stream_that_is_left_ends_at_its_next_token(endless: str) -> None:
    async with AsyncClient() as llm:
        for _ in range(3):
            async with llm.stream("Ciao", model=endless, **ENDLESS) as stream:
                async for _ in stream.text:
                    break
        reply = await llm.chat("Ciao", model=endless, max_tokens=3)
    assert reply.usage.output_tokens == 3


def test_a_synchronous_stream_that_is_left_ends_too(endless: str) -> None:
    with Client() as llm:
        with llm.stream("Ciao", model=endless, **ENDLESS) as stream:
            next(iter(stream.text))
        assert llm.chat("Ciao", model=endless, max_tokens=3).usage.output_tokens == 3


async def test_a_cancelled_call_ends_too_and_one_that_waits_behind_it_never_begins(endless: str) -> None:
    async with AsyncClient() as llm:
        first = asyncio.ensure_future(llm.chat("Ciao", model=endless, **ENDLESS))
        second = asyncio.ensure_future(llm.chat("Ciao", model=endless, **ENDLESS))
        while "waiting=1" not in repr(machine):
            await asyncio.sleep(0.01)
        second.cancel()
        first.cancel()
        for call in (first, second):
            with pytest.raises(asyncio.CancelledError):
                await call
        assert (await llm.chat("Ciao", model=endless, max_tokens=3)).usage.output_tokens == 3


async def test_nothing_runs_past_its_deadline(endless: str) -> None:
    async with AsyncClient() as llm:
        with pytest.raises(DeadlineExceeded):
            await llm.chat("Ciao", model=endless, max_tokens=900_000, deadline_s=0.5)
        assert (await llm.chat("Ciao", model=endless, max_tokens=3)).usage.output_tokens == 3


async def test_the_loop_goes_on_while_a_model_writes(models: Path) -> None:
    async with AsyncClient() as llm:
        call = asyncio.ensure_future(llm.chat("Ciao", model=f"local/{models}/llama", max_tokens=60))
        turns = 0
        while not call.done():
            await asyncio.sleep(0)
            turns += 1
    assert turns > 100


async def test_callers_of_one_model_share_one_loading(tmp_path: Path, events: list[Any]) -> None:
    alone, shared = tiny.llama(tmp_path / "alone"), tiny.llama(tmp_path / "shared")
    events.clear()
    async with AsyncClient() as one, AsyncClient() as other:
        await one.chat("a", model=f"local/{alone}", max_tokens=2)
        calls = [llm.chat(text, model=f"local/{shared}", max_tokens=2) for text in "abc" for llm in (one, other)]
        replies = await asyncio.gather(*calls)
    assert len(replies) == 6
    assert opened(events, shared) == opened(events, alone) > 0


async def test_there_is_one_model_in_memory(models: Path, tmp_path: Path) -> None:
    other = tiny.llama(tmp_path / "other")
    async with AsyncClient() as llm:
        for folder in (models / "llama", other, models / "llama"):
            await llm.chat("a", model=f"local/{folder}", max_tokens=2)
            assert machine.loaded is not None
            assert machine.loaded.folder == folder
        await llm.embed("a", model=f"local/{models}/bert")
    gc.collect()
    assert not [thing for thing in gc.get_objects() if type(thing) is LlamaForCausalLM]


async def test_answers_are_written_one_after_the_other(models: Path) -> None:
    model = f"local/{models}/llama"
    async with AsyncClient() as llm:
        alone = [(await llm.complete(text, model=model, max_tokens=20)).text for text in tiny.SENTENCES]
        calls = [llm.complete(text, model=model, max_tokens=20) for text in tiny.SENTENCES]
        together = [reply.text for reply in await asyncio.gather(*calls)]
    assert together == alone


async def test_nothing_opens_a_socket(models: Path, events: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even where the user has forbidden nothing: no variable such as HF_HUB_OFFLINE is set here."""
    assert not any(name.startswith("HF_") for name in os.environ)
    async with AsyncClient() as llm:
        events.clear()
        await llm.chat("Ciao", model=f"local/{models}/llama", max_tokens=4)
        await llm.embed("Ciao", model=f"local/{models}/bert")
        async with llm.stream("Ciao", model=f"local/{models}/plain", max_tokens=4) as stream:
            await stream.fill()
        await llm.models("local")
    assert [event for event, _, _ in events if event.startswith("socket.")] == []


def test_no_more_threads_than_cores_are_used(models: Path) -> None:
    with Client() as llm:
        llm.chat("a", model=f"local/{models}/llama", max_tokens=1)
    assert torch.get_num_threads() <= len(os.sched_getaffinity(0))


def test_neither_the_clients_nor_the_list_of_providers_load_what_is_heavy() -> None:
    script = (
        "import sys, tramite.cli.app, tramite.client.core as core; from tramite import AsyncClient\n"
        "config = AsyncClient().config\n"
        "for name, make in core.IN_PROCESS.items(): make(config.providers[name])\n"
        "print([name for name in ('torch', 'transformers', 'huggingface_hub', 'tokenizers', 'numpy') "
        "if name in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"


SCRIPT = """
import sys
from tramite import Client
llm = Client()
stream = llm.stream("Ciao", model=sys.argv[1], max_tokens=900_000, deadline_s=1e6)
pieces = iter(stream.text)
print(len([next(pieces) for _ in range(3)]))
{end}
"""


@pytest.mark.timeout(180)  # importing PyTorch takes long on a busy machine
@pytest.mark.parametrize("end", ["", "raise KeyboardInterrupt"])
def test_a_program_can_end_in_the_middle_of_an_answer(endless: str, tmp_path: Path, end: str) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT.format(end=end))
    run = subprocess.run([sys.executable, str(script), endless], capture_output=True, text=True, check=False)
    assert (run.stdout, run.returncode) == ("3\n", -signal.SIGINT if end else 0)
    assert run.stderr.splitlines()[-1:] == (["KeyboardInterrupt"] if end else [])


def test_a_forked_child_has_a_model_of_its_own(models: Path) -> None:
    with Client() as llm:
        expected = llm.chat("Ciao", model=f"local/{models}/llama", max_tokens=5).text
        child = os.fork()
        if child == 0:
            try:
                same = llm.chat("Ciao", model=f"local/{models}/llama", max_tokens=5).text == expected
                os._exit(0 if same else 1)
            finally:
                os._exit(2)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
