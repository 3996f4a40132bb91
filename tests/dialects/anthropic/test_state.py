"""Thoughts, searches and sources come back to the model as they were, where they were."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.dialects.anthropic import wire
from tramite.assembly import Assembler
from tramite.calls import ChatCall
from tramite.dialects.anthropic import ANTHROPIC
from tramite.dialects.base import Target
from tramite.errors import InvalidCall, Unsupported
from tramite.messages import (
    Audio,
    Content,
    Message,
    Opaque,
    Reasoning,
    Text,
    ToolCall,
    assistant,
    tool_result,
    user,
)

CHAT = ANTHROPIC.operations["chat"]
TARGET = Target("anthropic", "claude-haiku-4-5")
Block = dict[str, Any]

THOUGHT = {"type": "thinking", "thinking": "Vediamo …", "signature": "EqQB+/=="}
CALL = {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"città": "Roma"}}
SEARCH = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "Firenze"}}
FOUND = {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": [{"encrypted_content": "Eq"}]}
CITED = {
    "type": "text",
    "text": "Ha 360.000 abitanti",
    "citations": [{"cited_text": "360.930", "encrypted_index": "E"}],
}


def _whole(blocks: list[Block]) -> Content:
    body = {"type": "message", "content": blocks, "stop_reason": "end_turn", "usage": wire.USAGE}
    reply = CHAT.decode(json.dumps(body, ensure_ascii=False).encode())
    content: Content = reply.choices[0].message.content
    return content


def _streamed(blocks: list[Block], size: int = 7) -> Content:
    assembler = Assembler()
    reader = CHAT.reader(ChatCall(messages=(user("?"),)))
    for frame in wire.stream(blocks, size=size):
        assembler.feed(reader.read([frame]))
    return assembler.reply().choices[0].message.content


def _given_back(content: Content) -> list[Block]:
    """The answer, as it is in the history of the next request."""
    answer = Message("assistant", content)
    results = [tool_result(call, "sole") for call in answer.tool_calls]
    call = ChatCall(messages=(user("?"), answer, *results, user("e poi?")), max_tokens=10)
    encoded = CHAT.encode(call, TARGET, False)
    assert encoded.notices == ()
    said = [turn["content"] for turn in json.loads(encoded.body)["messages"] if turn["role"] == "assistant"]
    return _joined([{"type": "text", "text": said[0]}] if said and isinstance(said[0], str) else (said or [[]])[0])


def _joined(blocks: list[Block]) -> list[Block]:
    """Text without sources is one block, however many it came in; empty text is none."""
    joined: list[Block] = []
    for block in blocks:
        plain = block["type"] == "text" and "citations" not in block
        if plain and joined and joined[-1]["type"] == "text" and "citations" not in joined[-1]:
            joined[-1] = {"type": "text", "text": joined[-1]["text"] + block["text"]}
        elif not (plain and not block["text"]):
            joined.append(block)
    return joined


words = st.text(min_size=1, max_size=20)
ids = st.text("abc123", min_size=1, max_size=6)
pieces = st.one_of(
    st.builds(lambda text: {"type": "text", "text": text}, st.text(max_size=20)),
    st.builds(lambda text, source: {**CITED, "text": text, "citations": [{"cited_text": source}]}, words, words),
    st.builds(lambda text: {**THOUGHT, "thinking": text}, st.text(max_size=20)),
    st.just({"type": "redacted_thinking", "data": "EmwK"}),
    st.builds(lambda query: {**SEARCH, "input": {"query": query}}, words),
    st.just(FOUND),
)
asked = st.lists(ids, unique=True, max_size=2).map(lambda ids: [{**CALL, "id": id} for id in ids])
answers = st.tuples(st.lists(pieces, max_size=8), asked).map(lambda drawn: [*drawn[0], *drawn[1]])


@settings(max_examples=300)
@given(blocks=answers, size=st.integers(1, 9))
def test_an_answer_goes_back_as_it_came_whole_or_streamed(blocks: list[Block], size: int) -> None:
    whole, streamed = _whole(blocks), _streamed(blocks, size)
    assert _given_back(whole) == _joined(blocks)
    assert _given_back(streamed) == _joined(blocks)
    assert Message("assistant", streamed).text == Message("assistant", whole).text
    assert [call.arguments for call in Message("assistant", streamed).tool_calls] == [
        call.arguments for call in Message("assistant", whole).tool_calls
    ]


def test_a_thought_is_shown_once_and_sent_once() -> None:
    content = _whole([THOUGHT, {"type": "text", "text": "Roma"}, CALL])
    assert Reasoning("Vediamo …") in content
    assert json.dumps(_given_back(content), ensure_ascii=False).count("Vediamo …") == 1


def test_thoughts_between_tool_calls_stay_between_them() -> None:
    blocks = [THOUGHT, CALL, {**THOUGHT, "thinking": "Ancora"}, {**CALL, "id": "toolu_2"}]
    assert _given_back(_whole(blocks)) == blocks
    assert _given_back(_streamed(blocks)) == blocks


def test_who_called_a_tool_goes_back_with_the_call_unless_it_was_the_model() -> None:
    direct = {**CALL, "caller": {"type": "direct"}}
    program = {**CALL, "id": "toolu_2", "caller": {"type": "code_execution_20250825", "tool_id": "srvtoolu_1"}}
    for content in (_whole([direct, program]), _streamed([direct, program])):
        assert _given_back(content) == [CALL, program]


def test_a_thought_without_words_is_kept_for_its_signature() -> None:
    silent = {**THOUGHT, "thinking": ""}
    content = _streamed([silent, {"type": "text", "text": "Roma"}])
    assert not any(isinstance(part, Reasoning) for part in content)
    assert _given_back(content) == [silent, {"type": "text", "text": "Roma"}]


def test_text_that_was_changed_loses_its_sources_alone() -> None:
    content = _whole([SEARCH, FOUND, CITED])
    changed = tuple(Text("Firenze") if isinstance(part, Text) else part for part in content)
    assert _given_back(changed) == [SEARCH, FOUND, {"type": "text", "text": "Firenze"}]


def test_a_place_past_the_end_is_the_end() -> None:
    state = Opaque("anthropic", '{"at":[999,9],"block":{"type":"redacted_thinking","data":"E"}}')
    assert _given_back((state, Text("ciao"))) == [
        {"type": "text", "text": "ciao"},
        {"type": "redacted_thinking", "data": "E"},
    ]


def test_a_block_given_by_hand_stands_where_it_was_put() -> None:
    document = {"type": "document", "source": {"type": "url", "url": "https://e.org/a.pdf"}}
    call = ChatCall(messages=(user("prima", Opaque("anthropic", json.dumps(document)), "dopo"),), max_tokens=1)
    (turn,) = json.loads(CHAT.encode(call, TARGET, False).body)["messages"]
    assert [block["type"] for block in turn["content"]] == ["text", "document", "text"]
    assert turn["content"][1] == document


def test_state_of_another_dialect_is_left_out_and_named() -> None:
    answer = assistant(Opaque("openai", "{}"), Reasoning("hm"), "ciao")
    encoded = CHAT.encode(ChatCall(messages=(user("?"), answer, user("!")), max_tokens=1), TARGET, False)
    assert json.loads(encoded.body)["messages"][1]["content"] == [{"type": "text", "text": "ciao"}]
    assert encoded.notices == ("anthropic/claude-haiku-4-5: state of the openai dialect was left out of the history",)


def test_arguments_that_are_no_object_go_as_text_and_are_named() -> None:
    answer = assistant(ToolCall("toolu_1", "weather", '{"città": "Ro'))
    call = ChatCall(messages=(user("?"), answer, tool_result("toolu_1", "broken")), max_tokens=1)
    encoded = CHAT.encode(call, TARGET, False)
    (block,) = json.loads(encoded.body)["messages"][1]["content"]
    assert block["input"] == {"unreadable_arguments": '{"città": "Ro'}
    assert "weather" in encoded.notices[0]


@pytest.mark.parametrize("state", ["", "[]", "{}", '{"at":[1],"block":{}}', '{"at":"x"}', '"text"'])
def test_state_that_cannot_be_read_is_an_error_that_says_so(state: str) -> None:
    call = ChatCall(messages=(user("?"), assistant(Opaque("anthropic", state), "x"), user("!")), max_tokens=1)
    with pytest.raises(InvalidCall, match="opaque part"):
        CHAT.encode(call, TARGET, False)


def test_the_model_cannot_have_said_a_sound() -> None:
    call = ChatCall(messages=(user("?"), assistant(Audio(b"RIFF")), user("!")), max_tokens=1)
    with pytest.raises(Unsupported, match="audio"):
        CHAT.encode(call, TARGET, False)
