"""One task through several targets, as chat and as completion, all at once: what each answered, and what it took."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Literal, TypeAlias

from msgspec import Struct

from tramite.errors import InvalidCall, TramiteError
from tramite.replies import Reply

from .many import Crowd, as_completed

Style: TypeAlias = Literal["chat", "completion"]
STYLES: tuple[Style, ...] = ("chat", "completion")
CONCURRENCY = 16

Ask: TypeAlias = Callable[[str, Style], Awaitable[Reply]]


class Comparison(Struct, frozen=True):
    """One column: what a target answered in one style, as often as it was asked. An error stands in a reply's place."""

    target: str
    style: Style
    results: tuple[Reply | TramiteError, ...]

    @property
    def replies(self) -> list[Reply]:
        """The answers that came."""
        return [result for result in self.results if isinstance(result, Reply)]

    @property
    def different(self) -> int:
        """How many different texts the same settings gave."""
        return len({reply.text for reply in self.replies})

    @property
    def fingerprints(self) -> set[str]:
        """The provider's own names for what answered (`system_fingerprint`): where they differ, so may the texts."""
        return {reply.system_fingerprint for reply in self.replies if reply.system_fingerprint}


async def compare(ask: Ask, targets: Sequence[str], styles: Sequence[Style], repeat: int) -> list[Comparison]:
    """A column for each target and style, in their order. One failure leaves the others alone. Raises InvalidCall."""
    if isinstance(targets, str) or not targets:
        raise InvalidCall("targets is a list of the targets to compare: name at least one", "targets")
    for style in styles:
        if style not in STYLES:
            raise InvalidCall(f"a style is one of {', '.join(STYLES)}, got {style!r}", "styles")
    if repeat < 1:
        raise InvalidCall(f"repeat must be a whole number from 1, got {repeat!r}", "repeat")
    columns = [(target, style) for target in targets for style in styles]
    turns = [column for column in columns for _ in range(repeat)]

    async def work(turn: tuple[str, Style]) -> Reply:
        return await ask(*turn)

    crowd = Crowd(work, CONCURRENCY)
    results = {position: result async for position, result in as_completed(crowd, turns)}
    return [
        Comparison(target, style, tuple(results[number * repeat + turn] for turn in range(repeat)))
        for number, (target, style) in enumerate(columns)
    ]
