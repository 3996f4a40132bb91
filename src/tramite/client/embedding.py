"""Embeddings of any number of texts: split to the provider's limits, sent at once, given back in order."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any

import msgspec

from tramite.calls import EmbeddingCall
from tramite.errors import ContextTooLong
from tramite.replies import EmbeddingReply, RerankReply, Usage

from .many import in_order

CONCURRENCY = 4
"""Requests of one call under way at once."""
SHORTER = 0.75
"""What is left of a text that was too long, before it is tried again."""

Ask = Callable[[EmbeddingCall], Awaitable[EmbeddingReply]]


async def embed_all(call: EmbeddingCall, ask: Ask, batch: int, batch_bytes: int) -> EmbeddingReply:
    """One reply for all inputs. Raises the first error; ContextTooLong says which input it was (`index`)."""
    pieces = list(split(call.inputs, batch, batch_bytes))
    if len(pieces) == 1:
        return await _piece(call, ask, 0)

    async def work(span: tuple[int, int]) -> EmbeddingReply:
        return await _piece(msgspec.structs.replace(call, inputs=call.inputs[slice(*span)]), ask, span[0])

    return _joined(await in_order(work, pieces, CONCURRENCY))


def split(inputs: Sequence[str], batch: int, batch_bytes: int) -> Iterator[tuple[int, int]]:
    """Spans of at most `batch` inputs and `batch_bytes` UTF-8 bytes; a longer single input gets one of its own."""
    start, size = 0, 0
    for position, text in enumerate(inputs):
        length = len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
        if position > start and (position - start == batch or size + length > batch_bytes):
            yield start, position
            start, size = position, 0
        size += length
    yield start, len(inputs)


async def _piece(call: EmbeddingCall, ask: Ask, first: int) -> EmbeddingReply:
    """One request's worth. When something in it is too long, halves find out what: that costs no tokens."""
    try:
        return await ask(call)
    except ContextTooLong as error:
        if len(call.inputs) == 1:
            return await _too_long(call, ask, first, error)
    middle = len(call.inputs) // 2
    halves = [
        await _piece(msgspec.structs.replace(call, inputs=half), ask, start)
        for half, start in ((call.inputs[:middle], first), (call.inputs[middle:], first + middle))
    ]
    return _joined(halves)


async def _too_long(call: EmbeddingCall, ask: Ask, index: int, error: ContextTooLong) -> EmbeddingReply:
    if not call.truncate:
        error.index = index
        error.message = f"inputs[{index}] is too long ({len(call.inputs[0])} characters): {error.message}"
        raise error
    text = call.inputs[0]
    while text := text[: int(len(text) * SHORTER)]:
        try:
            reply = await ask(msgspec.structs.replace(call, inputs=(text,)))
        except ContextTooLong:
            continue
        notice = f"inputs[{index}] was too long: only its first {len(text)} characters were embedded"
        return msgspec.structs.replace(reply, notices=(*reply.notices, notice))
    raise error


def _joined(replies: Sequence[EmbeddingReply]) -> EmbeddingReply:
    vectors = [vector for reply in replies for vector in reply.vectors]
    return msgspec.structs.replace(replies[-1], vectors=vectors, **sums(replies))


def sums(replies: Sequence[EmbeddingReply | RerankReply]) -> dict[str, Any]:
    """What the requests of one call used, cost, took and gave notice of, together."""
    costs = [reply.cost_nanousd for reply in replies]
    known = [cost for cost in costs if cost is not None]
    return {
        "usage": add_usage([reply.usage for reply in replies]),
        "cost_nanousd": sum(known) if len(known) == len(costs) else None,
        "attempts": tuple(attempt for reply in replies for attempt in reply.attempts),
        "notices": tuple(dict.fromkeys(notice for reply in replies for notice in reply.notices)),
    }


def add_usage(usages: Sequence[Usage]) -> Usage:
    """The sum, field by field; unknown where any is unknown for the two main counts."""

    def total(field: str) -> int | None:
        values = [getattr(usage, field) for usage in usages]
        known = [value for value in values if value is not None]
        if field in ("input_tokens", "output_tokens") and len(known) < len(values):
            return None
        return sum(known) if known else None

    counts = {field: total(field) for field in Usage.__struct_fields__ if field != "source"}
    sources = {usage.source for usage in usages}
    return Usage(**counts, source=sources.pop() if len(sources) == 1 else "estimated")
