"""What Gemini sends, as far as we read it: typed shapes and their decoders.

Fields that may hold anything are `Any` and are looked at where they are used; the frame around them is strict. Fields
not named here are skipped, not built.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Raw, Struct


class Call(Struct, gc=False, rename="camel"):
    """A function call. Its arguments stay as the model wrote them."""

    name: Any = None
    args: Raw = Raw()
    id: Any = None


class Part(Struct, gc=False, rename="camel"):
    """Text, a thought or a function call. What has none of the three is a part of another kind."""

    text: Any = None
    thought: Any = None
    thought_signature: Any = None
    function_call: Call | None = None


class Content(Struct, gc=False, rename="camel"):
    parts: list[Part] | None = None


class Candidate(Struct, gc=False, rename="camel"):
    content: Content | None = None
    finish_reason: Any = None
    index: Any = 0
    logprobs_result: Any = None
    finish_message: Any = None


class Counts(Struct, gc=False, rename="camel"):
    """`usageMetadata`. Zeros are left out of Google's JSON."""

    prompt_token_count: Any = None
    candidates_token_count: Any = None
    thoughts_token_count: Any = None
    tool_use_prompt_token_count: Any = None
    cached_content_token_count: Any = None
    total_token_count: Any = None


class Answer(Struct, gc=False, rename="camel"):
    """A whole reply."""

    candidates: list[Candidate] | None = None
    usage_metadata: Counts | None = None
    error: Any = None
    prompt_feedback: Any = None
    model_version: Any = None
    response_id: Any = None


class Chunk(Struct, gc=False, rename="camel"):
    """A frame of a stream, once the model's name is known: the same, with counts that are seldom looked at."""

    candidates: list[Candidate] | None = None
    usage_metadata: Raw = Raw()
    error: Any = None


class FirstChunk(Chunk, gc=False, rename="camel"):
    """A frame of a stream, as long as the model's name is not known."""

    model_version: Any = None
    response_id: Any = None


class Skipped(Struct, gc=False):
    """An object whose fields nobody asks for."""


class JudgedPart(Struct, gc=False, rename="camel"):
    function_call: Skipped | None = None


class JudgedContent(Struct, gc=False, rename="camel"):
    parts: list[JudgedPart] | None = None


class JudgedCandidate(Struct, gc=False, rename="camel"):
    content: JudgedContent | None = None
    finish_reason: Any = None
    index: Any = 0
    finish_message: Any = None


class Judged(Struct, gc=False, rename="camel"):
    """The same, as far as the pipeline must know it."""

    candidates: list[JudgedCandidate] | None = None
    usage_metadata: Counts | None = None
    error: Any = None
    prompt_feedback: Any = None


class Watched(Struct, gc=False, rename="camel"):
    """A frame of a stream, as far as the pipeline must know it."""

    candidates: list[Candidate] | None = None
    usage_metadata: Raw = Raw()
    error: Any = None
    prompt_feedback: Any = None


class _RawContent(Struct, gc=False):
    parts: list[Raw] | None = None


class _RawCandidate(Struct, gc=False):
    content: _RawContent | None = None


class _RawAnswer(Struct, gc=False):
    candidates: list[_RawCandidate] | None = None


class Vector(Struct, gc=False):
    values: list[float]


class Vectors(Struct, gc=False, rename="camel"):
    """A whole reply to `batchEmbedContents`, or to `embedContent`."""

    embeddings: list[Vector] | None = None
    embedding: Vector | None = None
    usage_metadata: Counts | None = None
    error: Any = None


class JudgedVectors(Struct, gc=False, rename="camel"):
    """The same, with the numbers left alone."""

    embeddings: list[Skipped] | None = None
    embedding: Skipped | None = None
    usage_metadata: Counts | None = None
    error: Any = None


class Model(Struct, gc=False, rename="camel"):
    name: str
    input_token_limit: Any = None
    supported_generation_methods: Any = None


class Models(Struct, gc=False):
    """A page of the list of models."""

    models: list[Model] | None = None
    error: Any = None


decode_answer = msgspec.json.Decoder(Answer).decode
decode_chunk = msgspec.json.Decoder(Chunk).decode
decode_first_chunk = msgspec.json.Decoder(FirstChunk).decode
decode_watched = msgspec.json.Decoder(Watched).decode
decode_counts = msgspec.json.Decoder(Counts | None).decode
decode_judged = msgspec.json.Decoder(Judged).decode
decode_vectors = msgspec.json.Decoder(Vectors).decode
decode_judged_vectors = msgspec.json.Decoder(JudgedVectors).decode
decode_models = msgspec.json.Decoder(Models).decode
_decode_raw = msgspec.json.Decoder(_RawAnswer).decode


def raw_part(body: bytes, candidate: int, part: int) -> bytes:
    """A part that `decode_answer` has found in this body, as it came."""
    content = (_decode_raw(body).candidates or ())[candidate].content
    return bytes((content.parts or ())[part]) if content is not None else b"{}"
