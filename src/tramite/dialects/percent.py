"""Names of models in paths: percent-encoding (RFC 3986), and none that leads elsewhere. Knows no path."""

from __future__ import annotations

import re

from tramite.errors import InvalidCall

_UNSAFE = re.compile(r"[^A-Za-z0-9._~/:@!$&'()*+,;=-]")
_PERCENT = re.compile(rb"%([0-9A-Fa-f]{2})")


def refuse_detours(model: str) -> None:
    """Raises `InvalidCall` for a name that would lead elsewhere."""
    if any(step in ("", ".", "..") for step in model.split("/")):
        raise InvalidCall(f"{model!r} is not a model's name", "model")


def quoted(name: str) -> str:
    """The name as a path may hold it; its slashes stay."""
    return _UNSAFE.sub(lambda found: "".join(f"%{byte:02X}" for byte in found[0].encode("utf-8", "replace")), name)


def unquoted(text: str) -> str:
    """The name that was written so."""
    if "%" not in text:
        return text
    raw = _PERCENT.sub(lambda found: bytes((int(found[1], 16),)), text.encode("utf-8", "replace"))
    return raw.decode("utf-8", "replace")
