"""Answers as validated objects: from a type or a JSON schema to the response format, from text to the object."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec
from msgspec import Struct

from tramite.calls import ResponseFormat
from tramite.errors import InvalidCall

_FENCE = re.compile(r"^\s*```(?:json)?\s*\n(.*)\n\s*```\s*$", re.DOTALL | re.IGNORECASE)

_STRICT_WORDS = frozenset(
    (
        *("type", "properties", "required", "additionalProperties", "items", "enum", "const", "anyOf", "$ref", "$defs"),
        *("title", "description", "pattern", "format", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"),
        *("multipleOf", "minItems", "maxItems"),
    )
)
"""What OpenAI's strict mode knows (OpenAI: Structured Outputs, "Supported schemas"); anything else is a 400 there."""


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
        model: Any = schema
        return _from_type(schema.__name__, model.model_json_schema(), model.model_validate_json)
    try:
        described = msgspec.json.schema(schema)
        decoder = msgspec.json.Decoder(schema)
    except (TypeError, ValueError, NameError) as error:
        raise InvalidCall(f"schema must be a class with typed fields or a JSON schema: {error}", "schema") from error
    return _from_type(getattr(schema, "__name__", "answer"), described, decoder.decode)


def _wanted(name: object, schema: dict[str, Any], strict: bool | None, validate: Callable[[str], Any]) -> Wanted:
    def validated(text: str) -> Any:
        fenced = _FENCE.match(text)  # models without a JSON mode like to put Markdown around it
        try:
            return validate(fenced[1] if fenced else text)
        except RecursionError as error:
            raise ValueError("it is nested too deeply") from error

    clean = re.sub(r"[^A-Za-z0-9_-]", "_", str(name))[:64]
    return Wanted(ResponseFormat("json_schema", clean, schema, strict), validated)


def _from_type(name: str, schema: dict[str, Any], validate: Callable[[str], Any]) -> Wanted:
    definitions = schema.get("$defs", {})
    root = schema
    if "$ref" in schema:  # OpenAI wants the root itself to be the object
        root = {**definitions[schema["$ref"].rpartition("/")[2]], "$defs": definitions}
    if root.get("type") != "object":
        raise InvalidCall(
            f"schema must describe an object, {name} describes {root.get('type', 'something else')}", "schema"
        )
    parts = list(_parts(root))
    for part in parts:
        _say_what_is_meant(part)
    return _wanted(name, root, all(map(_is_strict, parts)) or None, validate)


def _parts(schema: Any) -> Iterator[Any]:
    """The schema and every schema in it."""
    yield schema
    if isinstance(schema, dict):
        for word in ("properties", "$defs"):
            for part in schema.get(word, {}).values():
                yield from _parts(part)
        for part in (*schema.get("anyOf", ()), *([schema["items"]] if "items" in schema else [])):
            yield from _parts(part)


def _say_what_is_meant(part: Any) -> None:
    """What strict mode wants to read, and follows from the type: no other fields, and what an enumeration's values are.

    The dictionary is the library's own, made for us.
    """
    if isinstance(part, dict):
        if "properties" in part:
            part.setdefault("additionalProperties", False)
        kinds = {type(value) for value in part.get("enum", ())}
        if "type" not in part and kinds in ({str}, {int}):
            part["type"] = "string" if kinds == {str} else "integer"


def _is_strict(part: Any) -> bool:
    """Whether strict mode takes this part: every field required and no other allowed, nothing left open."""
    if not isinstance(part, dict) or not part.keys() <= _STRICT_WORDS:
        return False
    if part.get("type") == "object":
        required, fields = part.get("required", ()), part.get("properties", ())
        return set(required) == set(fields) and part.get("additionalProperties") is False
    return bool(part.keys() & {"type", "anyOf", "$ref"})


def _from_json_schema(schema: dict[str, Any]) -> Wanted:
    from jsonschema import Draft202012Validator, SchemaError, ValidationError
    from jsonschema.validators import validator_for
    from referencing import Registry

    kind = validator_for(schema, default=Draft202012Validator)
    try:
        kind.check_schema(schema)
    except SchemaError as error:
        raise InvalidCall(f"this is no valid JSON schema: {error.message}", "schema") from error
    _check_references(schema)
    validator = kind(schema, registry=Registry())  # an empty one: jsonschema's own would fetch what it does not know

    def validate(text: str) -> Any:
        value = msgspec.json.decode(text)
        try:
            validator.validate(value)
        except ValidationError as error:
            where = "/".join(str(step) for step in error.absolute_path) or "the answer"
            raise ValueError(f"{where}: {error.message}") from error
        return value

    return _wanted(schema.get("title", "answer"), schema, None, validate)


def _check_references(schema: dict[str, Any]) -> None:
    """Raise InvalidCall for a reference that leads nowhere: later it would fail an answer that was paid for."""
    from referencing import Registry

    root = _resource(schema)
    _look_up(schema, Registry().resolver_with_root(root))


def _look_up(part: Any, resolver: Any) -> None:
    from referencing.exceptions import Unresolvable

    if isinstance(part, list):
        for item in part:
            _look_up(item, resolver)
    if not isinstance(part, Mapping):
        return
    for word in ("$ref", "$dynamicRef"):
        if isinstance(part.get(word), str):
            try:
                resolver.lookup(part[word])
            except Unresolvable:
                raise InvalidCall(
                    f"the schema refers to {part[word]!r}, which is not in it; nothing is fetched: put it under $defs",
                    "schema",
                ) from None
    for value in part.values():
        named = isinstance(value, Mapping) and isinstance(value.get("$id"), str)
        _look_up(value, resolver.in_subresource(_resource(value)) if named else resolver)


def _resource(schema: Mapping[str, Any]) -> Any:
    from referencing import Resource
    from referencing.exceptions import CannotDetermineSpecification
    from referencing.jsonschema import DRAFT202012, UnknownDialect

    try:
        return Resource.from_contents(schema, default_specification=DRAFT202012)
    except (UnknownDialect, CannotDetermineSpecification):
        return DRAFT202012.create_resource(schema)
