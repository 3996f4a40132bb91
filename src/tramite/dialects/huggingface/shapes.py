"""What Hugging Face's servers send, as far as we read it: typed shapes and their decoders.

Sources: TGI's `router/src/lib.rs` (GenerateResponse, StreamResponse), TEI's `router/src/http/types.rs`. Fields that are
not needed are skipped, not built; the frame is strict, its leaves are looked at where they are used.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Raw, Struct


class Skipped(Struct, gc=False):
    """An object whose fields nobody asks for."""


class Details(Struct, gc=False):
    """How a generation ended; `prefill` has the prompt's tokens, where they were asked for."""

    finish_reason: Any = None
    generated_tokens: Any = None
    input_length: Any = None
    prefill: list[Skipped] | None = None
    best_of_sequences: list[Sequence] | None = None


class Sequence(Details, gc=False):
    """One of the generations that the first one is the best of."""

    generated_text: Any = None


class Token(Struct, gc=False):
    text: Any = None
    special: Any = None


class Frame(Struct, gc=False):
    """A frame of a stream. `generated_text` comes with the last one, and may be empty."""

    token: Token | None = None
    generated_text: Any = None
    details: Details | None = None
    error: Any = None
    error_type: Any = None


class RatedToken(Struct, gc=False):
    text: Any = None
    logprob: Any = None
    special: Any = None


class RatedFrame(Frame, gc=False):
    """The same, with the probabilities."""

    token: RatedToken | None = None  # type: ignore[assignment]  # the same field with more in it
    top_tokens: list[RatedToken] | None = None


class RatedDetails(Details, gc=False):
    """The same, with the probabilities."""

    tokens: list[RatedToken] | None = None
    top_tokens: list[list[RatedToken]] | None = None
    best_of_sequences: list[RatedSequence] | None = None  # type: ignore[assignment]  # the same field with more in it


class RatedSequence(RatedDetails, gc=False):
    generated_text: Any = None


class Whole(Struct, gc=False):
    """A whole generation; in the classic shape it is one of a list."""

    generated_text: Any = None
    details: Details | None = None
    error: Any = None


class RatedWhole(Whole, gc=False):
    """The same, with the probabilities."""

    details: RatedDetails | None = None


class Judged(Struct, gc=False):
    """The same, as far as the pipeline must know it. A raw field that is not there is empty."""

    generated_text: Raw = Raw()
    details: Details | None = None
    error: Any = None


class Vectors(Struct, gc=False):
    """Vectors in an object (Hugging Face's inference toolkit)."""

    embeddings: Raw = Raw()
    error: Any = None


class Rank(Struct, gc=False):
    index: int
    score: float


decode_frame = msgspec.json.Decoder(Frame).decode
decode_rated_frame = msgspec.json.Decoder(RatedFrame).decode
decode_whole = msgspec.json.Decoder(Whole | list[Whole]).decode
decode_rated_whole = msgspec.json.Decoder(RatedWhole | list[RatedWhole]).decode
decode_judged = msgspec.json.Decoder(Judged | list[Judged]).decode
decode_rows = msgspec.json.Decoder(Vectors | list[Raw]).decode
decode_ranks = msgspec.json.Decoder(list[Rank]).decode
