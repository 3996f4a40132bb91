"""What simulated models say: tokens that join to the text, schemas obeyed, vectors by words, an honest demo."""

from __future__ import annotations

import json
import math
from enum import Enum
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field

from tests.simulator.raw import CHAT, chat, in_process
from tramite.calls import ChatCall
from tramite.messages import Audio, Image, ToolCall, assistant, user
from tramite.simulator import InProcess, demo
from tramite.simulator.schema import example
from tramite.simulator.text import continued, counted, input_tokens, pieces, slices
from tramite.simulator.vectors import vector


@given(st.text())
def test_tokens_join_to_the_text_they_are_of(text: str) -> None:
    assert "".join(pieces(text)) == text
    assert "".join(slices(text)) == text
    assert all(pieces(text))


@given(st.integers(0, 200), st.data())
def test_counted_words_continue_exactly_from_any_character(tokens: int, data: st.DataObject) -> None:
    whole = "".join(counted(tokens))
    said = whole[: data.draw(st.integers(0, len(whole)))]
    assert said + "".join(continued(said, tokens)) == whole


def test_counted_words_go_on_from_the_last_number_of_another_text() -> None:
    assert "".join(continued("Well: token-7", 9)) == " token-8 token-9"


def test_images_and_sound_cost_input_tokens() -> None:
    picture = Image(url="https://example.org/a.png", detail="low")
    call = ChatCall(messages=(user("1234", picture, Audio(b"x")), assistant(ToolCall("a", "b", "12345"))))
    assert input_tokens(call) == 3 + (3 + 1 + 85 + 50) + (3 + 2)


class Colour(Enum):
    RED = "red"


class Node(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str = Field(min_length=6)
    short: str = Field(max_length=2)
    colour: Colour
    kind: Literal["a", "b"]
    age: int = Field(gt=17, lt=20)
    even: int = Field(multiple_of=4)
    share: float = Field(gt=0, lt=1)
    below: float = Field(lt=-3)
    maybe: int | None
    either: int | str
    tags: list[str] = Field(min_length=2)
    distinct: set[int] = Field(min_length=3)
    pair: tuple[int, str]
    none: None
    flag: bool
    table: dict[str, int]
    children: list[Node]
    parent: Node | None


def test_an_example_is_valid_for_a_schema_with_all_that_pydantic_knows() -> None:
    node = Node.model_validate(example(Node.model_json_schema()))
    assert node.children


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({}, "text"),
        ({"const": 3}, 3),
        ({"type": ["null", "integer"]}, 1),
        (
            {"allOf": [{"properties": {"a": {"const": None}}}, {"properties": {"b": {"enum": [2]}}}]},
            {"a": None, "b": 2},
        ),
        ({"type": "string", "format": "date"}, "2026-01-31"),
        ({"type": "integer", "exclusiveMaximum": 0}, -1),
        ({"type": "unheard-of"}, None),
        ({"$ref": "#/$defs/nowhere"}, "text"),
    ],
)
def test_examples_of_small_schemas(schema: dict[str, Any], expected: object) -> None:
    assert example(schema) == expected


def test_a_schema_that_refers_to_itself_for_ever_is_cut_off() -> None:
    loop = {"$ref": "#/$defs/a", "$defs": {"a": {"type": "object", "properties": {"a": {"$ref": "#/$defs/a"}}}}}
    assert json.dumps(example(loop))


def _cosine(left: str, right: str) -> float:
    return sum(a * b for a, b in zip(vector(left), vector(right), strict=True))


def test_shared_words_bring_vectors_nearer() -> None:
    hiking, alps, tax = "eventi in montagna d'estate", "eventi in montagna sulle Alpi", "scadenza della dichiarazione"
    assert _cosine(hiking, hiking) == pytest.approx(1)
    assert _cosine(hiking, alps) > _cosine(hiking, tax) + 0.2


@given(st.text(), st.integers(1, 300))
def test_vectors_have_length_one_and_equal_texts_are_equal(text: str, dimensions: int) -> None:
    values = vector(text, dimensions)
    assert len(values) == dimensions
    assert math.hypot(*values) == pytest.approx(1)
    assert values == vector(text, dimensions)


