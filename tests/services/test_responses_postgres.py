from __future__ import annotations

import psycopg
import pytest

from tests.store.test_responses import HOUR_S, Clock
from tramite.store import responses as module
from tramite.store.responses import ResponseCache


async def test_answers_are_kept_found_and_replaced_in_postgres(postgres: str) -> None:
    one, other = ResponseCache(postgres, HOUR_S), ResponseCache(postgres, HOUR_S)
    one.put("a", b"old")
    one.put("a", b"\x00new\xff")
    await one.aclose()
    assert await other.get("a") == b"\x00new\xff"
    assert await other.get("b") is None
    await other.aclose()


async def test_postgres_is_swept_too(postgres: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SWEEP_EVERY", 5)
    monkeypatch.setattr(module, "ON_DISK_BYTES", 35)
    clock = Clock()
    cache = ResponseCache(postgres, 60, clock)
    cache.put("gone", b"x" * 10)
    clock.advance(61)
    for key in "abcde":
        clock.advance(1)
        cache.put(key, b"x" * 10)
    await cache.aclose()
    with psycopg.connect(postgres) as connection:
        assert sorted(connection.execute("SELECT key FROM responses").fetchall()) == [("c",), ("d",), ("e",)]


async def test_a_connection_that_was_lost_is_logged_and_made_again(
    postgres: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "RETRY_S", 0.0)
    cache = ResponseCache(postgres, HOUR_S)
    with psycopg.connect(postgres, autocommit=True) as killer:
        killer.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    assert await cache.get("a") is None
    assert "left alone" in caplog.messages[0]
    cache.put("a", b"answer")
    await cache.aclose()
    assert await cache.get("a") == b"answer"
    await cache.aclose()
