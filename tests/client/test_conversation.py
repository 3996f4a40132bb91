from __future__ import annotations

from dataclasses import dataclass

import pytest

from tests.client.world import in_process
from tramite import Image, InvalidCall, Tool, assistant, system, tool_result, user

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 8


async def test_what_was_said_is_kept_however_it_was_given() -> None:
    llm, _ = in_process()
    chat = llm.conversation(model="sim/echo")
    await chat.say(message for message in [user("one")])
    parts = ["two", Image(data=PNG)]
    async with chat.stream(parts) as stream:
        async for _ in stream:
            pass
    parts.clear()
    assert chat.messages == [
        user("one"),
        assistant("one"),
        user("two", Image(data=PNG)),
        assistant("two"),
    ]
    assert repr(chat) == "<AsyncConversation: 4 messages>"


@dataclass
class City:
    name: str


async def test_a_turn_may_want_an_object() -> None:
    llm, _ = in_process()
    chat = llm.conversation("Be brief.", model="sim/json")
    assert isinstance((await chat.say("Firenze?", schema=City)).parsed, City)
    assert len(chat.messages) == 3
    assert repr(chat) == "<AsyncConversation: 2 messages, and a system message>"


async def test_the_system_message_may_change_and_go() -> None:
    llm, _ = in_process()
    chat = llm.conversation("A", model="sim/echo")
    await chat.say("x")
    chat.system = "B"
    assert chat.messages[0] == system("B")
    chat.system = None
    assert [message.role for message in chat.messages] == ["user", "assistant"]


async def test_a_tool_that_a_stream_asked_for_is_answered_on_the_next_turn() -> None:
    tool = Tool("weather", parameters={"type": "object", "properties": {"city": {"type": "string"}}})
    llm, _ = in_process()
    chat = llm.conversation(tools=[tool], model="sim/tools")
    async with chat.stream("Weather?") as stream:
        async for _ in stream:
            pass
    [call] = stream.reply.tool_calls
    reply = await chat.say([tool_result(call, "sun")])
    assert reply.text
    assert [message.role for message in chat.messages] == ["user", "assistant", "tool", "assistant"]


async def test_a_turn_that_makes_no_sense_changes_nothing() -> None:
    llm, _ = in_process()
    chat = llm.conversation(model="sim/echo")
    with pytest.raises(InvalidCall):
        await chat.say("x", temperature=9)
    with pytest.raises(InvalidCall):
        await chat.say(None)  # type: ignore[arg-type]
    assert chat.messages == []
