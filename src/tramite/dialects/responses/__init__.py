"""The OpenAI Responses dialect, spoken by OpenAI, Azure, xAI, DeepSeek and local servers: chats, and OpenAI's models.

One-shot and stateless: nothing is stored by the provider, and the state of its thinking travels with the messages.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from tramite.calls import Kind
from tramite.dialects.base import Dialect, Operation
from tramite.dialects.failure_shapes import decode_error
from tramite.dialects.openai.errors_out import encode_error
from tramite.dialects.openai.models import Models

from .chat import Chat
from .errors_out import encode_stream_error
from .state import NAME


class _Responses:
    """See `dialects.base.Dialect`."""

    name: str = NAME
    framing: Literal["sse", "ndjson"] = "sse"
    operations: Mapping[Kind, Operation] = {"chat": Chat(), "models": Models()}
    decode_error = staticmethod(decode_error)
    encode_error = staticmethod(encode_error)
    encode_stream_error = staticmethod(encode_stream_error)


RESPONSES: Dialect = _Responses()

__all__ = ["RESPONSES"]
