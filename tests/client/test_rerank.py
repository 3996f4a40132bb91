"""Texts put in order: one request or several, asynchronously or not."""

from __future__ import annotations

from pathlib import Path

import pytest

from tramite import AsyncClient, Client, InvalidCall, Ranked, RerankCall, Unsupported
from tramite.config import Config, load
from tramite.simulator import InProcess, Simulator

QUERY = "eventi in montagna"
TEXTS = ("ricette di pesce", "eventi in montagna d'inverno", "eventi al mare")


def config(base_url: str = "http://127.0.0.1:9", more: str = "") -> Config:
    Path("world.toml").write_text(
        f'[providers.mine]\ndialect = "huggingface"\nbase_url = "{base_url}"\nserves = "tei"\n{more}'
    )
    return load("world.toml")


async def test_the_best_come_first_and_top_n_keeps_as_many() -> None:
    async with Simulator.running() as simulator, AsyncClient(config(simulator.url)) as llm:
        reply = await llm.rerank(QUERY, TEXTS, model="mine/tei")
        best = await llm.rerank(QUERY, TEXTS, model="mine/tei", top_n=1)
    assert [ranked.index for ranked in reply.results] == [1, 2, 0]
    assert reply.results[0].score > reply.results[1].score > reply.results[2].score
    assert (len(reply), reply.target) == (3, "mine/tei")
    assert best.results == reply.results[:1]


async def test_many_texts_are_scored_in_several_requests_and_ordered_together() -> None:
    provider = InProcess()
    llm = AsyncClient(config(more="embed_batch = 2\n"), transport=provider)
    texts = [f"eventi {'in montagna ' * number}" for number in range(7)]
    reply = await llm.rerank(RerankCall(query=QUERY, texts=tuple(texts)), model="mine/tei", top_n=3)
    assert provider.stats().requests == 4
    whole = AsyncClient(config(), transport=provider)
    assert reply.results == (await whole.rerank(QUERY, texts, model="mine/tei")).results[:3]
    assert len(reply.attempts) == 4


def test_the_synchronous_client_has_it_too() -> None:
    with Client(config(), transport=InProcess()) as llm:
        assert llm.rerank(QUERY, TEXTS, model="mine/tei").results[0].index == 1
        assert isinstance(llm.rerank("q", ["q"], model="mine/tei").results[0], Ranked)


async def test_what_cannot_be_ordered_is_refused_before_anything_is_sent() -> None:
    provider = InProcess()
    llm = AsyncClient(config(), transport=provider)
    with pytest.raises(InvalidCall, match="texts is empty"):
        await llm.rerank(QUERY, [], model="mine/tei")
    with pytest.raises(InvalidCall, match="query is empty"):
        await llm.rerank("", TEXTS, model="mine/tei")
    with pytest.raises(InvalidCall, match="known settings are model, top_n, truncate, extra"):
        await llm.rerank(QUERY, TEXTS, model="mine/tei", best=3)
    with pytest.raises(InvalidCall, match="top_n must be a whole number"):
        await llm.rerank(QUERY, TEXTS, model="mine/tei", top_n=0)
    with pytest.raises(Unsupported, match=r"demo has no rerank operation .*these have: mine"):
        await llm.rerank(QUERY, TEXTS, model="demo/demo")
    assert provider.stats().requests == 0
