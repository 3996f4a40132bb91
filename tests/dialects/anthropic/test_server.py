"""What a client of the Messages API sends to us, and what it gets back."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tramite.calls import ChatCall, ResponseFormat, Tool
from tramite.dialects.anthropic import ANTHROPIC
from tramite.dialects.base import Target
from tramite.errors import InvalidCall
from tramite.messages import Image, Message, Opaque, Reasoning, Refusal, Text, ToolCall, assistant, system, user
from tramite.replies import Choice, ModelInfo, ModelsReply, Reply, Usage

CHAT = ANTHROPIC.operations["chat"]
PNG = "iVBORw0KGgo="


def _call(*messages: Any, **fields: Any) -> ChatCall:
    body = {"model": "claude-1", "max_tokens": 100, "messages": list(messages) or [_user("ciao")], **fields}
    call, _ = CHAT.decode_call(json.dumps(body).encode(), "/v1/messages")
    assert isinstance(call, ChatCall)
    return call


def _user(content: Any) -> dict[str, Any]:
    return {"role": "user", "content": content}


def test_a_plain_request() -> None:
    call = _call(temperature=0.5, top_p=1, stop_sequences=["\n"], system="Sii breve.", top_k=4)
    assert call.messages == (system("Sii breve."), user("ciao"))
    assert (call.model, call.max_tokens, call.temperature, call.top_p) == ("claude-1", 100, 0.5, 1)
    assert (call.stop, call.extra) == (("\n",), {"top_k": 4})


def test_whether_a_stream_is_asked_for() -> None:
    body = b'{"model":"m","max_tokens":1,"messages":[{"role":"user","content":"x"}],"stream":true}'
    assert CHAT.decode_call(body, "/v1/messages")[1] is True


def test_several_system_blocks_are_several_messages_and_one_in_mid_conversation_stays() -> None:
    turns = [_user("a"), {"role": "system", "content": [{"type": "text", "text": "c"}]}]
    call = _call(*turns, system=[{"type": "text", "text": "x"}, {"type": "text", "text": "y"}])
    assert call.messages == (system("x"), system("y"), user("a"), system("c"))


def test_images_and_documents() -> None:
    document = {"type": "document", "source": {"type": "text", "data": "…"}}
    blocks = [
        {"type": "text", "text": "guarda"},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}},
        {"type": "image", "source": {"type": "url", "url": "https://e.org/a.png"}},
        {**document, "cache_control": {"type": "ephemeral"}},
    ]
    (message,) = _call(_user(blocks)).messages
    text, data, url, kept = message.parts
    assert text == Text("guarda")
    assert data == Image(data=b"\x89PNG\r\n\x1a\n", media_type="image/png")
    assert url == Image(url="https://e.org/a.png")
    assert isinstance(kept, Opaque)
    assert json.loads(kept.json) == document


def test_results_of_tools_are_messages_of_their_own() -> None:
    asked = {"role": "assistant", "content": [{"type": "tool_use", "id": "t1", "name": "now", "input": {}}]}
    results = [
        {"type": "tool_result", "tool_use_id": "t1", "content": [{"type": "text", "text": "ore 9"}], "is_error": False},
        {"type": "text", "text": "allora?"},
    ]
    messages = _call(_user("che ora è?"), asked, _user(results)).messages
    assert messages[1] == assistant(ToolCall("t1", "now", "{}"))
    assert messages[2:] == (Message("tool", "ore 9", tool_call_id="t1"), user("allora?"))


def test_a_result_may_hold_an_image_or_nothing() -> None:
    asked = {"role": "assistant", "content": [{"type": "tool_use", "id": "t1", "name": "see", "input": {}}]}
    image = {"type": "image", "source": {"type": "url", "url": "https://e.org/a.png"}}
    for content, parts in (([image], (Image(url="https://e.org/a.png"),)), (None, None)):
        result = {"type": "tool_result", "tool_use_id": "t1"} | ({"content": content} if content else {})
        *_, message = _call(_user("?"), asked, _user([result])).messages
        assert message.content == (parts or "")


def test_an_earlier_answer_has_its_state_and_shows_its_thoughts() -> None:
    thought = {"type": "thinking", "thinking": "Penso", "signature": "EqQB"}
    call = _call(_user("?"), {"role": "assistant", "content": [thought, {"type": "text", "text": "x"}]}, _user("!"))
    state, *rest = call.messages[1].parts
    assert isinstance(state, Opaque)
    assert json.loads(state.json) == thought
    assert rest == [Reasoning("Penso"), Text("x")]


def test_an_unsigned_thought_which_we_showed_ourselves_is_no_state() -> None:
    shown = Reply(choices=(Choice(assistant(Reasoning("Penso"), "x"), "stop"),))
    said = json.loads(CHAT.encode_reply(shown, _call()))["content"]
    assert said[0] == {"type": "thinking", "thinking": "Penso", "signature": ""}
    call = _call(_user("?"), {"role": "assistant", "content": said}, _user("!"))
    assert call.messages[1].parts == (Reasoning("Penso"), Text("x"))


def test_tools_ours_and_theirs() -> None:
    own = {"name": "now", "description": "ora", "input_schema": {"type": "object", "properties": {}}}
    search = {"type": "web_search_20250305", "name": "web_search", "max_uses": 3}
    late = {"name": "late", "input_schema": {"type": "object"}, "defer_loading": True}
    call = _call(tools=[{**own, "type": "custom", "eager_input_streaming": True}, search, late])
    assert call.tools == (Tool("now", "ora"),)
    assert call.extra == {"tools": [search, late]}


@pytest.mark.parametrize(
    ("choice", "read"),
    [
        ({"type": "auto"}, "auto"),
        ({"type": "any"}, "required"),
        ({"type": "none"}, "none"),
        ({"type": "tool", "name": "now"}, "now"),
    ],
)
def test_choices_of_tools(choice: dict[str, Any], read: str) -> None:
    tools = [{"name": "now", "input_schema": {"type": "object"}}]
    assert _call(tools=tools, tool_choice=choice).tool_choice == read
    alone = _call(tools=tools, tool_choice={**choice, "disable_parallel_tool_use": True})
    assert alone.extra == {"parallel_tool_calls": False}


@pytest.mark.parametrize(
    ("fields", "effort", "kept"),
    [
        ({"thinking": {"type": "enabled", "budget_tokens": 8000}}, "high", {}),
        ({"thinking": {"type": "enabled", "budget_tokens": 1024}}, "low", {}),
        ({"thinking": {"type": "enabled", "budget_tokens": 9400}}, "xhigh", {}),
        ({"thinking": {"type": "disabled"}}, "none", {}),
        ({"thinking": {"type": "between_tools"}}, "none", {}),
        ({"output_config": {"effort": "medium"}}, "medium", {}),
        ({"thinking": {"type": "adaptive"}, "output_config": {"effort": "max"}}, "xhigh", {}),
        ({"thinking": {"type": "adaptive"}}, None, {"thinking": {"type": "adaptive"}}),
        (
            {"thinking": {"type": "disabled"}, "output_config": {"effort": "low", "task_budget": 1}},
            "low",
            {"thinking": {"type": "disabled"}, "output_config": {"task_budget": 1}},
        ),
        (
            {"thinking": {"type": "enabled", "budget_tokens": 2000, "display": "omitted"}},
            "low",
            {"thinking": {"type": "enabled", "budget_tokens": 2000, "display": "omitted"}},
        ),
    ],
)
def test_thinking_is_read_as_an_effort(fields: dict[str, Any], effort: str | None, kept: dict[str, Any]) -> None:
    call = _call(max_tokens=10_000, **fields)
    assert call.reasoning_effort == effort
    assert call.extra == kept


def test_a_schema_for_the_answer_has_its_title_for_a_name() -> None:
    schema = {"title": "place", "type": "object"}
    config = {"format": {"type": "json_schema", "schema": schema}}
    assert _call(output_config=config).response_format == ResponseFormat("json_schema", "place", schema)


def test_the_user_goes_by_one_name_in_every_dialect() -> None:
    assert _call(metadata={"user_id": "u-1", "x": 1}).extra == {"user": "u-1", "metadata": {"x": 1}}


def test_marks_on_blocks_become_one_for_the_request() -> None:
    mark = {"type": "ephemeral", "ttl": "1h"}
    block = {"type": "text", "text": "lungo", "cache_control": mark}
    tool = {"name": "now", "input_schema": {"type": "object"}, "cache_control": mark}
    assert _call(_user([block])).extra == {"cache_control": mark}
    assert _call(system=[block]).extra == {"cache_control": mark}
    assert _call(tools=[tool]).extra == {"cache_control": mark}
    assert _call(_user([block]), cache_control={"type": "ephemeral"}).extra == {"cache_control": {"type": "ephemeral"}}


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no length": ({"max_tokens": None}, "max_tokens"),
    "no tokens": ({"max_tokens": 0}, "max_tokens"),
    "no list": ({"messages": "ciao"}, "messages"),
    "no messages": ({"messages": None}, "messages"),
    "no content": ({"messages": [{"role": "user"}]}, "messages[0]"),
    "a role of the future": ({"messages": [{"role": "oracle", "content": "x"}]}, "messages[0].role"),
    "an unknown field": ({"messages": [{"role": "user", "content": "x", "mood": 1}]}, "messages[0].mood"),
    "a block without a type": ({"messages": [_user([{"text": "x"}])]}, "messages[0].content[0]"),
    "text that is none": ({"messages": [_user([{"type": "text", "text": 1}])]}, "messages[0].content[0]"),
    "text with more": (
        {"messages": [_user([{"type": "text", "text": "x", "bold": True}])]},
        "messages[0].content[0].bold",
    ),
    "content of no kind": ({"messages": [_user(3)]}, "messages[0].content"),
    "an image that is none": (
        {
            "messages": [
                _user([{"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "?"}}])
            ]
        },
        "messages[0].content[0].source",
    ),
    "an image without data": (
        {"messages": [_user([{"type": "image", "source": {"type": "base64"}}])]},
        "messages[0].content[0].source",
    ),
    "a result of nothing": (
        {"messages": [_user([{"type": "tool_result", "content": "x"}])]},
        "messages[0].content[0].tool_use_id",
    ),
    "a result of no kind": (
        {"messages": [_user([{"type": "tool_result", "tool_use_id": "t", "content": 3}])]},
        "messages[0].content[0].content",
    ),
    "a call without a name": (
        {"messages": [{"role": "assistant", "content": [{"type": "tool_use", "id": "t", "input": {}}]}]},
        "messages[0].content[0]",
    ),
    "an answer of no blocks": ({"messages": [{"role": "assistant", "content": ["x"]}]}, "messages[0].content[0]"),
    "a system of no kind": ({"system": 3}, "system"),
    "a system with an image": ({"system": [{"type": "image"}]}, "system[0]"),
    "a tool that is none": ({"tools": [3]}, "tools[0]"),
    "a tool without a schema": ({"tools": [{"name": "x"}]}, "tools[0]"),
    "a choice of no kind": ({"tool_choice": {"type": "maybe"}}, "tool_choice"),
    "a choice that is a word": ({"tool_choice": "auto"}, "tool_choice"),
    "a format of no kind": ({"output_config": {"format": {"type": "xml"}}}, "output_config.format"),
    "a temperature in words": ({"temperature": "hot"}, "temperature"),
    "stops that are none": ({"stop_sequences": "x"}, "stop_sequences"),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_cannot_be_understood_is_named(what: str) -> None:
    fields, where = WRONG[what]
    with pytest.raises(InvalidCall) as caught:
        _call(**fields)
    assert caught.value.field == where


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'"x"'])
def test_a_body_that_is_no_object_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidCall):
        CHAT.decode_call(body, "/v1/messages")


def test_a_reply_is_a_message_of_theirs() -> None:
    usage = Usage(input_tokens=10, output_tokens=2, cached_tokens=4, cache_write_tokens=3, reasoning_tokens=1)
    said = Choice(assistant("Vedo.", ToolCall("t1", "now", '{"a": 1}')), "tool_calls")
    whole = json.loads(CHAT.encode_reply(Reply(choices=(said,), usage=usage, model="m", request_id="msg_1"), _call()))
    assert whole == {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [
            {"type": "text", "text": "Vedo."},
            {"type": "tool_use", "id": "t1", "name": "now", "input": {"a": 1}},
        ],
        "stop_reason": "tool_use",
        "stop_sequence": None,
        "usage": {
            "input_tokens": 3,
            "output_tokens": 2,
            "cache_creation_input_tokens": 3,
            "cache_read_input_tokens": 4,
            "output_tokens_details": {"thinking_tokens": 1},
        },
    }


def test_a_refusal_is_their_stop_reason() -> None:
    reply = Reply(choices=(Choice(assistant(Refusal("Non posso.")), "stop"),))
    whole = json.loads(CHAT.encode_reply(reply, _call()))
    assert (whole["stop_reason"], whole["content"]) == ("refusal", [])
    assert whole["stop_details"]["explanation"] == "Non posso."
    assert CHAT.decode(json.dumps(whole).encode()).refusal == "Non posso."


def test_state_of_other_dialects_is_not_shown_to_a_client() -> None:
    reply = Reply(choices=(Choice(assistant(Opaque("openai", "{}"), "ciao"), "stop"),))
    assert json.loads(CHAT.encode_reply(reply, _call()))["content"] == [{"type": "text", "text": "ciao"}]


def test_a_request_goes_on_as_it_came() -> None:
    mark = {"cache_control": {"type": "ephemeral"}}
    thought = {"type": "thinking", "thinking": "Penso", "signature": "EqQB"}
    turns = [
        _user([{"type": "text", "text": "a"}, {"type": "document", "source": {"type": "url", "url": "https://e.org"}}]),
        {
            "role": "assistant",
            "content": [thought, {"type": "tool_use", "id": "t", "name": "now", "input": {"x": [1]}}],
        },
        _user([{"type": "tool_result", "tool_use_id": "t", "content": "9"}, {"type": "text", "text": "b"}]),
    ]
    body = {
        "model": "claude-opus-4-8",
        "max_tokens": 9,
        "messages": turns,
        "tools": [{"name": "now", "input_schema": {"type": "object"}}],
        "tool_choice": {"type": "any", "disable_parallel_tool_use": True},
        "thinking": {"type": "adaptive"},
        "output_config": {
            "effort": "low",
            "format": {"type": "json_schema", "schema": {"additionalProperties": False}},
        },
        "metadata": {"user_id": "u"},
        "stop_sequences": ["x"],
        **mark,
    }
    call, _ = CHAT.decode_call(json.dumps(body).encode(), "/v1/messages")
    encoded = CHAT.encode(call, Target("anthropic", "claude-opus-4-8"), False)
    assert encoded.notices == ()
    assert json.loads(encoded.body) == body


def test_a_list_of_models() -> None:
    reply = ModelsReply(models=(ModelInfo("claude-1", context_tokens=8), ModelInfo("claude-2")))
    listed = json.loads(ANTHROPIC.operations["models"].encode_reply(reply, None))
    assert [model["id"] for model in listed["data"]] == ["claude-1", "claude-2"]
    assert (listed["first_id"], listed["last_id"], listed["has_more"]) == ("claude-1", "claude-2", False)
