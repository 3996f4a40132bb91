"""What is given to a store gets to its disk: past other writers, callers that leave, a queue that is full."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from threading import Thread

import pytest

from tests.store.world import NOON_NS, Clock, budget, check_sums, entry, opened, select, spent_and_held, state
from tramite.errors import StoreFailed
from tramite.store import Store, Texts, open_store
from tramite.store.opening import connect
from tramite.store.transaction import Record
from tramite.store.writer import Job

CAPS = budget(day=100)


@asynccontextmanager
async def somebody_else_writing(url: str) -> AsyncIterator[None]:
    """Another connection has the lock."""
    other = connect(url)
    try:
        other.begin()
        yield
    finally:
        other.rollback()
        other.close()


async def turns() -> None:
    """Let whoever is ready on this loop go as far as they can."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_a_lock_of_somebody_else_delays_and_loses_nothing(url: str) -> None:
    with opened(url) as store:
        async with somebody_else_writing(url):
            placing = asyncio.create_task(store.place(entry("a"), 70, [CAPS], 60))
            store.record(entry("b"))
            await turns()
            assert not placing.done()
        await placing
        await store.flush()
        assert select(url, "SELECT id FROM attempts ORDER BY id") == [("a",), ("b",)]


async def test_a_lock_that_is_held_for_longer_than_one_try_is_waited_for(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tramite.store.sqlite.BUSY_S", 0.0)
    monkeypatch.setattr("tramite.store.writer.LONGEST_PAUSE_S", 0.01)
    with opened(url) as store:
        async with somebody_else_writing(url):
            store.record(entry("a"))
            while store.waiting:
                await asyncio.sleep(0)
        await store.flush()
        assert state(url, "a") is not None


async def test_a_caller_that_leaves_while_it_waits_leaves_no_hold_behind(url: str) -> None:
    with opened(url) as store:
        async with somebody_else_writing(url):
            placing = asyncio.create_task(store.place(entry("a"), 70, [CAPS], 60))
            await turns()
            placing.cancel()
            await turns()
            assert placing.cancelled()
        await store.flush()
        assert spent_and_held(store, CAPS) == [(0, 0)]


async def test_a_caller_that_leaves_just_when_its_hold_is_on_disk_leaves_none_behind(url: str) -> None:
    store = open_store(url)
    placing = asyncio.create_task(store.place(entry("a"), 70, [CAPS], 60))
    await asyncio.sleep(0)
    store.close()  # which blocks this loop until it is written: the answer is on its way
    assert state(url, "a") == ("sent", 70, None, False)
    placing.cancel()
    await turns()
    assert placing.cancelled()
    assert state(url, "a") == ("released", 70, 0, False)


async def test_what_is_settled_after_the_store_was_closed_is_written_all_the_same(url: str) -> None:
    store = open_store(url)
    await store.place(entry("a"), 70, [CAPS], 60)
    store.close()
    store.close()
    store.settle(entry("a", cost_nanousd=20))
    assert state(url, "a") == ("settled", 70, 20, False)
    with pytest.raises(StoreFailed, match="it is closed"):
        await store.place(entry("b"), 1, [CAPS], 60)


async def test_a_full_queue_refuses_holds_and_records_but_settles_what_was_held(
    url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("tramite.store.writer.MAX_WAITING", 2)
    with opened(url, Clock()) as store:
        await store.place(entry("a"), 70, [CAPS], 60)
        async with somebody_else_writing(url):
            store.record(entry("being written"))
            while store.waiting:
                await asyncio.sleep(0)
            store.record(entry("b"))
            store.record(entry("c"))
            with pytest.raises(StoreFailed, match="2 writes wait for it"):
                await store.place(entry("d"), 1, [CAPS], 60)
            store.record(entry("e"))
            store.settle(entry("a", cost_nanousd=20))
        await store.flush()
        assert select(url, "SELECT id FROM attempts ORDER BY seq") == [("a",), ("being written",), ("b",), ("c",)]
        assert state(url, "a") == ("settled", 70, 20, False)
        assert store.dropped == 1
    assert "entries of the ledger lost so far: 1" in caplog.text


async def test_texts_are_left_out_before_they_fill_the_memory(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tramite.store.store.MAX_TEXTS_WAITING", 1)
    with opened(url) as store:
        async with somebody_else_writing(url):
            store.record(entry("being written"), Texts("1"))
            while store.waiting:
                await asyncio.sleep(0)
            store.record(entry("b"), Texts("2"))
            store.record(entry("c"), Texts("3"))
        await store.flush()
        assert select(url, "SELECT prompt FROM texts ORDER BY seq") == [("1",), ("2",)]


async def test_the_log_is_worked_into_the_file_while_writing_goes_on(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tramite.store.sqlite.CHECKPOINT_CHANGES", 20)
    log, beginnings = tmp_path / "ledger.sqlite-wal", set()
    with opened(url) as store:
        while len(beginnings) < 3:
            store.record(entry())
            await store.flush()
            beginnings.add(log.read_bytes()[12:16])  # how often it has begun anew (SQLite's file format, 4.1)
        assert log.stat().st_size < 20_000_000


async def test_other_tables_are_written_in_the_same_order(url: str) -> None:
    with opened(url) as store:
        store.write("CREATE TABLE other (name TEXT)", [()])
        store.write("INSERT INTO other VALUES (?)", [("a",), ("b",)])
        store.write("DELETE FROM other WHERE name = ?", [("a",)])
        await store.flush()
        assert select(url, "SELECT name FROM other") == [("b",)]


def test_one_store_serves_one_event_loop_after_another(url: str) -> None:
    with opened(url) as store:
        for _ in range(3):
            asyncio.run(store.place(entry(), 20, [CAPS], 60))
        assert spent_and_held(store, CAPS) == [(0, 60)]
        check_sums(url)


async def test_a_loop_that_writes_touches_no_other_one(url: str) -> None:
    other = asyncio.new_event_loop()
    other.set_debug(True)  # so that it tells whoever uses it from another thread
    thread = Thread(target=other.run_forever)
    thread.start()
    meanwhile: list[str] = []

    async def record(store: Store) -> None:
        store.record(entry("b"))

    def clock() -> int:
        if meanwhile:
            asyncio.run_coroutine_threadsafe(record(store), other).result()
            meanwhile.clear()
        return NOON_NS

    wrong: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: wrong.append(context))
    store = open_store(url, clock)
    meanwhile.append("another loop records")
    await store.place(entry("a"), 20, [CAPS], 60)
    await store.flush()
    store.close()
    other.call_soon_threadsafe(other.stop)
    thread.join()
    other.close()
    assert wrong == []
    assert select(url, "SELECT id FROM attempts ORDER BY id") == [("a",), ("b",)]


async def test_what_a_loop_cannot_write_is_not_lost_when_the_store_is_closed_meanwhile(url: str) -> None:
    closing: list[Thread] = []

    def clock() -> int:
        if threading.current_thread() is threading.main_thread() and not closing:
            closing.append(Thread(target=store.close))
            closing[0].start()
            while store._writer._closing_s is None:
                pass
            raise ArithmeticError("no time here")
        return NOON_NS

    with opened(url):
        pass
    store = Store(url, clock)
    await store.place(entry("a"), 20, [CAPS], 60)
    closing[0].join()
    assert state(url, "a") == ("sent", 20, None, False)


async def test_a_store_that_nobody_has_any_more_ends_while_its_loop_is_writing(url: str) -> None:
    def clock() -> int:
        gc.collect()
        return NOON_NS

    store = open_store(url, clock)
    store.itself = store  # type: ignore[attr-defined]  # only the garbage collector ends it now
    writer, written = store._writer, asyncio.get_running_loop().create_future()
    del store
    writer.put(Job(Record(entry("a")), written))
    await written
    assert state(url, "a") == ("recorded", None, None, False)
    writer.close()
