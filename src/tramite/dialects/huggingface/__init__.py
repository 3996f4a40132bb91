"""The Hugging Face dialect: the router, hf-inference, and the containers TGI and TEI of dedicated endpoints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from tramite.calls import Kind
from tramite.dialects.base import Dialect, Operation

from .chat import Chat, Models
from .embeddings import Embeddings
from .errors_in import decode_error
from .errors_out import encode_error, encode_stream_error
from .generation import Generation
from .reranking import Reranking


class _HuggingFace:
    """See `dialects.base.Dialect`."""

    name: str = "huggingface"
    framing: Literal["sse", "ndjson"] = "sse"
    operations: Mapping[Kind, Operation] = {
        "chat": Chat(),
        "completion": Generation(),
        "embedding": Embeddings(),
        "rerank": Reranking(),
        "models": Models(),
    }
    decode_error = staticmethod(decode_error)
    encode_error = staticmethod(encode_error)
    encode_stream_error = staticmethod(encode_stream_error)


HUGGINGFACE: Dialect = _HuggingFace()

__all__ = ["HUGGINGFACE"]
