"""Answers that are given again at the gateway's doors."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.gateway.serving import Served
from tests.gateway.test_hostile_bodies import Recorder, world

CACHE = "[cache]\nenabled = true\n"
CHAT = "/v1/chat/completions"
ASKED = {"model": "rec/m", "temperature": 0, "messages": [{"role": "user", "content": "hello"}]}


@pytest.fixture
def kept() -> Iterator[tuple[Served, Recorder]]:
    with world(CACHE) as made:
        yield made


def test_the_same_body_gets_the_same_bytes_at_no_cost(kept: tuple[Served, Recorder]) -> None:
    gateway, provider = kept
    first = gateway.client.post(CHAT, json=ASKED)
    again = gateway.client.post(CHAT, json=dict(reversed(ASKED.items())))
    assert (first.status_code, again.status_code) == (200, 200)
    assert again.content == first.content
    assert "x-tramite-cached" not in first.headers
    assert again.headers["x-tramite-cached"] == "true"
    assert again.headers["x-tramite-cost-nanousd"] == again.headers["x-tramite-attempts"] == "0"
    assert again.headers["x-tramite-target"] == first.headers["x-tramite-target"] == "rec/m"
    assert len(provider.bodies) == 1


@pytest.mark.parametrize(
    "more",
    [
        {"temperature": 0.7},
        {"temperature": None},
        {"seed": 1},
        {"messages": [{"role": "user", "content": "hello."}]},
        {"model": "new/m"},
        {"something_new": True},
        {"tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]},
    ],
)
def test_another_body_is_answered_anew(kept: tuple[Served, Recorder], more: dict[str, object]) -> None:
    gateway, provider = kept
    gateway.client.post(CHAT, json=ASKED)
    other = gateway.client.post(CHAT, json={**ASKED, **more})
    assert other.status_code == 200, other.text
    assert "x-tramite-cached" not in other.headers
    assert len(provider.bodies) == 2


def test_what_broke_off_is_not_kept(kept: tuple[Served, Recorder]) -> None:
    gateway, provider = kept
    provider.answer["choices"][0]["finish_reason"] = "content_filter"
    for _ in range(2):
        assert gateway.client.post(CHAT, json=ASKED).status_code == 200
    assert len(provider.bodies) == 2


def test_another_dialect_gets_its_own(kept: tuple[Served, Recorder]) -> None:
    gateway, provider = kept
    asked = {**ASKED, "max_tokens": 5}
    gateway.client.post(CHAT, json=asked)
    first = gateway.client.post("/v1/messages", json=asked)
    again = gateway.client.post("/v1/messages", json=asked)
    assert again.json()["type"] == "message"
    assert again.content == first.content
    assert again.headers["x-tramite-cached"] == "true"
    assert len(provider.bodies) == 2


def test_nothing_is_kept_unless_it_is_wished() -> None:
    with world() as (gateway, provider):
        for _ in range(2):
            assert "x-tramite-cached" not in gateway.client.post(CHAT, json=ASKED).headers
    assert len(provider.bodies) == 2
