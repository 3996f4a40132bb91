"""Any number of texts put in order: scored in requests of the provider's size, and sorted together."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec

from tramite.calls import RerankCall
from tramite.replies import Ranked, RerankReply

from .embedding import CONCURRENCY, split
from .many import in_order
from .span import Span
from .sums import together

Ask = Callable[[RerankCall], Awaitable[RerankReply]]


async def rerank_all(call: RerankCall, ask: Ask, most: tuple[int, int], span: Span) -> RerankReply:
    """One order of all texts, of which a request takes at `most` so many, with so many UTF-8 bytes. A reranker scores
    each text alone with the query, so that scores of several requests compare. Raises the first error.
    """
    pieces = list(split(call.texts, *most))
    if len(pieces) == 1:
        return await ask(call)

    async def work(piece: tuple[int, int]) -> RerankReply:
        reply = await ask(msgspec.structs.replace(call, texts=call.texts[slice(*piece)], top_n=None))
        moved = tuple([Ranked(piece[0] + ranked.index, ranked.score) for ranked in reply.results])
        return msgspec.structs.replace(reply, results=moved)

    replies = await in_order(work, pieces, CONCURRENCY)
    ranked = sorted([one for reply in replies for one in reply.results], key=lambda one: -one.score)
    return msgspec.structs.replace(together(replies, span), results=tuple(ranked[: call.top_n]))
