"""Where a call goes: Gemini's paths hold the model and the method. Knows no body."""

from __future__ import annotations

import re
from functools import lru_cache

from tramite.errors import InvalidCall

_UNSAFE = re.compile(r"[^A-Za-z0-9._~/:@!$&'()*+,;=-]")
_PERCENT = re.compile(rb"%([0-9A-Fa-f]{2})")
STREAM = "streamGenerateContent"


@lru_cache(maxsize=256)
def path_of(model: str, method: str) -> str:
    """The path below the base URL. Raises `InvalidCall` for a name that would lead elsewhere."""
    if not model or any(step in ("", ".", "..") for step in model.split("/")):
        raise InvalidCall(f"{model!r} is not a model's name", "model")
    if not model.isascii() or _UNSAFE.search(model):
        model = _UNSAFE.sub(
            lambda found: "".join(f"%{byte:02X}" for byte in found[0].encode("utf-8", "replace")), model
        )
    suffix = "?alt=sse" if method == STREAM else ""
    return f"/{resource(model)}:{method}{suffix}"


def resource(model: str) -> str:
    """A model by Google's full name: `models/…`, or a tuned one as it is."""
    return model if model.startswith(("models/", "tunedModels/")) else f"models/{model}"


def model_and_method(path: str) -> tuple[str | None, str]:
    """What a request's path names: the model without `models/`, and the method. Raises `InvalidCall`."""
    path, _, query = path.partition("?")
    name, _, method = path.rpartition(":")
    if method == STREAM and query and "alt=sse" not in query.split("&"):
        raise InvalidCall("streams are sent as server-sent events here: ask for them with ?alt=sse", "alt")
    for collection, keep in (("/tunedModels/", 1), ("/models/", len("/models/"))):
        at = name.find(collection)
        if at >= 0:
            return _unquoted(name[at + keep :]) or None, method
    return None, method


def _unquoted(text: str) -> str:
    if "%" not in text:
        return text
    raw = _PERCENT.sub(lambda found: bytes((int(found[1], 16),)), text.encode("utf-8", "replace"))
    return raw.decode("utf-8", "replace")
