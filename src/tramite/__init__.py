"""tramite: language models through APIs. The public names, loaded when they are first used."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from .calls import ChatCall as ChatCall
    from .calls import CompletionCall as CompletionCall

_HOME = {
    "ChatCall": "calls",
    "CompletionCall": "calls",
}

__all__ = ["ChatCall", "CompletionCall"]  # noqa: F822


def __getattr__(name: str) -> Any:
    module = _HOME.get(name)
    if module is None:
        raise AttributeError(f"module 'tramite' has no attribute {name!r}")
    value = getattr(import_module(f".{module}", __name__), name)
    globals()[name] = value
    return value
