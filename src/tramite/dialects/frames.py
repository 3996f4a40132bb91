"""What the frames of streams share, whatever the dialect: an end marker, and what to say of one that is broken."""

from __future__ import annotations

from collections.abc import Sequence

from tramite.errors import BadReply
from tramite.events import Event

from .bad_reply import bad_reply

DONE = b"[DONE]"
"""OpenAI's end marker, which servers of other dialects send as well."""
FRAME = "a JSON object as a stream's frame"


def broken_frame(data: bytes, events: Sequence[Event], why: object, expected: str = FRAME) -> BadReply:
    """The error of a frame that cannot be read, with the events before it."""
    failure = bad_reply(data, expected, why)
    failure.events = tuple(events)
    return failure
