from __future__ import annotations

import asyncio
import multiprocessing
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from tramite.errors import ConfigError
from tramite.store import responses as module
from tramite.store.opening import sqlite_url
from tramite.store.responses import ResponseCache

HOUR_S = 3600.0


class Clock:
    """Nanoseconds that pass when they are told to."""

    def __init__(self) -> None:
        self.now_ns = 1_790_000_000 * 10**9

    def __call__(self) -> int:
        return self.now_ns

    def advance(self, seconds: float) -> None:
        self.now_ns += int(seconds * 1e9)


def stored(path: Path) -> dict[str, bytes]:
    with sqlite3.connect(path) as connection:
        found = dict(connection.execute("SELECT key, reply FROM responses"))
    connection.close()
    return found


def rename(path: Path, old: str, new: str) -> None:
    """What breaks the store, and mends it."""
    with sqlite3.connect(path) as connection:
        connection.execute(f"ALTER TABLE {old} RENAME TO {new}")
    connection.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.sqlite"


async def test_what_was_put_is_found_here_and_by_whoever_opens_the_store_later(path: Path) -> None:
    one = ResponseCache(sqlite_url(path), HOUR_S)
    one.put("a", b"answer")
    assert await one.get("a") == b"answer"
    assert await one.get("b") is None
    await one.aclose()
    other = ResponseCache(sqlite_url(path), HOUR_S)
    assert await other.get("a") == b"answer"
    await other.aclose()


async def test_two_that_are_open_see_each_other_s(path: Path) -> None:
    one, other = ResponseCache(sqlite_url(path), HOUR_S), ResponseCache(sqlite_url(path), HOUR_S)
    one.put("a", b"answer")
    await one.aclose()
    assert await other.get("a") == b"answer"
    await other.aclose()


async def test_an_answer_ends_with_its_time_in_memory_and_in_the_store(path: Path) -> None:
    clock = Clock()
    one = ResponseCache(sqlite_url(path), 60, clock)
    one.put("a", b"answer")
    clock.advance(59)
    assert await one.get("a") == b"answer"
    clock.advance(1)
    assert await one.get("a") is None
    await one.aclose()
    fresh = ResponseCache(sqlite_url(path), 60, clock)
    assert await fresh.get("a") is None
    await fresh.aclose()


async def test_the_newest_answer_to_a_call_counts(path: Path) -> None:
    cache = ResponseCache(sqlite_url(path), HOUR_S)
    cache.put("a", b"old")
    cache.put("a", b"new")
    assert await cache.get("a") == b"new"
    await cache.aclose()
    assert stored(path) == {"a": b"new"}


def test_without_a_store_it_keeps_answers_in_memory_and_writes_nothing(tmp_path: Path) -> None:
    cache = ResponseCache("", HOUR_S)
    cache.put("a", b"answer")
    assert asyncio.run(cache.get("a")) == b"answer"
    cache.close()
    assert not list(tmp_path.iterdir())


async def test_memory_is_bounded_and_the_least_used_make_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "IN_MEMORY_BYTES", 30)
    cache = ResponseCache("", HOUR_S)
    for key in ("a", "b", "c"):
        cache.put(key, b"x" * 10)
    assert await cache.get("a") is not None
    cache.put("d", b"x" * 10)
    assert [key for key in "abcd" if await cache.get(key)] == ["a", "c", "d"]
    cache.put("huge", b"x" * 31)
    assert repr(cache) == "<ResponseCache: 0 in memory>"


async def test_the_store_is_swept_of_what_has_ended_and_of_what_is_too_much(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SWEEP_EVERY", 5)
    monkeypatch.setattr(module, "ON_DISK_BYTES", 35)
    clock = Clock()
    cache = ResponseCache(sqlite_url(path), 60, clock)
    cache.put("gone", b"x" * 10)
    clock.advance(61)
    for key in "abcde":
        clock.advance(1)
        cache.put(key, b"x" * 10)
    await cache.aclose()
    assert sorted(stored(path)) == ["c", "d", "e"]


async def test_writes_that_pile_up_stay_in_memory(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_WRITES", 0)
    cache = ResponseCache(sqlite_url(path), HOUR_S)
    cache.put("a", b"answer")
    assert await cache.get("a") == b"answer"
    await cache.aclose()
    assert stored(path) == {}


async def test_a_database_that_fails_is_logged_and_left_alone_for_a_while(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cache = ResponseCache(sqlite_url(path), HOUR_S)
    rename(path, "responses", "elsewhere")
    assert await cache.get("a") is None
    assert await cache.get("a") is None
    assert len(caplog.messages) == 1
    assert "the response cache is left alone for 10 s: no such table" in caplog.messages[0]
    await cache.aclose()


async def test_after_that_it_is_asked_again(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RETRY_S", 0.0)
    cache = ResponseCache(sqlite_url(path), HOUR_S)
    rename(path, "responses", "elsewhere")
    assert await cache.get("a") is None
    rename(path, "elsewhere", "responses")
    cache.put("a", b"answer")
    await cache.aclose()
    assert stored(path) == {"a": b"answer"}


def test_an_address_that_is_none_is_an_error_at_once() -> None:
    with pytest.raises(ConfigError, match="expected sqlite:///PATH"):
        ResponseCache("mysql://somewhere", HOUR_S)


def test_it_serves_one_event_loop_after_another_also_when_it_was_closed_in_between(path: Path) -> None:
    cache = ResponseCache(sqlite_url(path), HOUR_S)

    async def keep(key: str) -> None:
        cache.put(key, b"answer")
        await cache.aclose()

    asyncio.run(keep("a"))
    asyncio.run(keep("b"))
    assert sorted(stored(path)) == ["a", "b"]
    cache.close()


def _in_the_child(cache: ResponseCache) -> None:
    cache.put("child", asyncio.run(cache.get("parent")) or b"")
    cache.close()


def test_a_forked_child_has_a_connection_of_its_own(path: Path) -> None:
    program = f"""
import tests.store.test_responses as here
from tramite.store.responses import ResponseCache
cache = ResponseCache({sqlite_url(path)!r}, 3600)
cache.put("parent", b"answer")
child = here.multiprocessing.get_context("fork").Process(target=here._in_the_child, args=(cache,))
child.start()
child.join()
cache.close()
raise SystemExit(child.exitcode)
"""
    root = Path(__file__).parents[2]
    run = subprocess.run([sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert stored(path) == {"parent": b"answer", "child": b"answer"}
    assert multiprocessing.active_children() == []


def test_what_is_due_is_written_before_the_interpreter_exits(path: Path) -> None:
    program = f"""
from tramite.store.responses import ResponseCache
cache = ResponseCache({sqlite_url(path)!r}, 3600)
for number in range(20):
    cache.put(str(number), b"answer")
"""
    subprocess.run([sys.executable, "-c", program], check=True)
    assert len(stored(path)) == 20
