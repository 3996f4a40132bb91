"""OpenAI's own SDK takes the simulator's `/v1/responses` for OpenAI's, over a real socket."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import openai
import pytest
from openai.types.responses import Response, ResponseFunctionToolCall, ResponseReasoningItem
from pydantic import BaseModel

from tramite.simulator import Simulator

SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
WEATHER: Any = {"type": "function", "name": "weather", "parameters": SCHEMA, "strict": True}


class Place(BaseModel):
    city: str


@pytest.fixture
async def llm() -> AsyncIterator[openai.AsyncOpenAI]:
    async with (
        Simulator.running(key="sk-right") as simulator,
        openai.AsyncOpenAI(base_url=simulator.base_url, api_key="sk-right", max_retries=0) as client,
    ):
        yield client


async def test_a_response(llm: openai.AsyncOpenAI) -> None:
    reply = await llm.responses.create(model="ok,tokens=2", instructions="Be short.", input="Ciao")
    assert (reply.output_text, reply.status, reply.error) == ("token-1 token-2", "completed", None)
    assert reply.usage is not None
    assert reply.usage.output_tokens == 2
    assert reply.usage.input_tokens_details.cached_tokens == 0
    assert reply.usage.output_tokens_details.reasoning_tokens == 0


async def test_all_that_a_request_may_ask(llm: openai.AsyncOpenAI) -> None:
    reply = await llm.responses.create(
        model="echo",
        input=[
            {"role": "developer", "content": "Be short."},
            {"role": "user", "content": [{"type": "input_text", "text": "Ciao"}]},
        ],
        include=["reasoning.encrypted_content", "message.output_text.logprobs"],
        max_output_tokens=50,
        metadata={"who": "me"},
        parallel_tool_calls=False,
        reasoning={"effort": "low", "summary": "auto"},
        service_tier="flex",
        store=False,
        temperature=0.5,
        text={"format": {"type": "text"}, "verbosity": "low"},
        tools=[WEATHER],
        tool_choice={"type": "function", "name": "weather"},
        top_logprobs=2,
        top_p=0.9,
        truncation="disabled",
        user="u-1",
    )
    assert reply.output_text == "Ciao"
    assert (reply.max_output_tokens, reply.temperature, reply.top_p) == (50, 0.5, 0.9)
    assert (reply.metadata, reply.parallel_tool_calls) == ({"who": "me"}, False)
    assert reply.reasoning is not None
    assert (reply.reasoning.effort, reply.reasoning.summary) == ("low", "auto")
    assert reply.text is not None
    assert reply.text.verbosity == "low"
    message: Any = reply.output[0]
    (logprob,) = message.content[0].logprobs
    assert (logprob.token, len(logprob.top_logprobs)) == ("Ciao", 2)


async def test_a_stream_has_every_event_that_the_reference_names(llm: openai.AsyncOpenAI) -> None:
    stream = await llm.responses.create(model="reasoning=2,tokens=3", input="Ciao", stream=True)
    events: list[Any] = [event async for event in stream]
    assert [event.sequence_number for event in events] == list(range(len(events)))
    names = [event.type.removeprefix("response.") for event in events]
    assert list(dict.fromkeys(names)) == [
        *("created", "in_progress", "output_item.added"),
        *("reasoning_summary_part.added", "reasoning_summary_text.delta"),
        *("content_part.added", "output_text.delta"),
        *("reasoning_summary_text.done", "reasoning_summary_part.done", "output_item.done"),
        *("output_text.done", "content_part.done", "completed"),
    ]
    text = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    thought = "".join(event.delta for event in events if event.type == "response.reasoning_summary_text.delta")
    last: Response = events[-1].response
    assert (text, last.output_text) == ("token-1 token-2 token-3", text)
    assert isinstance(last.output[0], ResponseReasoningItem)
    assert [part.text for part in last.output[0].summary] == [thought]
    assert last.usage is not None
    assert last.usage.output_tokens_details.reasoning_tokens == 2


async def test_the_sdks_own_stream_helper(llm: openai.AsyncOpenAI) -> None:
    async with llm.responses.stream(model="ok,tokens=3", input="Ciao") as stream:
        deltas = [event.snapshot async for event in stream if event.type == "response.output_text.delta"]
        final = await stream.get_final_response()
    assert deltas[-1] == final.output_text == "token-1 token-2 token-3"


async def test_structured_output_is_parsed_whole_and_streamed(llm: openai.AsyncOpenAI) -> None:
    reply = await llm.responses.parse(model="json", input="Dove?", text_format=Place)
    assert reply.output_parsed == Place(city="text")
    async with llm.responses.stream(model="json", input="Dove?", text_format=Place) as stream:
        final = await stream.get_final_response()
    assert final.output_parsed == Place(city="text")


async def test_a_tool_is_called_and_its_answer_given_back(llm: openai.AsyncOpenAI) -> None:
    asked: list[Any] = [{"role": "user", "content": "Che tempo fa?"}]
    reply = await llm.responses.create(model="tools", input=asked, tools=[WEATHER])
    (call,) = reply.output
    assert isinstance(call, ResponseFunctionToolCall)
    assert (call.name, call.arguments, call.status) == ("weather", '{"city":"text"}', "completed")
    asked += [*reply.output, {"type": "function_call_output", "call_id": call.call_id, "output": "sole"}]
    answer = await llm.responses.create(model="tools", input=asked, tools=[WEATHER])
    assert answer.output_text == "The tool answered: sole"


async def test_a_tool_is_called_in_a_stream(llm: openai.AsyncOpenAI) -> None:
    async with llm.responses.stream(model="tools", input="Che tempo fa?", tools=[WEATHER]) as stream:
        written = [event.delta async for event in stream if event.type == "response.function_call_arguments.delta"]
        final = await stream.get_final_response()
    (call,) = final.output
    assert call.type == "function_call"
    assert "".join(written) == call.arguments == '{"city":"text"}'
    assert call.parsed_arguments == {"city": "text"}


async def test_a_conversation_goes_on_with_the_items_of_the_answer(llm: openai.AsyncOpenAI) -> None:
    first = await llm.responses.create(model="reasoning=2,tokens=2", input="Ciao")
    history: list[Any] = [{"role": "user", "content": "Ciao"}, *first.output, {"role": "user", "content": "E poi?"}]
    assert (await llm.responses.create(model="echo", input=history)).output_text == "E poi?"


@pytest.mark.parametrize(
    ("model", "status", "reason"),
    [
        ("length,tokens=2", "incomplete", "max_output_tokens"),
        ("filter:at=1", "incomplete", "content_filter"),
        ("refusal", "completed", None),
    ],
)
async def test_other_endings(llm: openai.AsyncOpenAI, model: str, status: str, reason: str | None) -> None:
    reply = await llm.responses.create(model=model, input="Ciao")
    stream = await llm.responses.create(model=model, input="Ciao", stream=True)
    events: list[Any] = [event async for event in stream]
    last: Response = events[-1].response
    for ended in (reply, last):
        assert ended.status == status
        assert (ended.incomplete_details and ended.incomplete_details.reason) == reason
    assert events[-1].type == f"response.{status}"
    contents = [part for item in last.output if item.type == "message" for part in item.content]
    assert {part.type for part in contents} == {"refusal" if model == "refusal" else "output_text"}


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("429", openai.RateLimitError),
        ("quota", openai.RateLimitError),
        ("auth", openai.AuthenticationError),
        ("notfound", openai.NotFoundError),
        ("500", openai.InternalServerError),
        ("503:loading=20", openai.InternalServerError),
        ("context", openai.BadRequestError),
        ("reset", openai.APIConnectionError),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
async def test_errors_are_of_the_right_class(
    llm: openai.AsyncOpenAI, model: str, expected: type[openai.APIError], stream: bool
) -> None:
    with pytest.raises(expected):
        await llm.responses.create(model=model, input="Ciao", stream=stream)


async def test_an_error_in_mid_stream_is_raised(llm: openai.AsyncOpenAI) -> None:
    """Only its `error` object makes the SDK raise: of an event that has its fields at the top alone, it makes none."""
    stream = await llm.responses.create(model="error@2", input="Ciao", stream=True)
    with pytest.raises(openai.APIError, match="had an error"):
        [event async for event in stream]


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"previous_response_id": "resp_1"}, "previous_response_id"),
        ({"conversation": "conv_1"}, "conversation"),
        ({"store": True}, "store"),
        ({"background": True}, "background"),
        ({"prompt": {"id": "pmpt_1"}}, "prompt"),
    ],
)
async def test_what_would_need_a_store_is_refused_by_name(
    llm: openai.AsyncOpenAI, asked: dict[str, Any], field: str
) -> None:
    with pytest.raises(openai.BadRequestError, match=r"stored here|not kept") as caught:
        await llm.responses.create(model="ok", input="Ciao", **asked)
    assert caught.value.param == field
