"""From a type or a JSON schema to what is asked of the model, and from its answer to the object."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, TypedDict

import msgspec
import pydantic
import pytest

from tramite import InvalidCall
from tramite.client.schema import wanted


@dataclass
class Street:
    name: str
    number: int | None


@dataclass
class Address:
    street: Street
    kind: Literal["home", "work"]
    others: list[Street]


class City(msgspec.Struct):
    name: str
    at: Address


class Town(TypedDict):
    name: str


class Person(pydantic.BaseModel):
    name: str
    address: Address


class Family(pydantic.BaseModel):
    name: str
    children: list[Family]


@pytest.mark.parametrize("schema", [Address, City, Town, Person, Family])
def test_what_strict_mode_can_hold_is_asked_for_strictly(schema: Any) -> None:
    asked = wanted(schema).response_format
    assert (asked.type, asked.strict, (asked.schema or {})["type"]) == ("json_schema", True, "object")


@dataclass
class Scores:
    by_name: dict[str, int]


@dataclass
class Nested:
    inner: list[Scores]


@dataclass
class Pair:
    both: tuple[int, str]


@dataclass
class Optional:
    note: str = ""


@dataclass
class Anything:
    value: Any


class Open(pydantic.BaseModel, extra="allow"):
    name: str


class Counted(pydantic.BaseModel):
    scores: dict[str, int]


class Cat(msgspec.Struct, tag=True):
    name: str


class Dog(msgspec.Struct, tag=True):
    name: str


class Owner(msgspec.Struct):
    pet: Cat | Dog


@pytest.mark.parametrize("schema", [Scores, Nested, Pair, Optional, Anything, Open, Counted, Owner])
def test_what_strict_mode_would_refuse_is_not_asked_for_strictly(schema: Any) -> None:
    assert wanted(schema).response_format.strict is None


def test_the_answer_is_an_object_of_the_type() -> None:
    text = '{"street": {"name": "Via Roma", "number": null}, "kind": "home", "others": []}'
    assert wanted(Address).validate(text) == Address(Street("Via Roma", None), "home", [])
    assert wanted(Person).validate(f'```JSON\n{{"name": "Ada", "address": {text}}}\n```').address.kind == "home"


@pytest.mark.parametrize("schema", [Address, Person, {"type": "object"}])
@pytest.mark.parametrize("text", ["", "no", '{"street":', '{"a":' + "[" * 100_000 + "]" * 100_000 + "}"])
def test_what_does_not_validate_is_a_value_error(schema: Any, text: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - three libraries, three texts
        wanted(schema).validate(text)
    assert str(caught.value)


def of(part: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "object", "properties": {"a": part}, **more}


@pytest.mark.parametrize(
    ("part", "more"),
    [
        ({"$ref": "http://127.0.0.1:9/remote.json"}, {}),
        ({"$ref": "https://example.com/remote.json#/a"}, {}),
        ({"$ref": "other.json"}, {}),
        ({"$ref": "#/$defs/missing"}, {}),
        ({"items": [{"$dynamicRef": "#nowhere"}]}, {"$schema": "http://json-schema.org/draft-07/schema#"}),
    ],
)
def test_a_reference_is_never_fetched_and_one_to_nowhere_is_refused_before_anything_is_paid(
    part: dict[str, Any], more: dict[str, Any]
) -> None:
    with pytest.raises(InvalidCall, match="refers to"):
        wanted(of(part, **more))


def test_references_within_the_schema_are_followed() -> None:
    schema = of({"$ref": "#/$defs/x"}, **{"$defs": {"x": {"type": "integer"}}})
    assert wanted(schema).validate('{"a": 1}') == {"a": 1}
    with pytest.raises(ValueError, match="a: 'b' is not of type 'integer'"):
        wanted(schema).validate('{"a": "b"}')
    named = of({"$ref": "item"}, **{"$defs": {"x": {"$id": "item", "type": "integer"}}})
    assert wanted(named).validate('{"a": 1}') == {"a": 1}
    assert wanted(of({"type": "string"}, required=["$ref"])).validate('{"a": "x", "$ref": 1}')
    assert wanted({"type": "object", "properties": {"$ref": {"type": "string"}}}).validate('{"$ref": "x"}')


def test_an_older_draft_is_read_as_what_it_is() -> None:
    schema = of(
        {"type": "array", "items": [{"type": "integer"}]}, **{"$schema": "http://json-schema.org/draft-07/schema#"}
    )
    assert wanted(schema).validate('{"a": [1]}') == {"a": [1]}
    with pytest.raises(ValueError, match="a/0"):
        wanted(schema).validate('{"a": ["x"]}')


def test_a_draft_that_nobody_knows_is_read_as_the_latest() -> None:
    assert wanted(of({}, **{"$schema": "https://example.com/mine"})).validate('{"a": 1}') == {"a": 1}


def test_a_schema_that_was_given_is_not_changed() -> None:
    schema: dict[str, Any] = of({"type": "object", "properties": {}})
    wanted(schema)
    assert schema == of({"type": "object", "properties": {}})


@pytest.mark.parametrize("schema", [5, "City", Scores({}), list[int], int, {"type": 5}, field])
def test_what_describes_no_object_is_refused(schema: Any) -> None:
    with pytest.raises(InvalidCall):
        wanted(schema)
