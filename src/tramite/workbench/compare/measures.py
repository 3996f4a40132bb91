"""What answers took, side by side, and which took least. No I/O."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import Struct

from tramite.store.conversations import Node


class Measured(Struct, frozen=True):
    """One answer's tokens, cost and times; None is unknown."""

    name: str
    style: str
    whole: bool
    """Whether it came to its end. One that broke off or was stopped is not called fast or cheap."""
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost_nanousd: int | None = None
    first_token_s: float | None = None
    total_s: float | None = None

    @property
    def tokens_per_s(self) -> float | None:
        """Output tokens per second, once they came."""
        if not self.output_tokens or self.first_token_s is None or self.total_s is None:
            return None
        writing_s = self.total_s - self.first_token_s
        return self.output_tokens / writing_s if writing_s > 0.05 else None


def of(node: Node) -> Measured:
    """Those of this answer."""
    usage, timings = node.facts.get("usage") or {}, node.facts.get("timings") or {}
    asked = node.facts.get("asked") or {}
    return Measured(
        name=node.facts.get("target") or asked.get("model") or "",
        style=asked.get("style") or "chat",
        whole=node.status == "complete",
        input_tokens=usage.get("input_tokens"),
        output_tokens=usage.get("output_tokens"),
        cost_nanousd=node.facts.get("cost_nanousd"),
        first_token_s=timings.get("first_token_s"),
        total_s=timings.get("total_s"),
    )


def least(measured: Sequence[Measured], what: Callable[[Measured], float | None]) -> tuple[int, ...]:
    """The places, from 1, of the whole answers that took least; nothing where fewer than two are known, for there is
    nothing to compare then."""
    known = [(value, place) for place, one in enumerate(measured, 1) if one.whole and (value := what(one)) is not None]
    if len(known) < 2:
        return ()
    smallest = min(value for value, _ in known)
    return tuple(place for value, place in known if value == smallest)
