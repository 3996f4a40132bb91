"""What a simulated provider answers that is no text: vectors, an order of texts, and the list of its models."""

from __future__ import annotations

from collections.abc import Iterator
from operator import mul

from tramite.replies import EmbeddingReply, ModelInfo, ModelsReply, Ranked, RerankReply, Usage

from .faults import SlowFirstToken
from .scripts import Job, Step, whole
from .vectors import DIMENSIONS, vector

_EXAMPLES = (
    "ok",
    "echo",
    "cut@40",
    "stall@20:30s",
    "429:retry-after=2",
    "503:loading=20",
    "malformed@10",
    "slow-first-token:20s",
    "no-done",
    "reset",
    "flaky:0.05",
)


def embeddings(job: Job) -> Iterator[Step]:
    """One vector for each input, in order."""
    yield from _pause(job)
    size = job.call.dimensions or DIMENSIONS
    reply = EmbeddingReply(
        vectors=[list(vector(said, size)) for said in job.call.inputs],
        usage=Usage(input_tokens=job.exchange.entry.input_tokens, output_tokens=0),
        model=job.call.model or "",
    )
    yield from whole(job, job.operation.encode_reply(reply, job.call))


def ranking(job: Job) -> Iterator[Step]:
    """The texts by how many words they share with the query, the best first; equal ones as they came."""
    yield from _pause(job)
    asked = vector(job.call.query)
    scores = [sum(map(mul, asked, vector(said))) for said in job.call.texts]
    ranked = sorted((Ranked(index, score) for index, score in enumerate(scores)), key=lambda one: -one.score)
    reply = RerankReply(results=tuple(ranked), model=job.call.model or "")
    yield from whole(job, job.operation.encode_reply(reply, job.call))


def models(job: Job) -> Iterator[Step]:
    """The models: examples of faults, since there is no end to them."""
    yield from _pause(job)
    names = ("demo", "hash") if job.options.voice == "demo" else (*_EXAMPLES, *job.options.models)
    infos = tuple(ModelInfo(name, owned_by="tramite") for name in names)
    yield from whole(job, job.operation.encode_reply(ModelsReply(models=infos), job.call))


def _pause(job: Job) -> Iterator[Step]:
    slow = job.scenario.find(SlowFirstToken)
    if wait := job.options.latency_s + (slow.for_s if slow is not None else 0.0):
        yield wait
