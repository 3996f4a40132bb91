"""State of the target's travels through a client of another dialect and works again on the next turn."""

from __future__ import annotations

import contextlib
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.gateway.pairs import CHATS, INBOUND, STATES, TARGETS, asked, state_of, translation
from tramite import events as ev
from tramite.assembly import Assembler
from tramite.calls import ChatCall, Tool
from tramite.dialects import registry
from tramite.errors import InvalidCall
from tramite.gateway.carried import carrier, is_mixed, restored
from tramite.messages import Message, Opaque, Reasoning, Text, ToolCall
from tramite.replies import Choice, Reply

every_pair = pytest.mark.parametrize(("inbound", "outbound"), CHATS)
ASKED = Message("user", "Che tempo fa?")
RESULT = Message("tool", "sole", tool_call_id="call_1")
CALL = ChatCall(messages=(ASKED,), max_tokens=9_000, tools=(Tool("weather"),), reasoning_effort="high")


def answer(outbound: str, *shown: Any) -> Message:
    """An answer of the target's that calls a tool, with its state."""
    state = Opaque(state_of(outbound), STATES[outbound])
    return Message("assistant", (state, *shown, Text("Guardo."), ToolCall("call_1", "weather", '{"a":1}')))


def next_turn(messages: tuple[Message, ...], outbound: str) -> Any:
    """How the next request would be, asked of the target in its own dialect."""
    call = replace(CALL, messages=messages)
    operation = registry.get(outbound).operations["chat"]
    return msgspec.json.decode(operation.encode(call, TARGETS[outbound], False).body)


def given_back(inbound: str, body: bytes) -> bytes:
    """The next request of a client that puts the answer into its history as its SDK has it."""
    said: Any = msgspec.json.decode(body)
    result: Any = {"type": "tool_result", "tool_use_id": "call_1", "content": "sole"}
    if inbound == "openai":
        turns = [said["choices"][0]["message"], {"role": "tool", "tool_call_id": "call_1", "content": "sole"}]
        request = {"messages": [{"role": "user", "content": ASKED.text}, *turns]}
    elif inbound == "anthropic":
        turns = [{"role": "assistant", "content": said["content"]}, {"role": "user", "content": [result]}]
        request = {"messages": [{"role": "user", "content": ASKED.text}, *turns]}
    elif inbound == "openai-responses":
        turns = [*said["output"], {"type": "function_call_output", "call_id": "call_1", "output": "sole"}]
        request = {"input": [{"role": "user", "content": ASKED.text}, *turns]}
    else:
        answers = {"functionResponse": {"id": "call_1", "name": "weather", "response": {"output": "sole"}}}
        turns = [said["candidates"][0]["content"], {"role": "user", "parts": [answers]}]
        request = {"contents": [{"role": "user", "parts": [{"text": ASKED.text}]}, *turns]}
    asked_first = msgspec.json.decode(
        registry.get(inbound).operations["chat"].encode(CALL, TARGETS[inbound], False).body
    )
    return msgspec.json.encode({**asked_first, **request})


@every_pair
@pytest.mark.parametrize("shown", [(), (Reasoning("hmm…"),)])
def test_state_of_a_whole_answer_comes_back_to_its_target(inbound: str, outbound: str, shown: tuple[Any, ...]) -> None:
    target = registry.get(outbound).operations["chat"]
    message = answer(outbound, *shown)
    reply = Reply(choices=(Choice(message, "tool_calls"),))
    body, _ = asked(inbound, CALL).whole(target, target.encode_reply(reply, CALL))
    again = translation(inbound, given_back(inbound, body))
    encoded = again.encode(registry.get(outbound), TARGETS[outbound])
    direct = next_turn((ASKED, target.decode(target.encode_reply(reply, CALL)).message, RESULT), outbound)
    assert _history(msgspec.json.decode(encoded.body)) == _history(direct)
    assert not [notice for notice in encoded.notices if "left out" in notice]


@every_pair
def test_state_of_a_stream_comes_back_to_its_target(inbound: str, outbound: str) -> None:
    target, client = (registry.get(name).operations["chat"] for name in (outbound, inbound))
    call = ev.ToolCallDelta(0, "call_1", "weather", '{"a":1}')
    state = ev.OpaqueDelta(Opaque(state_of(outbound), STATES[outbound]))
    rest = (ev.TextDelta("Guardo."), call) if state_of(outbound) != "openai" else (ev.TextDelta("Guardo."), call, state)
    first = () if state in rest else (state,)
    events = (ev.ReasoningDelta("hmm…"), *first, *rest, ev.Finished("tool_calls"))
    writer = target.writer(CALL)
    frames = [frame for event in events for frame in writer.write(event)]
    frames += writer.end()
    mapper = asked(inbound, CALL, stream=True).stream(target)
    mapped = [*mapper.map(frames), *mapper.end()]
    theirs, ours = Assembler(), Assembler()
    theirs.feed(target.reader(CALL).read(frames))
    ours.feed(client.reader(CALL).read(mapped))
    kept = replace(CALL, messages=(ASKED, ours.reply().message, RESULT))
    again = asked(inbound, kept).encode(registry.get(outbound), TARGETS[outbound])
    direct = next_turn((ASKED, theirs.reply().message, RESULT), outbound)
    assert _history(msgspec.json.decode(again.body)) == _history(direct)


