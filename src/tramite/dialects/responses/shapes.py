"""What servers of the Responses API send, as far as we read it: typed shapes and their decoders.

What surrounds is strict, its fields are looked at where they are used. Items stay raw JSON until their type is known:
those that are state for the next turn go back as they came. A raw field that is not there is empty.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Raw, Struct


class Event(Struct, gc=False):
    """A frame of a stream, of any type."""

    type: str = ""
    delta: Any = None
    logprobs: Any = None
    output_index: int = 0
    summary_index: Any = None
    content_index: Any = None
    item: Raw = Raw()
    response: Raw = Raw()


class Item(Struct, gc=False):
    """One thing that the model put out, as far as we read it."""

    type: Any = None
    id: Any = None
    content: Any = None
    phase: Any = None
    summary: Any = None
    encrypted_content: Any = None
    call_id: Any = None
    name: Any = None
    arguments: Any = None
    namespace: Any = None
    caller: Any = None
    later: Any = msgspec.field(default=None, name="async")


class Response(Struct, gc=False):
    """A whole reply, or the one that a stream's frame holds."""

    output: list[Raw] | None = None
    status: Any = None
    incomplete_details: Any = None
    error: Any = None
    usage: Any = None
    id: Any = None
    model: Any = None


class Typed(Struct, gc=False):
    """An item of which only the type is asked."""

    type: Any = None


class Judged(Struct, gc=False):
    """A whole reply, as far as the pipeline must know it."""

    output: list[Typed] | None = None
    status: Any = None
    incomplete_details: Any = None
    error: Any = None
    usage: Any = None


class Noted(Struct, gc=False):
    """A frame of a stream, as far as the pipeline must know it."""

    type: str = ""
    delta: Any = None
    item: Raw = Raw()
    response: Raw = Raw()
    error: Any = None


decode_event = msgspec.json.Decoder(Event).decode
decode_item = msgspec.json.Decoder(Item).decode
decode_response = msgspec.json.Decoder(Response).decode
decode_judged = msgspec.json.Decoder(Judged).decode
decode_noted = msgspec.json.Decoder(Noted).decode
