"""Answers as validated objects: from a type or a JSON schema to the response format, from text to the object."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from msgspec import Struct

from tramite.calls import ResponseFormat
from tramite.errors import InvalidCall

_FENCE = re.compile(r"^\s*```(?:json)?\s*\n(.*)\n\s*```\s*$", re.DOTALL)


class Wanted(Struct, frozen=True):
    """The form that an answer must have. `validate(text)` gives the object, or raises ValueError with what is wrong."""

    response_format: ResponseFormat
    validate: Callable[[str], Any]


def wanted(schema: Any) -> Wanted:
    """From a dataclass, a msgspec Struct, a TypedDict, a pydantic model, or a JSON schema as a mapping.

    Raises InvalidCall for what is none of these, or does not describe an object.
    """
    if isinstance(schema, Mapping):
        return _from_json_schema(dict(schema))
    if isinstance(schema, type) and hasattr(schema, "model_json_schema"):
        return _wanted(schema.__name__, schema.model_json_schema(), _pydantic(schema))
    try:
        described = msgspec.json.schema(schema)
        decoder = msgspec.json.Decoder(schema)
    except (TypeError, ValueError) as error:
        raise InvalidCall(f"schema must be a class with typed fields or a JSON schema: {error}", "schema") from error

    def validate(text: str) -> Any:
        return decoder.decode(text)

    return _wanted(getattr(schema, "__name__", "answer"), described, validate)


def unfenced(text: str) -> str:
    """The text without the Markdown fence that models without a JSON mode like to put around JSON."""
    match = _FENCE.match(text)
    return match[1] if match else text


def _wanted(name: str, schema: dict[str, Any], validate: Callable[[str], Any]) -> Wanted:
    definitions = schema.get("$defs", {})
    root = schema
    if "$ref" in schema:  # OpenAI wants the root itself to be the object
        root = {**definitions[schema["$ref"].rpartition("/")[2]], "$defs": definitions}
    if root.get("type") != "object":
        raise InvalidCall(
            f"schema must describe an object, {name} describes {root.get('type', 'something else')}", "schema"
        )
    objects = [part for part in (root, *definitions.values()) if part.get("type") == "object"]
    for part in objects:
        part.setdefault("additionalProperties", False)
    # Strict mode (OpenAI: Structured Outputs) demands that every property be required and no other be allowed.
    strict = all(
        set(part.get("required", ())) == set(part.get("properties", ())) and part["additionalProperties"] is False
        for part in objects
    )
    clean = re.sub(r"[^A-Za-z0-9_-]", "_", name)[:64]
    return Wanted(ResponseFormat("json_schema", clean, root, strict or None), lambda text: validate(unfenced(text)))


def _from_json_schema(schema: dict[str, Any]) -> Wanted:
    from jsonschema import Draft202012Validator, SchemaError, ValidationError

    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        raise InvalidCall(f"this is no valid JSON schema: {error.message}", "schema") from error
    validator = Draft202012Validator(schema)

    def validate(text: str) -> Any:
        value = msgspec.json.decode(unfenced(text))
        try:
            validator.validate(value)
        except ValidationError as error:
            where = "/".join(str(step) for step in error.absolute_path) or "the answer"
            raise ValueError(f"{where}: {error.message}") from error
        return value

    name = re.sub(r"[^A-Za-z0-9_-]", "_", str(schema.get("title", "answer")))[:64]
    return Wanted(ResponseFormat("json_schema", name, schema), validate)


def _pydantic(model: Any) -> Callable[[str], Any]:
    def validate(text: str) -> Any:
        return model.model_validate_json(text)  # its ValidationError is a ValueError

    return validate
