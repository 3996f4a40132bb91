"""Embeddings of any number of texts: split to the provider's limits, sent at once, given back in order."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence

import msgspec

from tramite.calls import EmbeddingCall
from tramite.errors import ContextTooLong
from tramite.replies import EmbeddingReply

from .many import in_order
from .span import Span
from .sums import together

CONCURRENCY = 4
"""Requests of one call under way at once."""
SHORTER = 0.75
"""What is left of a text that was too long, before it is tried again."""

Ask = Callable[[EmbeddingCall], Awaitable[EmbeddingReply]]


async def embed_all(call: EmbeddingCall, ask: Ask, most: tuple[int, int], span: Span) -> EmbeddingReply:
    """One reply for all inputs. A request takes at `most` so many, with so many UTF-8 bytes.

    Raises the first error; ContextTooLong says which input it was (`index`).
    """
    pieces = list(split(call.inputs, *most))
    if len(pieces) == 1:
        return await _piece(call, ask, 0, span)

    async def work(piece: tuple[int, int]) -> EmbeddingReply:
        return await _piece(msgspec.structs.replace(call, inputs=call.inputs[slice(*piece)]), ask, piece[0], span)

    return _joined(await in_order(work, pieces, CONCURRENCY), span)


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


async def _piece(call: EmbeddingCall, ask: Ask, first: int, span: Span) -> EmbeddingReply:
    """One request's worth. When something in it is too long, halves find out what: that costs no tokens."""
    try:
        return await ask(call)
    except ContextTooLong as error:
        if len(call.inputs) == 1:
            return await _too_long(call, ask, first, error)
    middle = len(call.inputs) // 2
    halves = [
        await _piece(msgspec.structs.replace(call, inputs=half), ask, start, span)
        for half, start in ((call.inputs[:middle], first), (call.inputs[middle:], first + middle))
    ]
    return _joined(halves, span)


async def _too_long(call: EmbeddingCall, ask: Ask, index: int, error: ContextTooLong) -> EmbeddingReply:
    text = call.inputs[0]
    while call.truncate and (text := text[: int(len(text) * SHORTER)]):
        try:
            reply = await ask(msgspec.structs.replace(call, inputs=(text,)))
        except ContextTooLong:
            continue
        notice = f"inputs[{index}] was too long: only its first {len(text)} characters were embedded"
        return msgspec.structs.replace(reply, notices=(*reply.notices, notice))
    error.index = index
    error.message = f"inputs[{index}] is too long ({len(call.inputs[0])} characters): {error.message}"
    raise error


def _joined(replies: Sequence[EmbeddingReply], span: Span) -> EmbeddingReply:
    vectors = [vector for reply in replies for vector in reply.vectors]
    return msgspec.structs.replace(together(replies, span), vectors=vectors)