def _history(body: Any) -> Any:
    """The conversation in a request: thinking that only some clients can give back apart."""
    turns = body.get("messages") or body.get("input") or body.get("contents")
    for turn in turns:
        turn.pop("reasoning_content", None)
    return turns


@pytest.mark.parametrize("inbound", INBOUND)
def test_another_target_is_asked_without_it_and_a_notice_says_so(inbound: str) -> None:
    target = registry.get("anthropic").operations["chat"]
    body, _ = asked(inbound, CALL).whole(
        target, target.encode_reply(Reply(choices=(Choice(answer("anthropic"), "tool_calls"),)), CALL)
    )
    request = given_back(inbound, body)
    for outbound in ("openai", "gemini", "openai-responses"):
        encoded = translation(inbound, request).encode(registry.get(outbound), TARGETS[outbound])
        assert b"EqQB" not in encoded.body
        assert b"dHJhbWl0ZTox" not in encoded.body
        assert any("state of the anthropic dialect" in notice for notice in encoded.notices)


@pytest.mark.parametrize("inbound", [name for name in INBOUND if name != "anthropic"])
def test_a_history_that_holds_it_is_known_by_its_bytes(inbound: str) -> None:
    target = registry.get("anthropic").operations["chat"]
    body, _ = asked(inbound, CALL).whole(
        target, target.encode_reply(Reply(choices=(Choice(answer("anthropic"), "tool_calls"),)), CALL)
    )
    assert is_mixed(given_back(inbound, body))
    plain = registry.get(inbound).operations["chat"].encode(CALL, TARGETS[inbound], False).body
    assert not is_mixed(plain)


def test_thinking_without_a_signature_is_known_too() -> None:
    body = b'{"messages":[{"role":"assistant","content":[{"type":"thinking","thinking":"x","signature":""}]}]}'
    assert is_mixed(body)
    assert is_mixed(body.replace(b":", b": "))


_junk = st.none() | st.integers(-9, 9) | st.text(max_size=4) | st.lists(st.integers(-3, 99), max_size=3)
_names = st.sampled_from(
    [
        *("type", "at", "block", "item", "length", "citations", "message", "tool", "call", "fields", "parts", "part"),
        *("thoughtSignature", "after", "text", "thought", "reasoning_details", "tool_calls.extra_content", "content"),
    ]
)
_kinds = st.sampled_from(["reasoning", "thinking", "message", "call_1"])
_values = st.recursive(
    _junk | _kinds, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(_names, inner, max_size=3), max_leaves=6
)
_objects = st.dictionaries(_names, _values, max_size=4).map(lambda said: msgspec.json.encode(said).decode())


@every_pair
@given(state=st.builds(Opaque, st.sampled_from([*STATES, "none"]), _objects | st.text(max_size=9)), own=st.booleans())
def test_state_that_a_client_made_up_is_at_worst_an_invalid_call(
    inbound: str, outbound: str, state: Opaque, own: bool
) -> None:
    state = replace(state, dialect=state_of(outbound)) if own else state
    message = Message("assistant", (carrier([state], inbound, ""), *answer(outbound).content[1:]))
    request = asked(inbound, replace(CALL, messages=(ASKED, message, RESULT)))
    with contextlib.suppress(InvalidCall):
        request.encode(registry.get(outbound), TARGETS[outbound])


@pytest.mark.parametrize("dialect", INBOUND)
@given(parts=st.lists(st.builds(Opaque, st.sampled_from(list(STATES)), _objects), min_size=1, max_size=3))
def test_what_is_carried_is_what_comes_out(dialect: str, parts: list[Opaque]) -> None:
    for thought in (None, "", "hmm"):
        message = Message("assistant", (carrier(parts, dialect, thought), Text("x")))
        assert restored(message).content == (*parts, Text("x"))
        assert restored(Message("user", message.content)).content == message.content


@pytest.mark.parametrize("damage", ["=", "AAAA", "////", "e30="])
def test_a_token_that_was_changed_is_refused(damage: str) -> None:
    part = Opaque("anthropic", f'{{"type":"redacted_thinking","data":"dHJhbWl0ZTox{damage}"}}')
    with pytest.raises(InvalidCall, match="send it back as it came"):
        restored(Message("assistant", (part,)))


def test_claude_is_not_asked_to_think_where_the_thoughts_of_its_calls_were_lost() -> None:
    older = replace(TARGETS["anthropic"], model="claude-sonnet-4-5")
    dialect = registry.get("anthropic")
    kept, lost = answer("anthropic"), Message("assistant", answer("anthropic").content[1:])
    for message, thinks in ((kept, True), (lost, False)):
        encoded = asked("anthropic", replace(CALL, messages=(ASKED, message, RESULT))).encode(dialect, older)
        assert (b'"thinking":{"type":"enabled"' in encoded.body) == thinks
        assert any("without thinking" in notice for notice in encoded.notices) != thinks
        assert b"adaptive" in asked("anthropic", CALL).encode(dialect, TARGETS["anthropic"]).body


def test_ids_of_tool_calls_that_claude_refuses_are_made_to_fit_on_both_sides() -> None:
    call, result = (
        ToolCall("functions.weather:0", "weather"),
        Message("tool", "sole", tool_call_id="functions.weather:0"),
    )
    history = (ASKED, Message("assistant", (call,)), result)
    encoded = asked("openai", replace(CALL, messages=history)).encode(registry.get("anthropic"), TARGETS["anthropic"])
    assert encoded.body.count(b'"functions_weather_0"') == 2
    assert b"functions.weather:0" not in encoded.body
