"""The store on Postgres: all that it promises on SQLite, and what only a server can do to it."""

from __future__ import annotations

import asyncio
import random
import threading
from pathlib import Path

import psycopg
import pytest

from bench import chaos
from tests.store.test_holds import *  # noqa: F403  # each of them once more, on the `url` below
from tests.store.test_processes import FORKED, run
from tests.store.world import Clock, budget, check_sums, entry, opened, select, spent_and_held, state
from tramite.errors import BudgetExceeded, ConfigError
from tramite.store import open_store
from tramite.store.rows import COLUMNS
from tramite.store.schema import MIGRATIONS

CAPS = budget(day=100)


@pytest.fixture
def url(postgres: str) -> str:
    return postgres


def test_the_table_has_the_columns_of_an_entry(url: str) -> None:
    open_store(url).close()
    found = select(url, "SELECT column_name FROM information_schema.columns WHERE table_name = 'attempts'")
    assert {name for (name,) in found} == {"seq", *COLUMNS}


def test_several_that_open_a_new_store_at_once_make_it_once(url: str) -> None:
    threads = [threading.Thread(target=lambda: open_store(url).close()) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert select(url, "SELECT version FROM schema_version") == [(len(MIGRATIONS),)]


def test_a_store_of_a_newer_version_is_refused(url: str) -> None:
    open_store(url).close()
    select(url, "UPDATE schema_version SET version = 99")
    with pytest.raises(ConfigError, match="has version 99, made by a newer tramite"):
        open_store(url)


def test_a_database_that_is_not_there_is_named(url: str) -> None:
    with pytest.raises(ConfigError, match=r'cannot open the store at postgresql://.*: .*"nowhere" does not exist'):
        open_store(url.rpartition("/")[0] + "/nowhere")


async def test_a_server_that_ends_the_connection_loses_nothing(url: str) -> None:
    with opened(url) as store:
        await store.place(entry("a"), 70, [CAPS], 60)
        end_all_connections(url)
        store.settle(entry("a", cost_nanousd=20))
        await store.place(entry("b"), 30, [CAPS], 60)
        assert state(url, "a") == ("settled", 70, 20, False)
        assert spent_and_held(store, CAPS) == [(20, 30)]


async def test_connections_that_end_all_the_time_lose_nothing_and_charge_nothing_twice(url: str) -> None:
    done, caps = threading.Event(), budget(day=1000)

    def keep_ending() -> None:
        chance = random.Random(7)
        while not done.wait(chance.uniform(0.01, 0.05)):  # anywhere in a transaction, now and then after one
            end_all_connections(url)

    ending = threading.Thread(target=keep_ending)
    with opened(url) as store:

        async def spend() -> None:
            for _ in range(50):
                attempt = entry()
                await store.place(attempt, 1, [caps], 600)
                store.settle(entry(attempt.id, cost_nanousd=1))

        ending.start()
        try:
            await asyncio.gather(*(spend() for _ in range(20)))
        finally:
            done.set()
            ending.join()
        await store.flush()
        assert spent_and_held(store, caps) == [(1000, 0)]
        check_sums(url)


def test_budgets_hold_while_processes_are_killed(url: str, tmp_path: Path) -> None:
    assert chaos.run(url, tmp_path, kills=20).endswith("all hold")


def test_a_forked_child_leaves_its_parents_connection_alone(url: str) -> None:
    ended = run(url, FORKED)
    assert (ended.returncode, ended.stderr) == (0, "")
    with opened(url) as store:
        assert spent_and_held(store, CAPS) == [(30, 0)]
    check_sums(url)


async def test_stores_of_several_machines_share_a_budget(url: str) -> None:
    """Their own clocks do not count: the server's does."""
    with opened(url) as one, opened(url) as other:

        async def spend(number: int) -> bool:
            try:
                await (one if number % 2 else other).place(entry(), 10, [budget(total=105)], 60)
            except BudgetExceeded:
                return False
            return True

        assert sum(await asyncio.gather(*(spend(number) for number in range(40)))) == 10


async def test_the_servers_clock_tells_when_a_lease_has_run_out(url: str) -> None:
    clock = Clock()
    with opened(url, clock) as store:
        await store.place(entry("a"), 70, [CAPS], 60)
    select(url, "UPDATE attempts SET lease_expires_ns = (extract(epoch FROM clock_timestamp()) * 1e9)::bigint")
    with opened(url):
        assert state(url, "a") == ("charged", 70, 70, True)


def end_all_connections(url: str) -> None:
    """But this one."""
    with psycopg.connect(url, autocommit=True) as server:
        server.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
