"""Texts that are longer than a model of this process reads: refused, or cut and named. Knows no model."""

from __future__ import annotations

from collections.abc import Sequence

from tramite.calls import EmbeddingCall
from tramite.errors import ContextTooLong


def too_long(call: EmbeddingCall, tokens: Sequence[Sequence[int]], window: int) -> list[int]:
    """The positions of the texts with more than `window` tokens. Raises ContextTooLong where they may not be cut."""
    long = [position for position, text in enumerate(tokens) if len(text) > window]
    if long and not call.truncate:
        which = f"input[{long[0]}]" if len(tokens) > 1 else "the input"
        raise ContextTooLong(
            f"this model's maximum context length is {window} tokens; {which} has {len(tokens[long[0]])}"
        )
    return long


def cut_notice(call: EmbeddingCall, long: Sequence[int], window: int) -> tuple[str, ...]:
    """What is to be said of the texts that were cut. Not by number: the call may be a part of a larger one."""
    if not long:
        return ()
    beginning = " ".join(call.inputs[long[0]][:60].split())
    many = f"{len(long)} inputs were too long, the first" if len(long) > 1 else "an input was too long,"
    return (f"{many} beginning {beginning!r}: only {window} tokens {'of each ' if len(long) > 1 else ''}were embedded",)
