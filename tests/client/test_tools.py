"""Functions as tools: how they are described, and what the model is told of their results."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Any, Literal

import msgspec
import pytest

from tests.client.world import config, in_process
from tramite import AsyncClient, InvalidCall, Tool, ToolCall
from tramite.client.tools import answer, as_tools
from tramite.simulator import InProcess
from tramite.wire.seam import Request


class Unit(Enum):
    C = "celsius"


@dataclass
class Place:
    city: str
    country: str | None = None


def weather(place: Place, unit: Unit = Unit.C, days: int = 1, tags: list[str] = [], note=None) -> str:  # type: ignore[no-untyped-def]  # noqa: B006
    """The weather at a place."""
    return f"{place.city} {unit.value} {days} {tags} {note}"


class Station:
    def measure(self, what: Literal["wind", "rain"]) -> str:
        """What the station measures."""
        return f"much {what}"

    def __call__(self, place: str) -> str:
        return f"a station in {place}"

    @staticmethod
    def close(hard: bool) -> bool:
        return hard


async def result(tool: Callable[..., Any] | Tool, raw: str) -> str:
    [described] = as_tools([tool])
    [message] = await answer([ToolCall("1", described.name, raw)], [described])
    return message.text


async def test_a_function_is_described_by_its_signature_and_called_with_what_that_says() -> None:
    [tool] = as_tools([weather])
    assert (tool.name, tool.description) == ("weather", "The weather at a place.")
    properties = tool.parameters["properties"]
    assert list(properties) == ["place", "unit", "days", "tags", "note"]
    assert tool.parameters["required"] == ["place"]
    assert tool.parameters["additionalProperties"] is False
    assert (properties["days"], properties["note"]) == ({"type": "integer", "default": 1}, {"default": None})
    assert tool.parameters["$defs"]["Place"]["required"] == ["city"]
    assert await result(weather, '{"place": {"city": "Firenze"}, "days": 3}') == "Firenze celsius 3 [] None"


async def test_whatever_can_be_called_by_names_is_a_tool() -> None:
    assert await result(Station().measure, '{"what": "wind"}') == "much wind"
    assert await result(Station.close, '{"hard": true}') == "true"
    named = as_tools([Station()])[0]
    assert named.name == "Station"
    assert await result(Station(), '{"place": "Pisa"}') == "a station in Pisa"
    partly = functools.partial(weather, Place("Roma"))
    assert list(as_tools([partly])[0].parameters["properties"]) == ["unit", "days", "tags", "note"]
    assert await result(partly, "{}") == "Roma celsius 1 [] None"


def test_what_an_annotation_says_of_a_parameter_reaches_the_model() -> None:
    def forecast(city: Annotated[str, msgspec.Meta(description="its name")], days: Annotated[int, "how many"]) -> None:
        pass

    properties = as_tools([forecast])[0].parameters["properties"]
    assert properties["city"] == {"type": "string", "description": "its name"}
    assert properties["days"] == {"type": "integer", "description": "how many"}


def unresolved(x: Missing) -> None:  # type: ignore[name-defined]  # noqa: F821
    pass


def foreign(x: Station) -> None:
    pass


def filled(x: list[int] = [1]) -> None:  # noqa: B006
    pass


def many(*cities: str) -> None:
    pass


@pytest.mark.parametrize(
    ("tool", "complaint"),
    [
        (5, "a tool is a function"),
        (lambda x: x, "a lambda has no name"),
        (many, "must have names of their own"),
        (max, "max: its parameters cannot be read: no signature"),
        (unresolved, "unresolved: .*Missing"),
        (foreign, "foreign: .*Station"),
    ],
)
def test_what_cannot_be_described_is_refused_with_its_name(tool: Any, complaint: str) -> None:
    with pytest.raises(InvalidCall, match=complaint):
        as_tools([tool])


async def test_a_default_that_json_cannot_hold_is_a_default_all_the_same() -> None:
    place = Station()

    def where(at: Any = place, of: list[int] = [1]) -> bool:  # noqa: B006
        return at is place and of == [1]

    assert as_tools([where])[0].parameters.get("required", []) == []
    assert await result(where, "{}") == "true"
    assert await result(filled, "{}") == "null"


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("text", "text"),
        (None, "null"),
        ({"a": {1, 2}}, '{"a":[1,2]}'),
        (Place("Roma"), '{"city":"Roma","country":null}'),
        (ValueError("as a value"), '"as a value"'),
        (2**70, "1180591620717411303424"),
        ("\ud800", "error: the result cannot be written as JSON"),
        (b"\x00", '"AA=="'),
    ],
)
async def test_any_result_is_told_in_some_way(value: Any, told: str) -> None:
    def tool() -> Any:
        return value

    assert (await result(tool, "{}")).startswith(told)


async def test_a_result_that_contains_itself_is_an_error_for_the_model(caplog: pytest.LogCaptureFixture) -> None:
    def tool() -> Any:
        loop: list[Any] = []
        loop.append(loop)
        return loop

    assert (await result(tool, "{}")).startswith("error: the result cannot be written as JSON")
    assert "tool" in caplog.text


@pytest.mark.parametrize("raw", ["[]", "{", '{"city": 5}', '{"town": "x"}', '{"city":' + "[" * 10_000])
async def test_arguments_that_do_not_fit_are_told_to_the_model(raw: str) -> None:
    def tool(city: str) -> str:
        raise AssertionError("called")

    assert (await result(tool, raw)).startswith("error: the arguments do not fit")


class Recording(InProcess):
    """Keeps what it is sent."""

    def __init__(self) -> None:
        super().__init__()
        self.bodies: list[dict[str, Any]] = []

    async def send(self, request: Request) -> Any:
        self.bodies.append(msgspec.json.decode(request.body))
        return await super().send(request)


@pytest.mark.parametrize(
    ("chosen", "then"),
    [
        ("required", "auto"),
        ("weather", "auto"),
        ("auto", "auto"),
        (None, None),
    ],
)
async def test_a_tool_that_had_to_be_called_need_not_be_called_for_ever(chosen: str | None, then: str | None) -> None:
    def weather(city: str) -> str:
        return "sun"

    provider = Recording()
    llm = AsyncClient(config(), transport=provider)
    await llm.chat("x", model="sim/tools", tools=[weather], tool_choice=chosen)
    first, second = [body.get("tool_choice") for body in provider.bodies]
    assert (first, second) == (
        {"type": "function", "function": {"name": chosen}} if chosen == "weather" else chosen,
        then,
    )


async def test_a_tool_described_by_hand_gets_its_arguments_as_they_are() -> None:
    tool = Tool("t", parameters={"type": "object"}, function=lambda **given: sorted(given))
    assert await result(tool, '{"b": 1, "a": 2}') == '["a","b"]'
    tool = Tool("t", parameters={"type": "object"}, function=many)
    assert (await result(tool, '{"b": 1}')).startswith("error: the arguments do not fit")


async def test_tools_without_a_function_are_left_to_the_caller() -> None:
    def weather(city: str) -> str:
        raise AssertionError("called")

    mine = Tool("mine", parameters={"type": "object", "properties": {"city": {"type": "string"}}})
    llm, provider = in_process()
    reply = await llm.chat("x", model="sim/tools", tools=[mine, weather])
    assert [call.name for call in reply.tool_calls] == ["mine"]
    assert provider.stats().requests == 1
