from __future__ import annotations

import pytest

from tests.client.world import in_process, words
from tramite import Finished, ReasoningDelta, Retrying, Started, TextDelta, ToolCallDelta, UsageReported
from tramite.simulator import fast_forward


async def test_events_come_in_their_order_and_make_up_the_reply() -> None:
    llm, _ = in_process()
    async with llm.stream("x", model="sim/reasoning=2,tokens=3") as stream:
        events = [event async for event in stream]
    kinds = [type(event) for event in events]
    assert kinds[0] is Started
    assert kinds.index(ReasoningDelta) < kinds.index(TextDelta) < kinds.index(Finished) < kinds.index(UsageReported)
    assert "".join(event.text for event in events if isinstance(event, TextDelta)) == stream.reply.text == words(3)
    assert stream.reply.reasoning
    assert stream.reply.timings.first_token_s is not None
    assert stream.reply.timings.total_s >= stream.reply.timings.first_token_s


async def test_a_stream_s_reply_equals_the_whole_one() -> None:
    llm, _ = in_process()
    for model in ("sim/tokens=5", "sim/tools", "sim/refusal", "sim/length", "sim/echo"):
        tools = [test_a_stream_s_reply_equals_the_whole_one]
        whole = await llm.chat("hello", model=model, seed=1)
        stream = llm.stream("hello", model=model, seed=1)
        async for _ in stream:
            pass
        assert stream.reply.choices == whole.choices
        assert stream.reply.usage == whole.usage
        assert tools


async def test_snapshots_give_the_text_so_far() -> None:
    llm, _ = in_process()
    stream = llm.stream("x", model="sim/tokens=3")
    assert [snapshot async for snapshot in stream.snapshots] == [words(1), words(2), words(3)]


async def test_a_predicate_ends_the_stream_and_what_was_read_is_the_reply() -> None:
    llm, provider = in_process(token_interval_s=0.0001)
    stream = llm.stream("x", model="sim/tokens=50", until=lambda text: "token-3" in text)
    assert "".join([text async for text in stream.text]) == words(3)
    assert (stream.reply.text, stream.reply.finish, stream.reply.usage.source) == (words(3), "stopped", "partial")
    assert provider.stats().streams.gone == 1


async def test_the_reply_of_an_unfinished_or_broken_stream_is_not_given_out() -> None:
    llm, _ = in_process()
    stream = llm.stream("x", model="sim/cut@2")
    with pytest.raises(RuntimeError, match="not finished"):
        _ = stream.reply
    with pytest.raises(Exception, match="broke off") as caught:
        async for _ in stream:
            pass
    with pytest.raises(type(caught.value)):
        _ = stream.reply


async def test_closing_is_idempotent_and_a_closed_stream_gives_nothing_more() -> None:
    llm, _ = in_process()
    stream = llm.stream("x", model="sim/ok")
    await anext(stream)
    await stream.close()
    await stream.close()
    assert [event async for event in stream] == []
    assert stream.reply.finish == "stopped"


def test_tries_before_the_first_content_are_events_too() -> None:
    async def main() -> list[Retrying]:
        llm, _ = in_process()
        events = [event async for event in llm.stream("x", model="sim/503:times=2")]
        return [event for event in events if isinstance(event, Retrying)]

    retries = fast_forward(main())
    assert [retry.target for retry in retries] == ["sim/503:times=2"] * 2
    assert "status 503" in retries[0].error


async def test_tools_that_are_asked_for_in_a_stream_are_reported_not_called() -> None:
    def weather(city: str) -> str:
        raise AssertionError("a stream does not call")

    llm, _ = in_process()
    stream = llm.stream("x", model="sim/tools", tools=[weather])
    events = [event async for event in stream]
    assert any(isinstance(event, ToolCallDelta) for event in events)
    assert [(call.name, list(call.arguments)) for call in stream.reply.tool_calls] == [("weather", ["city"])]


async def test_a_completion_streams_too() -> None:
    llm, _ = in_process()
    stream = llm.stream_complete("Once", model="sim/tokens=3", max_tokens=10)
    assert "".join([text async for text in stream.text]) == words(3)
    stream = llm.stream_complete("Once", model="sim/echo", via="chat")
    assert "".join([text async for text in stream.text]) == "Once"
    assert "user message" in stream.reply.notices[0]


async def test_several_choices_are_kept_apart() -> None:
    llm, _ = in_process()
    stream = llm.stream("x", model="sim/tokens=3", n=3)
    seen = {event.index async for event in stream if isinstance(event, TextDelta)}
    assert seen == {0, 1, 2}
    assert len(stream.reply.choices) == 3
