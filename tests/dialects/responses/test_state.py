"""What an answer keeps for the next turn goes back as the items that it was, in their order."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.dialects.responses.wire import CALL, CHAT, call, decode, encode, given_back, search, text, thought
from tramite import errors as er
from tramite.calls import ChatCall
from tramite.dialects import registry
from tramite.dialects.base import Target
from tramite.messages import Message, Opaque, Reasoning, Text, ToolCall, assistant, user
from tramite.replies import Choice, Reply

SECRET = {"type": "reasoning", "summary": [], "encrypted_content": "gAAA"}


def test_thoughts_precede_what_they_led_to() -> None:
    first, second = thought("a", encrypted_content="A"), thought("b", id="rs_2", encrypted_content="B")
    items = given_back(decode(first, search(), text("Ecco"), second, call()).message)
    assert items == [
        {"type": "reasoning", "summary": first["summary"], "encrypted_content": "A"},
        search(),
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Ecco"}]},
        {"type": "reasoning", "summary": second["summary"], "encrypted_content": "B"},
        {"type": "function_call", "call_id": "call_1", "name": "weather", "arguments": '{"city":"Roma"}'},
    ]


def test_open_thoughts_go_back_as_they_are() -> None:
    item = thought(content=[{"type": "reasoning_text", "text": "hmm"}])
    assert given_back(decode(item, call()).message)[0] == item


def test_a_thought_that_led_to_nothing_stays_behind() -> None:
    """OpenAI refuses it: "provided without its required following item"."""
    reply = decode(
        text("Ec"),
        thought(encrypted_content="A"),
        status="incomplete",
        incomplete_details={"reason": "max_output_tokens"},
    )
    assert [item["type"] for item in given_back(reply.message)] == ["message"]
    assert given_back(decode(thought(encrypted_content="A")).message) == []


def test_messages_keep_their_phase_and_calls_their_fields() -> None:
    items = given_back(
        decode(text("Vedo.", phase="commentary"), call(namespace="n"), text("Sole.", phase="final_answer")).message
    )
    assert [(item["type"], item.get("phase"), item.get("namespace")) for item in items] == [
        ("message", "commentary", None),
        ("function_call", None, "n"),
        ("message", "final_answer", None),
    ]


def test_text_that_was_changed_loses_its_phase_and_nothing_else() -> None:
    opaque, _ = decode(text("Vedo.", phase="commentary")).message.parts
    items = given_back(Message("assistant", (opaque, Text("No"))))
    assert items == [{"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "No"}]}]


def test_state_of_ones_own_stands_where_it_was_put() -> None:
    secret = Opaque("openai-responses", json.dumps(SECRET))
    items = given_back(assistant("a", secret, "b", ToolCall("c", "f")))
    assert [item["type"] for item in items] == ["message", "reasoning", "message", "function_call"]


def test_state_of_other_dialects_is_left_out_with_a_notice() -> None:
    encoded = encode(user("a"), assistant(Opaque("anthropic", "{}"), Reasoning("hmm"), "b"), user("c"))
    assert encoded.notices == (
        "openai-responses/gpt-5-mini: state of the anthropic dialect was left out of the history",
    )
    assert b"hmm" not in encoded.body


def test_other_dialects_leave_ours_out_with_a_notice() -> None:
    message = decode(thought("a", encrypted_content="A"), text("b")).message
    target = Target("openai", "gpt-4o")
    encoded = registry.get("openai").operations["chat"].encode(ChatCall(messages=(user("?"), message)), target, False)
    assert encoded.notices == ("openai/gpt-4o: state of the openai-responses dialect was left out of the history",)
    assert json.loads(encoded.body)["messages"][1] == {"role": "assistant", "content": "b"}


@pytest.mark.parametrize("state", ["", "5", "{}", '{"at":[1,2]}', '{"type":5}', '{"item":null', "[" * 5000])
def test_state_that_was_not_made_here_is_refused(state: str) -> None:
    with pytest.raises(er.InvalidCall) as caught:
        given_back(assistant(Opaque("openai-responses", state), "a"))
    assert caught.value.field == "messages"


def test_a_clients_own_items_and_files_pass_through() -> None:
    """Results of tools that the provider has, and files: this API's alone, kept for it."""
    output = {"type": "computer_call_output", "call_id": "c", "output": {"type": "computer_screenshot"}}
    file = {"type": "input_file", "file_data": "data:application/pdf;base64,AAAA", "filename": "a.pdf"}
    asked: list[dict[str, Any]] = [
        {"role": "user", "content": [{"type": "input_text", "text": "Leggi"}, file]},
        {"type": "computer_call", "id": "cu_1", "call_id": "c", "status": "completed", "action": {"type": "wait"}},
        output,
        {"role": "user", "content": "E poi?"},
    ]
    read, _ = CHAT.decode_call(json.dumps({"model": "m", "input": asked}).encode(), "/v1/responses")
    assert [message.role for message in read.messages] == ["user", "assistant", "user", "user"]
    assert json.loads(CHAT.encode(read, Target("openai-responses", "m"), False).body)["input"] == asked
    with pytest.raises(er.Unsupported):
        registry.get("openai").operations["chat"].encode(read, Target("openai", "gpt-4o"), False)


