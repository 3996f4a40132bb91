"""The OpenAI dialect, spoken by OpenAI, Azure and some forty others: chats, completions, embeddings, models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from tramite.calls import Kind
from tramite.dialects.base import Dialect, Operation
from tramite.dialects.failure_shapes import decode_error

from .assistant_out import NAME
from .chat import Chat
from .completions import Completions
from .embeddings import Embeddings
from .errors_out import encode_error, encode_stream_error
from .models import Models


class _OpenAI:
    """See `dialects.base.Dialect`."""

    name: str = NAME
    framing: Literal["sse", "ndjson"] = "sse"
    operations: Mapping[Kind, Operation] = {
        "chat": Chat(),
        "completion": Completions(),
        "embedding": Embeddings(),
        "models": Models(),
    }
    decode_error = staticmethod(decode_error)
    encode_error = staticmethod(encode_error)
    encode_stream_error = staticmethod(encode_stream_error)


OPENAI: Dialect = _OpenAI()

__all__ = ["OPENAI"]
