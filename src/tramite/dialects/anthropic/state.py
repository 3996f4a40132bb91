"""What an answer holds that only Anthropic understands, kept in opaque parts, and where in the answer it stood.

An opaque part's JSON is one of four:

    {"type": …}                                        a block, standing where the part stands
    {"at": [characters, calls], "block": {…}}          a block that came after so much text and so many tool calls
    {"at": […], "length": 120, "citations": […]}       the sources of the 120 characters from there on
    {"tool": "toolu_…", "fields": {…}}                 what belongs to one tool call

The assembly of a stream puts state first and joins text, so the place is written down. Text that was changed meanwhile
loses its sources, and nothing else.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Raw, Struct

from tramite.errors import InvalidCall
from tramite.messages import Opaque

NAME = "anthropic"

At = tuple[int, int]
"""After how many characters of text, and how many tool calls."""


class State(Struct, gc=False):
    """An opaque part, read."""

    type: str = ""
    at: At | None = None
    block: Raw = Raw()
    length: int = 0
    citations: Raw = Raw()
    tool: str = ""
    fields: dict[str, Raw] | None = None


_decode = msgspec.json.Decoder(State).decode


def state_of(part: Opaque) -> State:
    """Read it; a block alone is put under `block`, without a place. Raises InvalidCall for what is none of the four."""
    try:
        state = _decode(part.json)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise InvalidCall(f"an opaque part of the anthropic dialect cannot be read: {error}", "messages") from error
    if state.type:
        return State(block=Raw(part.json.encode()))
    if not (state.block or state.citations or state.fields):
        raise InvalidCall(
            f"an opaque part of the anthropic dialect must be a content block, got {part.json[:60]!r}", "messages"
        )
    return state


def kept_block(block: Raw | dict[str, Any], at: At) -> Opaque:
    """A block to be given back at its place."""
    return _kept(block if at == (0, 0) else {"at": at, "block": block})


def kept_citations(citations: Raw | list[Any], at: At, length: int) -> Opaque:
    """The sources of a piece of text."""
    return _kept({"at": at, "length": length, "citations": citations})


def kept_fields(tool: str, fields: dict[str, Any]) -> Opaque:
    """What belongs to one tool call."""
    return _kept({"tool": tool, "fields": fields})


def _kept(value: object) -> Opaque:
    return Opaque(NAME, msgspec.json.encode(value).decode())
