"""The official SDKs, each in its own words, get answers of targets that speak any other dialect, over a real socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import anthropic
import openai
import pytest
from google import genai
from google.genai import types
from openai.types.responses import ResponseFunctionToolCall, ResponseReasoningItem
from pydantic import BaseModel

from tests.gateway.doorway import Doorway, open_door
from tramite.dialects import registry

SCHEMA: Any = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
every_target = pytest.mark.parametrize("target", registry.NAMES)
TOOL: Any = {"type": "function", "function": {"name": "weather", "parameters": SCHEMA}}
TOOL_OF_RESPONSES: Any = {"type": "function", "name": "weather", "parameters": SCHEMA}
TOOL_OF_ANTHROPIC: Any = {"name": "weather", "input_schema": SCHEMA}
ASKED: list[Any] = [{"role": "user", "content": "Che tempo fa a Roma?"}]


class Place(BaseModel):
    city: str


@pytest.fixture
async def door() -> AsyncIterator[Doorway]:
    async with open_door() as door:
        yield door


@pytest.fixture
async def chat(door: Doorway) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(base_url=f"{door.url}/v1", api_key="sk-x", max_retries=0) as client:
        yield client


@pytest.fixture
async def claude(door: Doorway) -> AsyncIterator[anthropic.AsyncAnthropic]:
    async with anthropic.AsyncAnthropic(base_url=door.url, api_key="sk-x", max_retries=0) as client:
        yield client


@every_target
async def test_a_chat(chat: openai.AsyncOpenAI, target: str) -> None:
    reply = await chat.chat.completions.create(model=f"{target}/ok,tokens=2", messages=ASKED)
    assert (reply.choices[0].message.content, reply.choices[0].finish_reason) == ("token-1 token-2", "stop")
    assert reply.usage is not None
    assert (reply.usage.completion_tokens, reply.usage.prompt_tokens > 0) == (2, True)
    assert reply.id.startswith("chatcmpl-")


@every_target
async def test_a_streamed_chat(chat: openai.AsyncOpenAI, target: str) -> None:
    stream = await chat.chat.completions.create(
        model=f"{target}/ok,tokens=3", messages=ASKED, stream=True, stream_options={"include_usage": True}
    )
    chunks = [chunk async for chunk in stream]
    assert chunks[0].choices[0].delta.role == "assistant"
    said = [chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices]
    assert "".join(said) == "token-1 token-2 token-3"
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices][-1] == "stop"
    assert chunks[-1].usage is not None
    assert (chunks[-1].choices, chunks[-1].usage.completion_tokens) == ([], 3)
    assert len({chunk.id for chunk in chunks}) == 1


@every_target
async def test_a_chat_that_thinks_and_calls_a_tool(chat: openai.AsyncOpenAI, door: Doorway, target: str) -> None:
    async with chat.chat.completions.stream(
        model=f"{target}/tools", messages=ASKED, tools=[TOOL], reasoning_effort="low", max_tokens=4_000
    ) as stream:
        streamed = await stream.get_final_completion()
    whole = await chat.chat.completions.create(model=f"{target}/tools", messages=ASKED, tools=[TOOL])
    for reply in (streamed, whole):
        message = reply.choices[0].message
        assert reply.choices[0].finish_reason == "tool_calls"
        assert message.tool_calls is not None
        call: Any = message.tool_calls[0]
        assert (call.function.name, call.function.arguments) == ("weather", '{"city":"text"}')
        result = {"role": "tool", "tool_call_id": call.id, "content": "sole"}
        messages: list[Any] = [*ASKED, message.model_dump(exclude_none=True), result]
        again = await chat.chat.completions.create(model=f"{target}/tools", messages=messages, tools=[TOOL])
        assert again.choices[0].message.content == "The tool answered: sole"


@every_target
async def test_structured_output(chat: openai.AsyncOpenAI, target: str) -> None:
    reply = await chat.chat.completions.parse(model=f"{target}/json", messages=ASKED, response_format=Place)
    assert reply.choices[0].message.parsed == Place(city="text")
    other = await chat.responses.parse(model=f"{target}/json", input="Dove?", text_format=Place)
    assert other.output_parsed == Place(city="text")


@every_target
async def test_a_response(chat: openai.AsyncOpenAI, target: str) -> None:
    reply = await chat.responses.create(model=f"{target}/reasoning=2,tokens=2", input="Ciao", store=False)
    assert (reply.output_text, reply.status) == ("token-1 token-2", "completed")
    assert reply.usage is not None
    assert (reply.usage.output_tokens, reply.id[:5]) == (4, "resp_")
    assert isinstance(reply.output[0], ResponseReasoningItem)


@every_target
async def test_a_streamed_response(chat: openai.AsyncOpenAI, target: str) -> None:
    async with chat.responses.stream(
        model=f"{target}/tools,reasoning=2", input=ASKED, tools=[TOOL_OF_RESPONSES]
    ) as stream:
        events = [event async for event in stream]
        final = await stream.get_final_response()
    assert (events[0].type, events[-1].type) == ("response.created", "response.completed")
    numbers = [event.sequence_number for event in events if hasattr(event, "sequence_number")]
    assert numbers == sorted(set(numbers))
    call = final.output[-1]
    assert isinstance(call, ResponseFunctionToolCall)
    assert (call.name, call.arguments) == ("weather", '{"city":"text"}')
    result = {"type": "function_call_output", "call_id": call.call_id, "output": "sole"}
    items: list[Any] = [*ASKED, *(item.model_dump(exclude_none=True) for item in final.output), result]
    for item in items:
        item.pop("parsed_arguments", None)
    reply = await chat.responses.create(model=f"{target}/tools", input=items, tools=[TOOL_OF_RESPONSES])
    assert reply.output_text == "The tool answered: sole"


@every_target
async def test_a_message(claude: anthropic.AsyncAnthropic, target: str) -> None:
    reply = await claude.messages.create(model=f"{target}/ok,tokens=2", max_tokens=99, messages=ASKED)
    assert (reply.content[0].text, reply.stop_reason) == ("token-1 token-2", "end_turn")  # type: ignore[union-attr]  # text
    assert (reply.usage.output_tokens, reply.usage.input_tokens > 0) == (2, True)
    assert reply.id.startswith("msg_")


@every_target
async def test_a_streamed_message(claude: anthropic.AsyncAnthropic, target: str) -> None:
    async with claude.messages.stream(
        model=f"{target}/tools,reasoning=2", max_tokens=4_000, messages=ASKED, tools=[TOOL_OF_ANTHROPIC]
    ) as stream:
        kinds = [event.type async for event in stream]
        final = await stream.get_final_message()
    assert (kinds[0], kinds[-1]) == ("message_start", "message_stop")
    assert final.stop_reason == "tool_use"
    assert final.usage.input_tokens > 0
    call: Any = next(block for block in final.content if block.type == "tool_use")
    assert call.input == {"city": "text"}
    result: Any = {"type": "tool_result", "tool_use_id": call.id, "content": "sole"}
    turns: list[Any] = [*ASKED, final.to_param(), {"role": "user", "content": [result]}]
    reply = await claude.messages.create(
        model=f"{target}/tools", max_tokens=4_000, messages=turns, tools=[TOOL_OF_ANTHROPIC]
    )
    assert reply.content[0].text == "The tool answered: sole"  # type: ignore[union-attr]  # text


@every_target
@pytest.mark.parametrize(
    ("model", "theirs", "claudes"),
    [
        ("429", openai.RateLimitError, anthropic.RateLimitError),
        ("context", openai.BadRequestError, anthropic.BadRequestError),
        ("notfound", openai.NotFoundError, anthropic.NotFoundError),
        ("auth", openai.AuthenticationError, anthropic.AuthenticationError),
        ("500", openai.InternalServerError, anthropic.InternalServerError),
    ],
)
async def test_errors(
    chat: openai.AsyncOpenAI, claude: anthropic.AsyncAnthropic, target: str, model: str, theirs: Any, claudes: Any
) -> None:
    with pytest.raises(theirs):
        await chat.chat.completions.create(model=f"{target}/{model}", messages=ASKED)
    with pytest.raises(theirs):
        await chat.responses.create(model=f"{target}/{model}", input="Ciao")
    with pytest.raises(claudes):
        await claude.messages.create(model=f"{target}/{model}", max_tokens=9, messages=ASKED)


@every_target
async def test_an_error_in_mid_stream_is_raised_and_nothing_is_said_to_have_ended(
    chat: openai.AsyncOpenAI, claude: anthropic.AsyncAnthropic, target: str
) -> None:
    before: list[Any] = []
    with pytest.raises(openai.APIError):
        await _read(await chat.chat.completions.create(model=f"{target}/error@2", messages=ASKED, stream=True), before)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in before) == "token-1 token-2"
    assert not any(chunk.choices[0].finish_reason for chunk in before)
    with pytest.raises(openai.APIError):
        await _read(await chat.responses.create(model=f"{target}/error@2", input="Ciao", stream=True), before)
    message: Any = await claude.messages.create(model=f"{target}/error@2", max_tokens=99, messages=ASKED, stream=True)
    with pytest.raises(anthropic.APIStatusError):
        await _read(message, before)
    assert not {"response.completed", "message_stop"} & {getattr(event, "type", "") for event in before}


async def _read(stream: Any, into: list[Any]) -> None:
    async for event in stream:
        into.append(event)  # noqa: PERF401  # those before an error count


async def test_what_cannot_be_said_names_the_field(
    chat: openai.AsyncOpenAI, claude: anthropic.AsyncAnthropic, door: Doorway
) -> None:
    with pytest.raises(openai.BadRequestError) as several:
        await chat.chat.completions.create(model="anthropic/ok", messages=ASKED, n=2)
    assert several.value.param == "n"
    with pytest.raises(openai.BadRequestError) as stored:
        await chat.responses.create(model="anthropic/ok", input="Ciao", previous_response_id="resp_1")
    assert stored.value.param == "previous_response_id"
    with pytest.raises(openai.BadRequestError, match="store"):
        await chat.responses.create(model="gemini/ok", input="Ciao", store=True)
    searching: Any = [{"type": "web_search_20250305", "name": "web_search"}]
    with pytest.raises(anthropic.BadRequestError, match="web_search"):
        await claude.messages.create(model="openai/ok", max_tokens=9, messages=ASKED, tools=searching)
    assert door.bodies == []


@every_target
async def test_googles_sdk(door: Doorway, target: str) -> None:
    config = types.GenerateContentConfig(
        max_output_tokens=4_000, thinking_config=types.ThinkingConfig(thinking_level=types.ThinkingLevel.LOW)
    )

    def ask() -> tuple[Any, list[Any]]:
        with genai.Client(api_key="x", http_options=types.HttpOptions(base_url=door.url)) as llm:
            asked: Any = {"model": f"models/{target}/reasoning=2,tokens=2", "contents": "Ciao", "config": config}
            return llm.models.generate_content(**asked), list(llm.models.generate_content_stream(**asked))

    reply, chunks = await asyncio.to_thread(ask)
    assert reply.text == "".join(chunk.text or "" for chunk in chunks) == "token-1 token-2"
    assert reply.usage_metadata.thoughts_token_count == chunks[-1].usage_metadata.thoughts_token_count == 2
    assert reply.usage_metadata.candidates_token_count == chunks[-1].usage_metadata.candidates_token_count == 2


async def test_completions_and_vectors(chat: openai.AsyncOpenAI, door: Doorway) -> None:
    prompt = "Q: che ore sono?\nA:"
    whole = await chat.completions.create(model="huggingface/ok,tokens=2", prompt=prompt, max_tokens=9, user="u")
    assert (whole.choices[0].text, whole.choices[0].finish_reason) == ("token-1 token-2", "stop")
    stream = await chat.completions.create(model="huggingface/ok,tokens=2", prompt=prompt, stream=True)
    assert "".join([chunk.choices[0].text async for chunk in stream]) == "token-1 token-2"
    assert any("user" in notice for notice in door.notices)
    for target in ("gemini", "huggingface", "openai"):
        floats = await chat.embeddings.create(model=f"{target}/ok", input=["uno", "due"], encoding_format="float")
        packed = await chat.embeddings.create(model=f"{target}/ok", input=["uno", "due"])  # base64, unasked
        assert len(floats.data) == len(packed.data) == 2
        for one, other in zip(floats.data, packed.data, strict=True):
            assert one.embedding == pytest.approx(other.embedding)
    assert not any(b"encoding_format" in body for name, body in door.bodies if name != "openai")
