"""Tests with real servers: `make test-services` starts a Postgres and a Redis for them; `make test` leaves them out.

The servers' addresses are read here, once: before each test the environment is emptied of names like theirs.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg
import pytest
from redis import Redis

POSTGRES = os.environ.get("TRAMITE_TEST_POSTGRES", "")
REDIS = os.environ.get("TRAMITE_TEST_REDIS", "")
SERVED = bool(POSTGRES and REDIS)

collect_ignore_glob = [] if SERVED else ["test_*.py"]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Not run is not passed: say so."""
    if not SERVED:
        terminalreporter.write_line("tests/services was left out: it needs servers, which `make test-services` starts.")


@pytest.fixture
def postgres() -> Iterator[str]:
    """The address of an empty database."""
    name = f"test_{uuid4().hex}"
    with psycopg.connect(POSTGRES, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name}")
        yield urlsplit(POSTGRES)._replace(path=f"/{name}").geturl()
        server.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def redis() -> str:
    """The address of an empty Redis."""
    with Redis.from_url(REDIS) as server:
        server.flushall()
    return REDIS
