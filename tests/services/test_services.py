"""The servers themselves: each test finds them empty, and nothing of them is left behind."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from redis import Redis, RedisError

from tests.cli.world import eventually

TELL = """
import os, sys
print(os.environ["TRAMITE_TEST_POSTGRES"], os.environ["TRAMITE_TEST_REDIS"], flush=True)
sys.stdin.read()
sys.exit(3)
"""
COMMAND = [sys.executable, str(Path(__file__).parents[2] / "scripts" / "services.py"), sys.executable, "-c", TELL]


@pytest.mark.parametrize("turn", [1, 2])
def test_each_test_has_an_empty_database_and_an_empty_redis(turn: int, postgres: str, redis: str) -> None:
    with psycopg.connect(postgres) as database, Redis.from_url(redis) as server:
        database.execute("CREATE TABLE things (name text)")
        assert server.set("thing", turn, nx=True)


@pytest.mark.parametrize(("killed_by", "status"), [(None, 3), (signal.SIGTERM, 143), (signal.SIGKILL, -9)])
def test_the_servers_end_with_the_command_whose_exit_status_is_kept(
    killed_by: signal.Signals | None, status: int
) -> None:
    with subprocess.Popen(COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        postgres, redis = program.stdout.readline().split()
        with psycopg.connect(postgres), Redis.from_url(redis) as server:
            folder = Path(server.config_get("dir")["dir"]).parent
        if killed_by:
            program.send_signal(killed_by)
        program.communicate()
    assert program.returncode == status
    eventually(lambda: not _answers(postgres, redis))
    if killed_by == signal.SIGKILL:  # the folder is all that remains, once Postgres has written its last
        eventually(lambda: not (folder / "postgres" / "data" / "postmaster.pid").exists())
        shutil.rmtree(folder)
    assert not folder.exists()


def _answers(postgres: str, redis: str) -> bool:
    """Whether any of the two does."""
    try:
        with Redis.from_url(redis) as server:
            return bool(server.ping())
    except RedisError:
        pass
    try:
        psycopg.connect(postgres).close()
    except psycopg.OperationalError as error:
        return "refused" not in str(error)
    return True
