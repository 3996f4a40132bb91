"""The official SDK takes the simulator for Anthropic."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import anthropic
import pytest
from anthropic.types import TextBlock, ThinkingBlock, ToolUseBlock

from tramite.simulator import Simulator

ASKED: list[Any] = [{"role": "user", "content": "Ciao"}]
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER: Any = {"name": "weather", "input_schema": SCHEMA}
PNG = "iVBORw0KGgo="


@pytest.fixture
async def llm() -> AsyncIterator[anthropic.AsyncAnthropic]:
    async with (
        Simulator.running(key="sk-right") as simulator,
        anthropic.AsyncAnthropic(base_url=simulator.url, api_key="sk-right", max_retries=0) as client,
    ):
        yield client


async def test_chat(llm: anthropic.AsyncAnthropic) -> None:
    reply = await llm.messages.create(
        model="ok,tokens=2", max_tokens=99, messages=ASKED, system="Sii breve.", extra_body={"temperature": 0.5}
    )
    assert reply.content == [TextBlock(type="text", text="token-1 token-2")]
    assert (reply.role, reply.stop_reason, reply.model) == ("assistant", "end_turn", "ok,tokens=2")
    assert (reply.usage.output_tokens, reply.usage.input_tokens > 0) == (2, True)


async def test_the_reply_is_all_that_their_types_demand(llm: anthropic.AsyncAnthropic) -> None:
    answer = await llm.messages.with_raw_response.create(model="tools", max_tokens=99, messages=ASKED, tools=[WEATHER])
    anthropic.types.Message.model_validate_json(await answer.text())


async def test_the_length_ends_an_answer(llm: anthropic.AsyncAnthropic) -> None:
    reply = await llm.messages.create(model="ok,tokens=9", max_tokens=3, messages=ASKED)
    assert reply.stop_reason == "max_tokens"


async def test_stream(llm: anthropic.AsyncAnthropic) -> None:
    async with llm.messages.stream(model="ok,tokens=3", max_tokens=99, messages=ASKED) as stream:
        said = [text async for text in stream.text_stream]
        whole = await stream.get_final_message()
    assert "".join(said) == whole.content[0].text == "token-1 token-2 token-3"  # type: ignore[union-attr]  # text
    assert len(said) == 3
    assert (whole.stop_reason, whole.usage.output_tokens) == ("end_turn", 3)
    assert whole.usage.input_tokens > 0


async def test_each_event_is_all_that_their_types_demand(llm: anthropic.AsyncAnthropic) -> None:
    stream = await llm.messages.create(
        model="tools,reasoning=2", max_tokens=99, messages=ASKED, tools=[WEATHER], stream=True
    )
    kinds = []
    async for event in stream:
        type(event).model_validate(event.model_dump())
        kinds.append(event.type)
    assert kinds[0] == "message_start"
    assert kinds[-2:] == ["message_delta", "message_stop"]


async def test_thinking(llm: anthropic.AsyncAnthropic) -> None:
    async with llm.messages.stream(
        model="reasoning=2,tokens=1", max_tokens=9000, messages=ASKED, thinking={"type": "adaptive"}
    ) as stream:
        whole = await stream.get_final_message()
    thought, text = whole.content
    assert isinstance(thought, ThinkingBlock)
    assert thought.thinking
    assert isinstance(text, TextBlock)
    again: list[Any] = [*ASKED, whole.to_param(), {"role": "user", "content": "Ancora"}]
    reply = await llm.messages.create(model="ok,tokens=1", max_tokens=9, messages=again)
    assert reply.stop_reason == "end_turn"


async def test_tools_and_schemas(llm: anthropic.AsyncAnthropic) -> None:
    async with llm.messages.stream(model="tools", max_tokens=99, messages=ASKED, tools=[WEATHER]) as stream:
        streamed = await stream.get_final_message()
    reply = await llm.messages.create(model="tools", max_tokens=99, messages=ASKED, tools=[WEATHER])
    for message in (streamed, reply):
        (call,) = message.content
        assert isinstance(call, ToolUseBlock)
        assert (call.name, call.input, message.stop_reason) == ("weather", {"city": "text"}, "tool_use")
    result = {"type": "tool_result", "tool_use_id": call.id, "content": "sunny"}
    messages: list[Any] = [*ASKED, reply.to_param(), {"role": "user", "content": [result]}]
    answer = await llm.messages.create(model="tools", max_tokens=99, messages=messages, tools=[WEATHER])
    assert answer.content[0].text == "The tool answered: sunny"  # type: ignore[union-attr]  # text
    config: Any = {"format": {"type": "json_schema", "schema": SCHEMA}}
    structured = await llm.messages.create(model="json", max_tokens=99, messages=ASKED, output_config=config)
    assert structured.content[0].text == '{"city":"text"}'  # type: ignore[union-attr]  # text


async def test_images(llm: anthropic.AsyncAnthropic) -> None:
    blocks = [
        {"type": "text", "text": "guarda"},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}},
        {"type": "image", "source": {"type": "url", "url": "https://example.org/a.png"}},
    ]
    plain = await llm.messages.create(model="ok", max_tokens=9, messages=ASKED)
    reply = await llm.messages.create(model="ok", max_tokens=9, messages=[{"role": "user", "content": blocks}])  # type: ignore[typeddict-item]  # plain data
    assert reply.usage.input_tokens > plain.usage.input_tokens + 100


async def test_a_refusal(llm: anthropic.AsyncAnthropic) -> None:
    async with llm.messages.stream(model="refusal", max_tokens=99, messages=ASKED) as stream:
        streamed = await stream.get_final_message()
    reply = await llm.messages.create(model="refusal", max_tokens=99, messages=ASKED)
    for message in (streamed, reply):
        assert message.stop_reason == "refusal"
        assert message.stop_details is not None
        assert message.stop_details.explanation


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("429", anthropic.RateLimitError),
        ("quota", anthropic.RateLimitError),
        ("auth", anthropic.AuthenticationError),
        ("403", anthropic.PermissionDeniedError),
        ("notfound", anthropic.NotFoundError),
        ("500", anthropic.InternalServerError),
        ("529", anthropic.InternalServerError),
        ("503:loading=20", anthropic.InternalServerError),
        ("context", anthropic.BadRequestError),
        ("filter", anthropic.BadRequestError),
        ("reset", anthropic.APIConnectionError),
    ],
)
async def test_errors_are_of_the_right_class(
    llm: anthropic.AsyncAnthropic, model: str, expected: type[anthropic.APIError]
) -> None:
    with pytest.raises(expected):
        await llm.messages.create(model=model, max_tokens=9, messages=ASKED)


async def test_an_error_says_what_theirs_say(llm: anthropic.AsyncAnthropic) -> None:
    with pytest.raises(anthropic.APIStatusError) as caught:
        await llm.messages.create(model="context", max_tokens=9, messages=ASKED)
    assert (caught.value.type, caught.value.error_code) == ("invalid_request_error", "context_length_exceeded")
    with pytest.raises(anthropic.BadRequestError, match="max_tokens"):
        await llm.messages.create(model="ok", max_tokens=0, messages=ASKED)


async def test_an_error_in_mid_stream_is_raised(llm: anthropic.AsyncAnthropic) -> None:
    said = []
    with pytest.raises(anthropic.APIStatusError) as caught:
        async with llm.messages.stream(model="error@2", max_tokens=99, messages=ASKED) as stream:
            said += [text async for text in stream.text_stream]
    assert caught.value.type == "overloaded_error"


async def test_a_wrong_key_is_refused(llm: anthropic.AsyncAnthropic) -> None:
    with pytest.raises(anthropic.AuthenticationError):
        await llm.with_options(api_key="sk-wrong").messages.create(model="ok", max_tokens=9, messages=ASKED)


async def test_a_stream_without_its_end_has_no_message_stop(llm: anthropic.AsyncAnthropic) -> None:
    stream = await llm.messages.create(model="no-done", max_tokens=99, messages=ASKED, stream=True)
    kinds = [event.type async for event in stream]
    assert kinds[-1] == "message_delta"
