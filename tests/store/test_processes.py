"""A store in programs that end, fork or are killed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.store.world import budget, check_sums, entry, opened, select, spent_and_held

ROOT = Path(__file__).parents[2]
BEGIN = """
import asyncio, os, signal, sys
from tests.store.world import budget, entry
from tramite.store import open_store
url = sys.argv[1]
store = open_store(url)
"""

FORKED = """
import warnings
warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 warns of forks beside threads
def spend(name):
    asyncio.run(store.place(entry(name), 10, [budget(day=100)], 60))
    store.settle(entry(name, cost_nanousd=10))
    store.record(entry(name + " recorded"))
spend("before")
child = os.fork()
spend("child" if child == 0 else "parent")
store.close()
if child: sys.exit(os.waitpid(child, 0)[1])
"""


def run(url: str, script: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", BEGIN + script, url]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=40, check=False)


@pytest.mark.parametrize("end", ["", "raise SystemExit(0)", "del store", "store.close()"])
def test_what_is_queued_is_written_when_a_program_ends(url: str, end: str) -> None:
    ended = run(url, f"for number in range(2000): store.record(entry(str(number)))\n{end}")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert select(url, "SELECT count(*) FROM attempts") == [(2000,)]


def test_a_client_that_is_closed_at_the_very_end_still_settles(url: str) -> None:
    """The functions of `atexit` run in an order that nobody chose."""
    script = """
import atexit
asyncio.run(store.place(entry("a"), 70, [budget(day=100)], 60))
store.close()
atexit.register(store.settle, entry("a", cost_nanousd=20))
"""
    ended = run(url, script)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert select(url, "SELECT state, cost_nanousd FROM attempts") == [("settled", 20)]


def test_an_entry_that_comes_when_no_thread_can_begin_any_more_is_written(url: str) -> None:
    ended = run(url, "import atexit; atexit.register(store.record, entry('a'))")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert select(url, "SELECT id FROM attempts") == [("a",)]


def test_a_hold_that_was_placed_outlives_a_kill(url: str) -> None:
    script = """
asyncio.run(store.place(entry("a"), 70, [budget(day=100)], 600))
os.kill(os.getpid(), signal.SIGKILL)
"""
    assert run(url, script).returncode == -9
    with opened(url) as store:
        assert spent_and_held(store, budget(day=100)) == [(0, 70)]


def test_a_forked_child_writes_on_a_connection_of_its_own(url: str) -> None:
    ended = run(url, FORKED)
    assert (ended.returncode, ended.stderr) == (0, "")
    names = {f"{who}{what}" for who in ("before", "child", "parent") for what in ("", " recorded")}
    assert {name for (name,) in select(url, "SELECT id FROM attempts")} == names
    with opened(url) as store:
        assert spent_and_held(store, budget(day=100)) == [(30, 0)]
    check_sums(url)


async def test_looking_at_the_budgets_lets_go_of_no_lock_that_the_writer_has(url: str) -> None:
    """Else another process that closes the store takes itself for the last, and removes the log that is written to."""
    with opened(url) as store:
        await store.place(entry("a"), 10, [budget(day=100)], 60)
        assert spent_and_held(store, budget(day=100)) == [(0, 10)]
        ended = run(url, "store.record(entry('b')); store.close()")
        assert (ended.returncode, ended.stderr) == (0, "")
        store.record(entry("c"))
        await store.flush()
        count = "from tests.store.world import select; print(select(url, 'SELECT count(*) FROM attempts'))"
        assert run(url, count).stdout == "[(3,)]\n"
