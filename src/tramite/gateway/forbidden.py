"""What no body may say, whatever its target would make of it: it would go round what the gateway has to keep.

A body that passes to a target of the client's own dialect is not understood whole, so this is asked of its names.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from msgspec import Raw

from tramite.dialects.responses.settings_in import refuse_what_needs_a_store
from tramite.errors import InvalidCall

from .doors import Door

_READ = frozenset(
    (
        *("model", "stream", "stream_options", "prompt", "n", "best_of"),
        *("max_tokens", "max_completion_tokens", "max_output_tokens"),
        *("previous_response_id", "conversation", "store", "background", "models", "fallbacks"),
    )
)
"""The names that decide something here."""
_STORED = ("previous_response_id", "conversation", "prompt", "store", "background")
_OTHERS = ("models", "fallbacks")
"""By which routers before other providers (OpenRouter, LiteLLM) are told of models beside `model`."""


def check(door: Door, fields: Mapping[str, Raw]) -> None:
    """Raises InvalidCall, naming the field."""
    for name in fields:
        if not (name.isascii() and name.islower()) and name.casefold() in _READ:
            # Servers in Go, Ollama's among them, take it for the other one: it would decide there, and not here.
            raise InvalidCall(f"{name[:80]!r} is too much like {name.casefold()}: write that", name[:80])
    for name in _OTHERS:
        if name in fields:
            raise InvalidCall(f"{name}: which models may stand in for another is for a route to say", name)
    if door.kind == "chat":
        names = _STORED if door.name == "openai-responses" else ("store",)
        said = {name: _value(name, fields[name]) for name in names if name in fields}
        if said:
            refuse_what_needs_a_store({name: value for name, value in said.items() if value is not None})


def _value(name: str, raw: Raw) -> object:
    try:
        return msgspec.json.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidCall(f"{name} cannot be read: {error}", name) from None
