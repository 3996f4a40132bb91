"""What OpenAI-compatible servers send, as far as we read it: typed shapes and their decoders.

Fields that servers fill with anything (an object where a string belongs, null, a list of parts) are `Any`, and are
looked at where they are used; the frame around them is strict. Fields not named here are skipped, not built.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct


class Delta(Struct, gc=False):
    """A piece of a message, or (whole replies) all of it."""

    content: Any = None
    reasoning_content: Any = None
    reasoning: Any = None
    thinking: Any = None
    refusal: Any = None
    tool_calls: Any = None
    function_call: Any = None
    reasoning_details: Any = None
    extra_content: Any = None


class ChunkChoice(Struct, gc=False):
    index: Any = 0
    delta: Delta | None = None
    finish_reason: Any = None
    logprobs: Any = None
    text: Any = None
    error: Any = None


class Chunk(Struct, gc=False):
    """A frame of a stream, once the model's name is known."""

    choices: list[ChunkChoice] | None = None
    usage: Any = None
    error: Any = None
    x_groq: Any = None


class FirstChunk(Chunk, gc=False):
    """A frame of a stream, as long as the model's name is not known."""

    id: Any = None
    model: Any = None
    system_fingerprint: Any = None


class WholeChoice(Struct, gc=False):
    message: Delta | None = None
    text: Any = None
    finish_reason: Any = None
    logprobs: Any = None
    error: Any = None


class Whole(Struct, gc=False):
    """A whole reply, to a chat or a completion."""

    choices: list[WholeChoice] | None = None
    usage: Any = None
    error: Any = None
    x_groq: Any = None
    id: Any = None
    model: Any = None
    system_fingerprint: Any = None


class Skipped(Struct, gc=False):
    """An object whose fields nobody asks for."""


class JudgedChoice(Struct, gc=False):
    message: Skipped | None = None
    text: Any = None
    finish_reason: Any = None
    error: Any = None


class Judged(Struct, gc=False):
    """A whole reply, as far as the pipeline must know it."""

    choices: list[JudgedChoice] | None = None
    usage: Any = None
    error: Any = None
    x_groq: Any = None


class Vector(Struct, gc=False):
    embedding: list[float] | str
    index: int | None = None


class Vectors(Struct, gc=False):
    """A whole reply to an embedding call."""

    data: list[Vector] | None = None
    usage: Any = None
    error: Any = None
    id: Any = None
    model: Any = None


class JudgedVectors(Struct, gc=False):
    """The same, with the numbers left alone."""

    data: list[Skipped] | None = None
    usage: Any = None
    error: Any = None


decode_chunk = msgspec.json.Decoder(Chunk).decode
decode_first_chunk = msgspec.json.Decoder(FirstChunk).decode
decode_whole = msgspec.json.Decoder(Whole).decode
decode_judged = msgspec.json.Decoder(Judged).decode
decode_vectors = msgspec.json.Decoder(Vectors).decode
decode_judged_vectors = msgspec.json.Decoder(JudgedVectors).decode
