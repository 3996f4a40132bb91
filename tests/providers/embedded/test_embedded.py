"""The embedded model as a provider like any other: through both clients, off the loop, cancellable, in order."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading

import msgspec
import numpy as np
import pytest
from threadpoolctl import threadpool_info

from tramite import AsyncClient, Client
from tramite.errors import ModelNotFound, RequestRejected, Unsupported
from tramite.providers.catalogue import CATALOGUE
from tramite.providers.embedded import transport
from tramite.providers.embedded.workers import Workers
from tramite.wire.seam import Request

MODEL = "embedded/all-minilm-l6-v2"
SHORT = [f"what is the number {number} good for" for number in range(700)]


def test_the_synchronous_client_has_it_too() -> None:
    with Client() as llm:
        reply = llm.embed(["a kitten", "a small cat", "an invoice"], model=MODEL)
    cat, kitten, invoice = reply.vectors
    assert np.dot(cat, kitten) > 0.6 > 0.3 > np.dot(cat, invoice)
    assert (len(cat), reply.model, reply.target) == (384, "all-minilm-l6-v2", MODEL)
    assert (reply.usage.input_tokens, reply.usage.source) == (15, "provider")


async def test_many_texts_come_back_in_their_order() -> None:
    async with AsyncClient() as llm:
        mixed = [f"{text} " * (1 + position % 3) for position, text in enumerate(SHORT)]
        reply = await llm.embed(mixed, model=MODEL)
        assert len(reply.attempts) == 3  # 700 texts, 256 in a request
        for position in (0, 255, 256, 699):
            alone = (await llm.embed(mixed[position], model=MODEL)).vectors[0]
            assert np.allclose(reply.vectors[position], alone, atol=1e-6)


async def test_the_model_is_labelled_where_it_is_listed() -> None:
    async with AsyncClient() as llm:
        (model,) = await llm.models("embedded")
    assert (model.id, model.type, model.context_tokens) == ("all-minilm-l6-v2", "embeddings", 256)
    assert "English only" in model.owned_by
    assert "English" in CATALOGUE["embedded"].title


async def test_what_it_cannot_do_is_refused_by_name() -> None:
    async with AsyncClient() as llm:
        with pytest.raises(Unsupported, match="dimensions"):
            await llm.embed("a", model=MODEL, dimensions=64)
        with pytest.raises(RequestRejected, match="does not know input_type"):
            await llm.embed("a", model=MODEL, extra={"input_type": "query"})
        with pytest.raises(ModelNotFound, match="there is no embedded model 'bge-m3'"):
            await llm.embed("a", model="embedded/bge-m3")
        with pytest.raises(Unsupported, match="embedded has no chat operation"):
            await llm.chat("a", model=MODEL)


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/v1/embeddings", {"model": "all-minilm-l6-v2", "input": "a", "dimensions": 64}, 400),
        ("/v1/embeddings", {"model": "all-minilm-l6-v2", "input": []}, 400),
        ("/v1/embeddings", {"model": "all-minilm-l6-v2", "input": "a"}, 200),
        ("/v1/chat/completions", {"model": "all-minilm-l6-v2"}, 404),
        ("/v2", {}, 404),
    ],
)
async def test_requests_that_no_client_of_ours_made_are_answered_in_openais_form(
    path: str, body: dict[str, object], status: int
) -> None:
    serving = transport(CATALOGUE["embedded"])
    request = Request(method="POST", url=f"inprocess://embedded{path}", body=msgspec.json.encode(body))
    response = await serving.send(request)
    answer = msgspec.json.decode(await response.read())
    assert response.status == status
    assert ("error" in answer) == (status != 200)


async def test_the_loop_goes_on_while_vectors_are_made() -> None:
    async with AsyncClient() as llm:
        await llm.embed("warm", model=MODEL)
        request = asyncio.ensure_future(llm.embed(SHORT[:256], model=MODEL))
        turns = 0
        while not request.done():
            await asyncio.sleep(0)
            turns += 1
    assert len((await request).vectors) == 256
    assert turns > 100


async def test_a_cancelled_request_leaves_the_model_to_the_next_one() -> None:
    async with AsyncClient() as llm:
        request = asyncio.ensure_future(llm.embed(SHORT * 5, model=MODEL))
        for _ in range(200):
            await asyncio.sleep(0)
        request.cancel()
        with pytest.raises(asyncio.CancelledError):
            await request
        assert len((await llm.embed("next", model=MODEL)).vectors) == 1


async def test_a_cancelled_request_computes_no_further_batch() -> None:
    workers, begun, go_on = Workers(2), threading.Semaphore(0), threading.Event()
    done: list[int] = []

    def work(job: int) -> None:
        begun.release()
        go_on.wait()
        done.append(job)

    request = asyncio.ensure_future(workers.run_each(work, range(100)))
    for _ in range(2):
        await asyncio.to_thread(begun.acquire)
    request.cancel()
    with pytest.raises(asyncio.CancelledError):
        await request
    go_on.set()
    both_free = threading.Barrier(2)
    await asyncio.gather(workers.run(both_free.wait), workers.run(both_free.wait))
    assert sorted(done) == [0, 1]


async def test_what_a_job_raises_reaches_who_asked() -> None:
    def work(job: int) -> int:
        return 1 // job

    with pytest.raises(ZeroDivisionError):
        await Workers(2).run_each(work, [2, 1, 0, 3])


async def test_linear_algebra_has_its_cores_back_afterwards() -> None:
    def threads(job: int = 0) -> list[int]:
        return [library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"]

    before = threads()
    results = await Workers(2).run_each(threads, range(4))
    assert all(set(during) == {1} for _, during in results)
    assert threads() == before


FORKED = """
import os
import numpy as np
from tramite import Client
with Client() as llm:
    expected = llm.embed("before the fork", model="embedded/all-minilm-l6-v2").vectors
    child = os.fork()
    if child == 0:
        assert np.allclose(llm.embed("before the fork", model="embedded/all-minilm-l6-v2").vectors, expected)
        raise SystemExit
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
print("done")
"""


def test_a_forked_child_computes_too() -> None:
    """In a program of its own: OpenBLAS cannot fork while another thread computes, as another test's may."""
    done = subprocess.run([sys.executable, "-c", FORKED], capture_output=True, text=True, timeout=50, check=False)
    assert (done.stdout, done.stderr, done.returncode) == ("done\n", "", 0)
