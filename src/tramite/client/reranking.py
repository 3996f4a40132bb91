"""Any number of texts put in order: scored in requests of the provider's size, and sorted together."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec

from tramite.calls import RerankCall
from tramite.replies import Ranked, RerankReply

from .embedding import CONCURRENCY, split, sums
from .many import in_order

Ask = Callable[[RerankCall], Awaitable[RerankReply]]


async def rerank_all(call: RerankCall, ask: Ask, batch: int, batch_bytes: int) -> RerankReply:
    """One order of all texts. A reranker scores each text alone with the query, so that scores of several requests
    compare. Raises the first error.
    """
    pieces = list(split(call.texts, batch, batch_bytes))
    if len(pieces) == 1:
        return await ask(call)

    async def work(span: tuple[int, int]) -> RerankReply:
        reply = await ask(msgspec.structs.replace(call, texts=call.texts[slice(*span)], top_n=None))
        moved = tuple([Ranked(span[0] + ranked.index, ranked.score) for ranked in reply.results])
        return msgspec.structs.replace(reply, results=moved)

    replies = await in_order(work, pieces, CONCURRENCY)
    ranked = sorted([one for reply in replies for one in reply.results], key=lambda one: -one.score)
    return msgspec.structs.replace(replies[-1], results=tuple(ranked[: call.top_n]), **sums(replies))
