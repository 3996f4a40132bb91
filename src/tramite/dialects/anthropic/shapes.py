"""What servers of the Messages API send, as far as we read it: typed shapes and their decoders.

The frame is strict, its fields are looked at where they are used. Blocks stay raw JSON until their type is known: those
that are state for the next turn go back as they came. A raw field that is not there is empty.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Raw, Struct


class Delta(Struct, gc=False):
    """What a frame adds to a block, or (`message_delta`) to the message."""

    type: str = ""
    text: str | None = None
    thinking: str | None = None
    partial_json: str | None = None
    stop_reason: Any = None
    stop_details: Any = None


class Start(Struct, gc=False):
    """The message as `message_start` has it."""

    id: Any = None
    model: Any = None
    usage: Any = None


class Event(Struct, gc=False):
    """A frame of a stream, of any type."""

    type: str = ""
    index: int = 0
    delta: Delta | None = None
    content_block: Raw = Raw()
    message: Start | None = None
    usage: Any = None
    error: Any = None


class RawDelta(Struct, gc=False):
    """A frame whose delta belongs to a block that is kept as it is."""

    delta: dict[str, Any] = {}


class Block(Struct, gc=False):
    """A content block, as far as we read it."""

    type: str = ""
    text: str | None = None
    thinking: str | None = None
    signature: str | None = None
    citations: Raw = Raw()
    id: str | None = None
    name: str | None = None
    input: Raw = Raw()
    caller: Any = None
    toolset_name: str | None = None


class Whole(Struct, gc=False):
    """A whole reply."""

    content: list[Raw] | None = None
    stop_reason: Any = None
    stop_details: Any = None
    usage: Any = None
    error: Any = None
    id: Any = None
    model: Any = None


class Judged(Struct, gc=False):
    """A whole reply, as far as the pipeline must know it."""

    content: list[Block] | None = None
    stop_reason: Any = None
    usage: Any = None
    error: Any = None


class Noted(Struct, gc=False):
    """A frame of a stream, as far as the pipeline must know it."""

    type: str = ""
    delta: Delta | None = None
    content_block: Block | None = None
    message: Start | None = None
    usage: Any = None
    error: Any = None


decode_event = msgspec.json.Decoder(Event).decode
decode_noted = msgspec.json.Decoder(Noted).decode
decode_raw_delta = msgspec.json.Decoder(RawDelta).decode
decode_block = msgspec.json.Decoder(Block).decode
decode_whole = msgspec.json.Decoder(Whole).decode
decode_judged = msgspec.json.Decoder(Judged).decode
