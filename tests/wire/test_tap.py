"""Listening to what goes over the wire: what is heard is what was sent and read, bounded, and without secrets."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.cli.world import KEY, provider
from tramite import AsyncClient
from tramite.config import load
from tramite.wire import tap
from tramite.wire.seam import Request
from tramite.wire.tap import MOST_BYTES, Heard, Tap, masked
from tramite.workbench import facts


async def heard(model: str, stream: bool = True) -> Tap:
    """What is heard of one call, in a task of its own."""
    listener = Tap()

    async def ask() -> None:
        tap.LISTENER.set(listener)
        async with AsyncClient(load()) as client:
            if not stream:
                await client.chat("hello", model=f"sim/{model}")
                return
            async with client.stream("hello", model=f"sim/{model}") as answer:
                async for _ in answer:
                    pass

    await asyncio.create_task(ask())
    return listener


async def test_what_was_heard_is_what_went_over_the_wire() -> None:
    with provider() as simulator:
        for stream in (True, False):
            (one,) = (await heard("tokens=5", stream)).heard
            assert (one.request.method, one.status, one.cut) == ("POST", 200, False)
            assert one.request.url == f"{simulator.base_url}/chat/completions"
            assert b'"hello"' in one.request.body
            assert all(f"token-{number}".encode() in one.body for number in range(1, 6))
            assert (b"[DONE]" in one.body) is stream


async def test_every_try_is_heard_in_order() -> None:
    with provider():
        found = (await heard("500:times=1,tokens=3")).heard
        assert [one.status for one in found] == [500, 200]
        assert b"error" in found[0].body


async def test_a_task_without_a_listener_is_heard_by_nobody() -> None:
    with provider():
        listener = await heard("tokens=1")
        async with AsyncClient(load()) as client:
            await client.chat("hello", model="sim/tokens=1")
        assert len(listener.heard) == 1
        assert tap.LISTENER.get() is None


async def test_no_secret_is_in_what_is_kept() -> None:
    with provider():
        listener = await heard("tokens=1")
        (told,) = facts.wire(listener.heard)
        assert KEY not in str(told)
        assert "***" in str(told["headers"])


@pytest.mark.parametrize("name", ["Authorization", "API-KEY", "x-api-key", "x-goog-api-key", "Cookie", "set-cookie"])
def test_headers_that_hold_secrets_are_masked(name: str) -> None:
    assert KEY not in masked(name, KEY) + masked(name, f"Bearer {KEY}")
    assert masked(name, f"Bearer {KEY}") == "Bearer ***"
    assert masked("content-type", "text/plain") == "text/plain"


@given(st.lists(st.integers(0, MOST_BYTES), max_size=6))
def test_what_is_kept_is_bounded_and_the_beginning(sizes: list[int]) -> None:
    one = Heard(Request(method="GET", url="http://x"), 200, {})
    for at, size in enumerate(sizes):
        one.take(bytes([at]) * size)
    assert len(one.body) == min(sum(sizes), MOST_BYTES)
    assert one.cut is (sum(sizes) > MOST_BYTES)
    (told,) = facts.wire([one])
    assert len(told["response"]) <= facts.SHOWN_BYTES + 2
