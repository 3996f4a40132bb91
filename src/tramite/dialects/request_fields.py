"""Fields of a request's body, taken out one by one: the server's side. Strict about types; knows no setting."""

from __future__ import annotations

from typing import Any

import msgspec

from tramite.errors import InvalidCall

from .json_bodies import UNREADABLE


def fields_of(body: bytes) -> dict[str, Any]:
    """The body as an object. Raises InvalidCall."""
    try:
        fields = msgspec.json.decode(body)
    except UNREADABLE as error:
        raise InvalidCall(f"the request's body is not JSON: {error}") from error
    if not isinstance(fields, dict):
        raise InvalidCall("the request's body must be a JSON object")
    return {name: value for name, value in fields.items() if value is not None}


def take(fields: dict[str, Any], name: str, kind: type | tuple[type, ...], what: str) -> Any:
    """Take a field out, of this type or absent. Raises InvalidCall naming it."""
    value = fields.pop(name, None)
    if value is None:
        return None
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise InvalidCall(f"{name} must be {what}, got {value!r:.60}", name)
    return value
