"""What several requests of one call used, cost and took together. Knows no request."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import msgspec

from tramite.replies import EmbeddingReply, Reply, RerankReply, Timings, Usage

from .span import Span

R = TypeVar("R", Reply, EmbeddingReply, RerankReply)


def together(replies: Sequence[R], span: Span) -> R:
    """The last reply, with what all of them used, cost, tried, took and gave notice of."""
    if len(replies) == 1:
        return replies[0]
    costs = [reply.cost_nanousd for reply in replies]
    known = [cost for cost in costs if cost is not None]
    return msgspec.structs.replace(
        replies[-1],
        usage=add_usage([reply.usage for reply in replies]),
        cost_nanousd=sum(known) if len(known) == len(costs) else None,
        attempts=tuple([attempt for reply in replies for attempt in reply.attempts]),
        timings=Timings(total_s=span.elapsed_s, waited_s=sum(reply.timings.waited_s for reply in replies)),
        notices=tuple(dict.fromkeys([notice for reply in replies for notice in reply.notices])),
        cached=all(reply.cached for reply in replies),
    )


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
