"""The official SDK takes the simulator for OpenAI."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator

import openai
import pytest

from tramite.simulator import Simulator

ASKED = [{"role": "user", "content": "Ciao"}]


@pytest.fixture
async def llm() -> AsyncIterator[openai.AsyncOpenAI]:
    async with (
        Simulator.running(key="sk-right") as simulator,
        openai.AsyncOpenAI(base_url=simulator.base_url, api_key="sk-right", max_retries=0) as client,
    ):
        yield client


async def test_chat(llm: openai.AsyncOpenAI) -> None:
    reply = await llm.chat.completions.create(model="ok,tokens=2", messages=ASKED)
    assert reply.choices[0].message.content == "token-1 token-2"
    assert reply.choices[0].finish_reason == "stop"
    assert reply.usage is not None
    assert reply.usage.completion_tokens == 2


async def test_stream_with_usage(llm: openai.AsyncOpenAI) -> None:
    stream = await llm.chat.completions.create(
        model="ok,tokens=2", messages=ASKED, stream=True, stream_options={"include_usage": True}
    )
    chunks = [chunk async for chunk in stream]
    said = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert said == "token-1 token-2"
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens == 2


async def test_completion_and_its_stream(llm: openai.AsyncOpenAI) -> None:
    reply = await llm.completions.create(model="ok,tokens=2", prompt="Q:", echo=True)
    assert reply.choices[0].text == "Q:token-1 token-2"
    stream = await llm.completions.create(model="ok,tokens=2", prompt="Q:", stream=True)
    assert "".join([c.choices[0].text async for c in stream if c.choices]) == "token-1 token-2"


async def test_embeddings_are_of_length_one_and_of_the_size_asked_for(llm: openai.AsyncOpenAI) -> None:
    reply = await llm.embeddings.create(model="ok", input=["Eventi in montagna", "Ciao"], dimensions=32)
    assert [len(item.embedding) for item in reply.data] == [32, 32]
    assert math.hypot(*reply.data[0].embedding) == pytest.approx(1, abs=1e-6)
    plain = await llm.embeddings.create(model="ok", input="Ciao", encoding_format="float")
    assert len(plain.data[0].embedding) == 64


async def test_models(llm: openai.AsyncOpenAI) -> None:
    assert "ok" in [model.id async for model in llm.models.list()]


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
async def test_errors_are_of_the_right_class(
    llm: openai.AsyncOpenAI, model: str, expected: type[openai.APIError]
) -> None:
    with pytest.raises(expected):
        await llm.chat.completions.create(model=model, messages=ASKED)


async def test_an_error_frame_in_mid_stream_is_raised(llm: openai.AsyncOpenAI) -> None:
    stream = await llm.chat.completions.create(model="error@2", messages=ASKED, stream=True)
    with pytest.raises(openai.APIError, match="had an error"):
        [chunk async for chunk in stream]


async def test_a_wrong_key_is_refused(llm: openai.AsyncOpenAI) -> None:
    with pytest.raises(openai.AuthenticationError):
        await llm.with_options(api_key="sk-wrong").models.list()


async def test_tools_and_schemas(llm: openai.AsyncOpenAI) -> None:
    schema = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    tool = {"type": "function", "function": {"name": "weather", "parameters": schema}}
    reply = await llm.chat.completions.create(model="tools", messages=ASKED, tools=[tool])
    (call,) = reply.choices[0].message.tool_calls
    assert (call.function.name, call.function.arguments) == ("weather", '{"city":"text"}')
    result = {"role": "tool", "tool_call_id": call.id, "content": "sunny"}
    messages = [*ASKED, reply.choices[0].message, result]
    answer = await llm.chat.completions.create(model="tools", messages=messages, tools=[tool])
    assert answer.choices[0].message.content == "The tool answered: sunny"
    structured = await llm.chat.completions.create(
        model="json",
        messages=ASKED,
        response_format={"type": "json_schema", "json_schema": {"name": "place", "schema": schema}},
    )
    assert structured.choices[0].message.content == '{"city":"text"}'
