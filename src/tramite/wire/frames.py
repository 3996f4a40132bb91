"""A piece of a streamed body. Knows nothing of what is in it."""

from __future__ import annotations

from msgspec import Struct


class Frame(Struct, frozen=True, gc=False):
    """One server-sent event (its data lines joined, and its event name), or one NDJSON line."""

    data: bytes
    event: str = ""
