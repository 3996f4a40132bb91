"""Where a call goes: Gemini's paths hold the model and the method. Knows no body."""

from __future__ import annotations

from functools import lru_cache

from tramite.dialects.percent import quoted, refuse_detours, unquoted
from tramite.errors import InvalidCall

STREAM = "streamGenerateContent"


@lru_cache(maxsize=256)
def path_of(model: str, method: str) -> str:
    """The path below the base URL. Raises `InvalidCall` for a name that would lead elsewhere."""
    refuse_detours(model)
    suffix = "?alt=sse" if method == STREAM else ""
    return f"/{resource(quoted(model))}:{method}{suffix}"


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
            return unquoted(name[at + keep :]) or None, method
    return None, method