async def test_json_is_broken_for_the_first_requests_only() -> None:
    provider = InProcess()
    texts = [(await in_process(provider, chat("json:broken=1"))).text for _ in range(2)]
    with pytest.raises(json.JSONDecodeError):
        json.loads(texts[0])
    assert json.loads(texts[1]) == {"answer": "text"}


def _tools(*names: str) -> list[dict[str, Any]]:
    return [{"type": "function", "function": {"name": name}} for name in names]


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ("auto", "first"),
        ({"type": "function", "function": {"name": "second"}}, "second"),
        ("none", None),
    ],
)
async def test_the_tool_that_was_chosen_is_asked_for(choice: Any, expected: str | None) -> None:
    body = chat("tools", tools=_tools("first", "second"), tool_choice=choice)
    message = (await in_process(InProcess(), body)).json["choices"][0]["message"]
    asked = [call["function"]["name"] for call in message.get("tool_calls") or ()]
    assert asked == ([expected] if expected else [])


async def test_tool_arguments_come_in_pieces_in_a_stream() -> None:
    schema = {"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}}}
    tools = [{"type": "function", "function": {"name": "weather", "parameters": schema}}]
    answer = await in_process(InProcess(), chat("tools", tools=tools, stream=True))
    deltas = [event["choices"][0]["delta"] for event in answer.events[:-1]]
    pieces_of = [call["function"]["arguments"] for delta in deltas for call in delta.get("tool_calls", ())]
    assert len(pieces_of) > 2
    assert json.loads("".join(pieces_of)) == {"city": "text", "days": 1}


async def test_tools_can_be_asked_for_several_times() -> None:
    call = {"id": "call-1", "type": "function", "function": {"name": "first", "arguments": "{}"}}
    turns = [
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call-1", "content": "done"},
    ]
    body = chat("tools:rounds=2", tools=_tools("first"))
    for finish in ("tool_calls", "tool_calls", "stop"):
        answer = await in_process(InProcess(), body)
        assert answer.json["choices"][0]["finish_reason"] == finish
        body["messages"] += turns


async def test_the_demo_says_that_no_model_is_behind_it_and_is_free() -> None:
    provider = demo(token_interval_s=0)
    answer = await in_process(provider, chat("demo/demo", stream=True))
    assert "no language model is behind these words" in answer.text
    assert "Ciao, come va?" in answer.text
    assert (provider.stats().billed_nanousd, provider.stats().streams.finished) == (0, 1)


async def test_the_demo_obeys_schemas_and_tools_so_that_they_can_be_tried() -> None:
    provider = demo(token_interval_s=0)
    structured = await in_process(provider, chat("demo", response_format={"type": "json_object"}))
    assert json.loads(structured.text) == {"answer": "text"}
    asked = await in_process(provider, chat("demo", tools=_tools("first")))
    assert asked.json["choices"][0]["finish_reason"] == "tool_calls"


async def test_the_demo_embeds_and_lists_its_two_models() -> None:
    provider = demo(token_interval_s=0)
    vectors = await in_process(provider, {"model": "hash", "input": ["Ciao"]}, "/v1/embeddings")
    assert len(vectors.json["data"][0]["embedding"]) == 64
    listed = await in_process(provider, b"", "/v1/models")
    assert [model["id"] for model in listed.json["data"]] == ["demo", "hash"]


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        (CHAT, b"{", 400),
        (CHAT, {"model": "ok", "messages": []}, 400),
        (CHAT, {"model": "ok"}, 400),
        ("/v1/embeddings", {"model": "ok", "input": ["x"] * 2049}, 400),
        ("/v1/nothing", {"model": "ok"}, 404),
    ],
)
async def test_what_cannot_be_answered_is_refused_in_the_dialects_words(path: str, body: Any, status: int) -> None:
    answer = await in_process(InProcess(), body, path)
    assert (answer.status, answer.json["error"]["type"]) == (status, "invalid_request_error")
