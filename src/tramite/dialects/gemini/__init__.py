"""The Gemini dialect, spoken by Google's Gemini API and by Vertex: chats, embeddings, models. It has no completions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from tramite.calls import Kind
from tramite.dialects.base import Dialect, Operation

from .chat import Chat
from .embeddings import Embeddings
from .errors_in import decode_error
from .errors_out import encode_error, encode_stream_error
from .models import Models
from .state import NAME


class _Gemini:
    """See `dialects.base.Dialect`."""

    name: str = NAME
    framing: Literal["sse", "ndjson"] = "sse"
    operations: Mapping[Kind, Operation] = {"chat": Chat(), "embedding": Embeddings(), "models": Models()}
    decode_error = staticmethod(decode_error)
    encode_error = staticmethod(encode_error)
    encode_stream_error = staticmethod(encode_stream_error)


GEMINI: Dialect = _Gemini()

__all__ = ["GEMINI"]
