"""The embedding model that comes as a package: all-MiniLM-L6-v2, English, on the processor, without torch."""

from __future__ import annotations

from .transport import NAME, transport

__all__ = ["NAME", "transport"]
