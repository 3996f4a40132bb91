"""The Anthropic dialect: the Messages API, spoken by Anthropic and by many servers beside their own: chats, models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from tramite.calls import Kind
from tramite.dialects.base import Dialect, Operation

from .chat import Chat
from .errors_in import decode_error
from .errors_out import encode_error, encode_stream_error
from .models import Models
from .state import NAME


class _Anthropic:
    """See `dialects.base.Dialect`."""

    name: str = NAME
    framing: Literal["sse", "ndjson"] = "sse"
    operations: Mapping[Kind, Operation] = {"chat": Chat(), "models": Models()}
    decode_error = staticmethod(decode_error)
    encode_error = staticmethod(encode_error)
    encode_stream_error = staticmethod(encode_stream_error)


ANTHROPIC: Dialect = _Anthropic()

__all__ = ["ANTHROPIC"]
