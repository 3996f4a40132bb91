"""Google's older `Schema` (a subset of OpenAPI 3.0) as JSON schema: the server's side. Knows no call."""

from __future__ import annotations

from typing import Any

_NESTED = ("items", "additionalProperties", "not")
_LISTS = ("anyOf", "prefixItems")


def json_schema(schema: Any) -> Any:
    """The same in JSON schema: types in lower case, `nullable` as a type, numbers as numbers."""
    if not isinstance(schema, dict):
        return schema
    said = {name: _value(name, value) for name, value in schema.items() if name not in ("nullable", "propertyOrdering")}
    kind = said.get("type")
    if isinstance(kind, str):
        said["type"] = kind.lower()
        if kind == "TYPE_UNSPECIFIED":
            del said["type"]
    if schema.get("nullable") and "type" in said:
        said["type"] = [said["type"], "null"]
    return said


def _value(name: str, value: Any) -> Any:
    if name == "properties" and isinstance(value, dict):
        return {key: json_schema(inner) for key, inner in value.items()}
    if name in _NESTED:
        return json_schema(value)
    if name in _LISTS and isinstance(value, list):
        return [json_schema(inner) for inner in value]
    if name.startswith(("min", "max")) and isinstance(value, str) and value.isdecimal():
        return int(value)  # 64-bit numbers are strings in Google's JSON
    return value
