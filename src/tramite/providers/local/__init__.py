"""Models of transformers in this process: chat, completions and embeddings, nothing fetched unless asked for."""

from __future__ import annotations

from .transport import transport

__all__ = ["transport"]