def test_a_reply_shows_what_is_kept_as_items_and_other_thinking_as_a_summary() -> None:
    secret = Opaque("openai-responses", json.dumps(SECRET))
    foreign = Opaque("anthropic", '{"type":"thinking"}')
    message = Message("assistant", (foreign, secret, Reasoning("hmm"), Text("a")))
    output = json.loads(CHAT.encode_reply(Reply(choices=(Choice(message, "stop"),)), CALL))["output"]
    assert [item["type"] for item in output] == ["reasoning", "reasoning", "message"]
    assert output[0] == SECRET
    assert output[1]["summary"] == [{"type": "summary_text", "text": "hmm"}]
    shown = Opaque("openai-responses", json.dumps({**SECRET, "summary": [{"type": "summary_text", "text": "hmm"}]}))
    message = Message("assistant", (shown, Reasoning("hmm"), Text("a")))
    output = json.loads(CHAT.encode_reply(Reply(choices=(Choice(message, "stop"),)), CALL))["output"]
    assert [item["type"] for item in output] == ["reasoning", "message"]


ITEMS = st.lists(
    st.one_of(
        st.builds(text, st.text(min_size=1, max_size=5)),
        st.builds(lambda said: text(said, phase="commentary"), st.text(min_size=1, max_size=5)),
        st.builds(lambda n: call(id=f"call_{n}"), st.integers(0, 10**6)),
        st.builds(lambda n: thought(id=f"rs_{n}", encrypted_content=str(n)), st.integers(0, 9)),
        st.builds(lambda n: search(f"ws_{n}"), st.integers(0, 9)),
    ),
    max_size=6,
)


@given(output=ITEMS)
def test_every_answer_goes_back_with_its_state_in_order(output: list[dict[str, Any]]) -> None:
    """But for a thought at the end, and for text and calls between two pieces of state, where text comes first."""
    while output and output[-1]["type"] == "reasoning":
        output.pop()
    items = given_back(decode(*output).message)
    states = [item for item in output if item["type"] in ("reasoning", "web_search_call")]
    again = [item for item in items if item.get("type") in ("reasoning", "web_search_call")]
    assert [item.get("encrypted_content", item.get("id")) for item in again] == [
        item.get("encrypted_content", item["id"]) for item in states
    ]
    assert [item["call_id"] for item in items if item.get("type") == "function_call"] == [
        item["call_id"] for item in output if item["type"] == "function_call"
    ]
    said = "".join(item["content"][0]["text"] for item in output if item["type"] == "message")
    assert "".join(_text(item) for item in items) == said
    for kinds in (("reasoning", "function_call"), ("web_search_call", "function_call"), ("reasoning", "message")):
        assert _order(items, kinds) == _order(output, kinds)


def _text(item: dict[str, Any]) -> str:
    content = item.get("content", "") if item.get("type", "message") == "message" else ""
    return content if isinstance(content, str) else "".join(part["text"] for part in content)


def _order(items: list[dict[str, Any]], kinds: tuple[str, ...]) -> list[str]:
    """Which of these kinds follows which, joined where one follows itself."""
    found: list[str] = []
    for item in items:
        kind = item.get("type", "message")
        if kind in kinds and found[-1:] != [kind]:
            found.append(kind)
    return found
