"""JSON schemas as Anthropic's structured outputs take them: objects are closed, bounds are told and not enforced.

Source: platform.claude.com, "Structured outputs", JSON Schema limitations; the official SDKs do the same. What keeps to
the fitted schema keeps to the given one, but for the bounds, and those the notices name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_BOUNDS = frozenset(
    (
        *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength"),
        *("maxItems", "uniqueItems", "contains", "minContains", "maxContains", "minProperties", "maxProperties"),
    )
)
_SCHEMAS = ("properties", "$defs", "definitions")
_LISTS = ("anyOf", "allOf")


def fitted(schema: Mapping[str, Any], loosened: set[str]) -> dict[str, Any]:
    """The schema in Anthropic's terms; the bounds that moved into descriptions are added to `loosened`."""
    told: dict[str, Any] = {}
    fits: dict[str, Any] = {}
    for name, value in schema.items():
        if name in _BOUNDS or (name == "minItems" and value not in (0, 1)):
            told[name] = value
        elif name in _SCHEMAS and isinstance(value, Mapping):
            fits[name] = {key: _inside(inner, loosened) for key, inner in value.items()}
        elif name in (*_LISTS, "oneOf") and isinstance(value, list):
            fits["anyOf" if name == "oneOf" else name] = [_inside(inner, loosened) for inner in value]
        else:
            fits[name] = _inside(value, loosened) if name == "items" else value
    if fits.get("type") == "object" or "properties" in fits:
        fits.setdefault("additionalProperties", False)
    if told:
        loosened.update(told)
        said = ", ".join(f"{name}: {value}" for name, value in told.items())
        fits["description"] = f"{fits['description']} ({said})" if fits.get("description") else f"({said})"
    return fits


def _inside(schema: object, loosened: set[str]) -> object:
    return fitted(schema, loosened) if isinstance(schema, Mapping) else schema
