"""What an answer holds that only the Responses API understands, kept in opaque parts, and where in the answer it stood.

An opaque part's JSON is one of four:

    {"type": …}                                          an item (or, in a user's message, a piece of content) as it is
    {"at": [characters, calls, items], "item": {…}}      an item that came after so much else
    {"at": […], "length": 120, "message": {"phase": …}}  what is said of the message that these 120 characters were
    {"call": "call_…", "fields": {…}}                    what belongs to one tool call

The API wants its items back in their order ("Reasoning models", "Keeping reasoning items in context"), the assembly of
a stream puts state first and joins text, and streams end items in another order than they begin them: so the place is
written down.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Raw, Struct

from tramite.errors import InvalidCall
from tramite.messages import Opaque

NAME = "openai-responses"

At = tuple[int, int, int]
"""After how many characters of text, how many tool calls, and how many items of other kinds."""

START: At = (0, 0, 0)


class _Typed(Struct, gc=False):
    type: str = ""


class State(Struct, gc=False):
    """An opaque part, read. `type` is that of an item which stands where the part stands."""

    type: str = ""
    at: At | None = None
    item: Raw = Raw()
    length: int = 0
    message: dict[str, Any] | None = None
    call: str = ""
    fields: dict[str, Any] | None = None


_type = msgspec.json.Decoder(_Typed).decode
_state = msgspec.json.Decoder(State).decode


def state_of(part: Opaque) -> State:
    """Read it. Raises InvalidCall for what is none of the four."""
    try:
        kind = _type(part.json).type
        if kind:
            return State(kind, item=Raw(part.json.encode()))
        state = _state(part.json)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise InvalidCall(f"an opaque part of the {NAME} dialect cannot be read: {error}", "messages") from error
    if not (state.item or state.message or state.fields):
        raise InvalidCall(f"an opaque part of the {NAME} dialect must be an item, got {part.json[:60]!r}", "messages")
    return state


def kept_item(item: Raw | dict[str, Any], at: At) -> Opaque:
    """An item to be given back at its place."""
    return _kept(item if at == START else {"at": at, "item": item})


def kept_message(fields: dict[str, Any], at: At, length: int) -> Opaque:
    """What is said of one message."""
    return _kept({"at": at, "length": length, "message": fields})


def kept_fields(call: str, fields: dict[str, Any]) -> Opaque:
    """What belongs to one tool call."""
    return _kept({"call": call, "fields": fields})


def _kept(value: object) -> Opaque:
    return Opaque(NAME, msgspec.json.encode(value).decode())
