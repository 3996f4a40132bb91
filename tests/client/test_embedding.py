"""Any number of texts: split by bytes and by count, given back in order, the one that is too long by its name."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.client.world import QUICK, config, in_process
from tramite import AsyncClient, BadReply, ContextTooLong, DeadlineExceeded
from tramite.client.embedding import split
from tramite.simulator import Engine, InProcess, Options, fast_forward
from tramite.wire.seam import Request

TEXTS = st.lists(st.text(st.characters(), max_size=30), min_size=1, max_size=40)


@given(TEXTS, st.integers(1, 10), st.integers(1, 60))
def test_spans_cover_all_inputs_once_and_pass_no_limit(texts: list[str], batch: int, batch_bytes: int) -> None:
    spans = list(split(texts, batch, batch_bytes))
    assert [index for start, end in spans for index in range(start, end)] == list(range(len(texts)))
    for start, end in spans:
        size = sum(len(text.encode("utf-8", "surrogatepass")) for text in texts[start:end])
        assert 1 <= end - start <= batch
        assert size <= batch_bytes or end - start == 1


async def test_a_vector_belongs_to_its_text_whatever_the_batches() -> None:
    texts = ["", "è", "日本語", "a" * 30, "", "z"] * 3
    llm, provider = in_process(more="embed_batch = 4\nembed_batch_bytes = 32\n")
    whole, _ = in_process()
    reply = await llm.embed(texts)
    assert provider.stats().requests > 4
    assert reply.vectors == (await whole.embed(texts)).vectors


async def test_a_text_that_fits_nowhere_is_named_even_when_cutting_it_does_not_help() -> None:
    class Full(InProcess):
        async def send(self, request: Request) -> Any:
            refused = msgspec.json.decode(request.body)
            fits = "x" not in refused["input"]
            refused["model"] = "ok" if fits else "context"
            return await super().send(msgspec.structs.replace(request, body=msgspec.json.encode(refused)))

    llm = AsyncClient(config(), transport=Full(), retry=QUICK)
    with pytest.raises(ContextTooLong, match=r"inputs\[2\] is too long \(1 characters\)") as caught:
        await llm.embed(["a", "b", "x", "c"], truncate=True)
    assert caught.value.index == 2


async def test_fewer_vectors_than_texts_are_no_answer() -> None:
    class Forgetful(InProcess):
        async def send(self, request: Request) -> Any:
            body = msgspec.json.decode(request.body)
            body["input"] = body["input"][:2]
            return await super().send(msgspec.structs.replace(request, body=msgspec.json.encode(body)))

    llm = AsyncClient(config(), transport=Forgetful(), retry=QUICK)
    with pytest.raises(BadReply, match="3 texts were sent, and 2 vectors came"):
        await llm.embed(["a", "b", "c"])


def test_a_deadline_that_was_given_covers_all_batches_and_the_configured_one_each() -> None:
    def world() -> tuple[AsyncClient, InProcess]:
        provider = InProcess(Engine(Options(latency_s=4)))
        return AsyncClient(config(more="embed_batch = 1\n[timeouts]\ndeadline_s = 5\n"), transport=provider), provider

    async def configured() -> None:
        llm, provider = world()
        began_s = provider.clock.now()
        reply = await llm.embed(["x"] * 12)
        assert (len(reply), reply.timings.total_s) == (12, pytest.approx(12, abs=0.5))
        assert provider.clock.now() - began_s < 13

    async def explicit() -> None:
        llm, provider = world()
        began_s = provider.clock.now()
        with pytest.raises(DeadlineExceeded, match=r"deadline_s \(10 s\) is over"):
            await llm.embed(["x"] * 12, deadline_s=10)
        assert provider.clock.now() - began_s < 11
        assert provider.stats().open_now == 0

    fast_forward(configured())
    fast_forward(explicit())


def test_a_deadline_that_was_given_covers_a_loop_of_tools() -> None:
    def tool(city: str) -> str:
        return city

    async def main() -> float:
        provider = InProcess(Engine(Options(latency_s=4)))
        llm = AsyncClient(config(), transport=provider)
        began_s = provider.clock.now()
        with pytest.raises(DeadlineExceeded, match=r"deadline_s \(10 s\) is over"):
            await llm.chat("x", model="sim/tools:rounds=5", tools=[tool], deadline_s=10)
        assert provider.stats().requests == 3
        return provider.clock.now() - began_s

    assert fast_forward(main(), grace_s=0.01) == pytest.approx(10, abs=0.5)
