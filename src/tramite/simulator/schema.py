"""An example that is valid for a JSON schema, for tools' arguments and structured answers. Patterns are not obeyed."""

from __future__ import annotations

import math
from typing import Any

_FORMATS = {
    "date": "2026-01-31",
    "date-time": "2026-01-31T12:00:00Z",
    "time": "12:00:00Z",
    "duration": "PT1H",
    "email": "name@example.org",
    "hostname": "example.org",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uri": "https://example.org/",
    "uuid": "12345678-1234-4234-8234-123456789abc",
}
_DEEPEST = 8


def example(schema: dict[str, Any]) -> Any:
    """A small value that the schema allows: every property once, one item per array, recursion cut off."""
    return _value(schema, schema, 0)


def _value(schema: Any, root: dict[str, Any], depth: int) -> Any:
    if not isinstance(schema, dict):
        return "text"
    schema = _resolved(schema, root)
    if "const" in schema:
        return schema["const"]
    if schema.get("enum"):
        return schema["enum"][0]
    for key in ("anyOf", "oneOf"):
        if schema.get(key):
            return _value(_simplest(schema[key], depth), root, depth + 1)
    kind = schema.get("type") or ("object" if "properties" in schema else "string")
    if isinstance(kind, list):
        kind = next((k for k in kind if k != "null"), "null")
    maker = _MAKERS.get(kind)
    return maker(schema, root, depth) if maker else None


def _resolved(schema: dict[str, Any], root: dict[str, Any]) -> dict[str, Any]:
    """The schema with its reference followed and the parts of `allOf` laid over each other."""
    seen = 0
    while isinstance(schema.get("$ref"), str) and seen < _DEEPEST:
        target: Any = root
        for step in schema["$ref"].removeprefix("#").strip("/").split("/"):
            target = target.get(step, {}) if isinstance(target, dict) and step else target
        schema, seen = target if isinstance(target, dict) else {}, seen + 1
    if not schema.get("allOf"):
        return schema
    merged = {k: v for k, v in schema.items() if k != "allOf"}
    for part in schema["allOf"]:
        part = _resolved(part, root)
        properties = {**merged.get("properties", {}), **part.get("properties", {})}
        required = [*merged.get("required", ()), *part.get("required", ())]
        merged |= part
        if properties:
            merged |= {"properties": properties, "required": required}
    return merged


def _simplest(options: list[Any], depth: int) -> Any:
    """The first that is not null; null first once the depth is used up."""
    nulls = [o for o in options if isinstance(o, dict) and o.get("type") == "null"]
    others = [o for o in options if o not in nulls]
    ordered = nulls + others if depth >= _DEEPEST else others + nulls
    return ordered[0]


def _object(schema: dict[str, Any], root: dict[str, Any], depth: int) -> dict[str, Any]:
    properties = schema.get("properties", {})
    names = schema.get("required", ()) if depth >= _DEEPEST else properties
    if depth >= 2 * _DEEPEST:
        return {}
    return {name: _value(properties.get(name, {}), root, depth + 1) for name in names}


def _array(schema: dict[str, Any], root: dict[str, Any], depth: int) -> list[Any]:
    wished = 0 if depth >= _DEEPEST else 1
    least = schema.get("minItems", 0)
    length = max(least, min(wished, schema.get("maxItems", wished)))
    prefix = schema.get("prefixItems", [])
    items = [_value(item, root, depth + 1) for item in prefix]
    while len(items) < length:
        item = _value(schema.get("items", {}), root, depth + 1)
        items.append(_another(item, len(items)) if schema.get("uniqueItems") else item)
    return items


def _another(item: Any, number: int) -> Any:
    if number and isinstance(item, str):
        return f"{item}-{number + 1}"
    return item + number if number and isinstance(item, int | float) else item


def _string(schema: dict[str, Any], root: dict[str, Any], depth: int) -> str:
    text = _FORMATS.get(schema.get("format", ""), "text")
    text = text.ljust(schema.get("minLength", 0), "x")
    return text[: schema["maxLength"]] if "maxLength" in schema else text


def _number(schema: dict[str, Any], root: dict[str, Any], depth: int) -> float:
    low, high = _bounds(schema)
    step = schema.get("multipleOf")
    value = 1.5 if low <= 1.5 <= high else low if low > -math.inf else high
    if value in (schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")):
        value = (low + high) / 2 if math.inf not in (high, -low) else value + (1 if value == low else -1)
    return math.ceil(value / step) * step if step else value


def _integer(schema: dict[str, Any], root: dict[str, Any], depth: int) -> int:
    low, high = _bounds(schema)
    step: int = schema.get("multipleOf", 1)
    value = 1 if low <= 1 <= high else low if low > -math.inf else high
    if value == schema.get("exclusiveMinimum"):
        value = math.floor(value) + 1
    elif value == schema.get("exclusiveMaximum"):
        value = math.ceil(value) - 1
    return math.ceil(value / step) * step


def _bounds(schema: dict[str, Any]) -> tuple[float, float]:
    low = max(schema.get("minimum", -math.inf), schema.get("exclusiveMinimum", -math.inf))
    high = min(schema.get("maximum", math.inf), schema.get("exclusiveMaximum", math.inf))
    return low, high


def _boolean(schema: dict[str, Any], root: dict[str, Any], depth: int) -> bool:
    return True


_MAKERS = {
    "object": _object,
    "array": _array,
    "string": _string,
    "number": _number,
    "integer": _integer,
    "boolean": _boolean,
}
