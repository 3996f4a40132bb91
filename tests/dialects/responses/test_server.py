"""The server's side: calls are understood or refused by name, and what goes back is all that OpenAI's types demand."""

from __future__ import annotations

import json
from typing import Any

import pytest
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from tests.dialects.responses.wire import CALL, CHAT, assembled, watched
from tramite import errors as er
from tramite import events as ev
from tramite.calls import ChatCall, ResponseFormat, Tool
from tramite.dialects.responses import RESPONSES
from tramite.messages import Image, Message, Opaque, Reasoning, Refusal, Text, ToolCall, user
from tramite.replies import Choice, Reply, TokenLogprob, Usage
from tramite.wire.frames import Frame

RICH = Message("assistant", (Reasoning("hmm"), Text("Ecco."), Refusal("Ma no."), ToolCall("call_1", "f", "{}")))
USAGE = Usage(input_tokens=3, output_tokens=4, cached_tokens=1, cache_write_tokens=0, reasoning_tokens=2)
LOGPROBS = (TokenLogprob("Ec", -0.5, (("Ec", -0.5), ("La", -1.5))),)
ASKED = ChatCall(
    messages=(user("?"),),
    model="fast",
    temperature=0.5,
    tools=(Tool("f", parameters={"type": "object"}, strict=True),),
    tool_choice="f",
    response_format=ResponseFormat("json_schema", "a", {"type": "object"}),
    reasoning_effort="low",
    extra={"verbosity": "low", "metadata": {"a": "b"}},
)
EVENT: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)


def _call(body: dict[str, Any], path: str = "/v1/responses") -> ChatCall:
    call: ChatCall = CHAT.decode_call(json.dumps({"model": "m", "input": "ciao", **body}).encode(), path)[0]
    return call


@pytest.mark.parametrize("call", [CALL, ASKED])
def test_a_whole_reply_is_all_that_their_types_demand(call: ChatCall) -> None:
    reply = Reply(choices=(Choice(RICH, "tool_calls", LOGPROBS),), usage=USAGE, model="gpt-5")
    seen = Response.model_validate_json(CHAT.encode_reply(reply, call), strict=True)
    assert [item.type for item in seen.output] == ["reasoning", "message", "function_call"]
    assert (seen.output_text, seen.status, seen.model, seen.store) == ("Ecco.", "completed", "gpt-5", False)  # type: ignore[attr-defined]  # store is new
    assert seen.usage is not None
    assert (seen.usage.total_tokens, seen.usage.input_tokens_details.cached_tokens) == (7, 1)
    assert seen.id.startswith("resp_")


STREAM: list[ev.Event] = [
    ev.ModelReported("gpt-5", "resp_7"),
    ev.ReasoningDelta("hm"),
    ev.TextDelta("Ec", 0, LOGPROBS),
    ev.ReasoningDelta("m"),
    ev.TextDelta("co."),
    ev.RefusalDelta("Ma no."),
    ev.ToolCallDelta(0, "call_1", "f"),
    ev.ToolCallDelta(1, "call_2", "g"),
    ev.ToolCallDelta(0, arguments='{"a"'),
    ev.ToolCallDelta(1, arguments="{}"),
    ev.ToolCallDelta(0, arguments=":1}"),
    ev.Finished("tool_calls"),
    ev.UsageReported(USAGE),
]


def _written(events: list[ev.Event], call: ChatCall = CALL) -> list[Frame]:
    writer = CHAT.writer(call)
    return [*(frame for event in events for frame in writer.write(event)), *writer.end()]


@pytest.mark.parametrize("call", [CALL, ASKED])
def test_every_frame_is_all_that_their_types_demand(call: ChatCall) -> None:
    frames = _written(STREAM, call)
    seen = [EVENT.validate_json(frame.data, strict=True) for frame in frames]
    assert [event.type for event in seen] == [frame.event for frame in frames]
    assert [event.sequence_number for event in seen] == list(range(len(frames)))
    ids = {event.response.id for event in seen if event.type in ("response.created", "response.completed")}
    assert ids == {"resp_7"}
    ended = {event.output_index: event.item for event in seen if event.type == "response.output_item.done"}
    assert [ended[index] for index in sorted(ended)] == seen[-1].response.output


def test_a_stream_says_what_was_said() -> None:
    reply = assembled(_written(STREAM))
    assert (reply.text, reply.reasoning, reply.refusal) == ("Ecco.", "hmm", "Ma no.")
    assert [(call.id, call.raw) for call in reply.tool_calls] == [("call_1", '{"a":1}'), ("call_2", "{}")]
    assert (reply.finish, reply.usage, reply.logprobs) == ("tool_calls", USAGE, LOGPROBS)


def test_a_stream_is_not_ended_before_it_is_told_to_be() -> None:
    writer = CHAT.writer(CALL)
    frames = [frame for event in STREAM for frame in writer.write(event)]
    assert not watched(frames).ended
    assert [frame.event for frame in writer.end()] == ["response.completed"]


@pytest.mark.parametrize(
    ("finish", "name", "reason"),
    [
        ("length", "response.incomplete", "max_output_tokens"),
        ("content_filter", "response.incomplete", "content_filter"),
        ("stopped", "response.completed", None),
        ("unknown", "response.completed", None),
    ],
)
def test_the_last_frame_says_how_it_ended(finish: Any, name: str, reason: str | None) -> None:
    frames = _written([ev.TextDelta("a"), ev.Finished(finish)])
    last = EVENT.validate_json(frames[-1].data, strict=True)
    assert last.type == name
    assert (last.response.incomplete_details and last.response.incomplete_details.reason) == reason
    assert last.response.output[0].status == name.removeprefix("response.")


def test_a_stream_of_nothing_is_a_stream() -> None:
    frames = _written([])
    assert [frame.event for frame in frames] == ["response.created", "response.in_progress", "response.completed"]
    assert watched(frames).proof


def test_state_of_this_api_goes_out_as_the_items_that_it_is() -> None:
    secret = Opaque("openai-responses", '{"type":"reasoning","id":"rs_9","summary":[],"encrypted_content":"g"}')
    search = Opaque("openai-responses", '{"at":[1,0,1],"item":{"type":"web_search_call","id":"ws_1"}}')
    phase = Opaque("openai-responses", '{"at":[0,0,1],"length":1,"message":{"phase":"commentary"}}')
    fields = Opaque("openai-responses", '{"call":"call_1","fields":{"namespace":"n"}}')
    events: list[ev.Event] = [
        ev.ReasoningDelta("hmm"),
        ev.OpaqueDelta(secret),
        ev.TextDelta("a"),
        ev.OpaqueDelta(phase),
        ev.OpaqueDelta(search),
        ev.ToolCallDelta(0, "call_1", "f", "{}"),
        ev.OpaqueDelta(fields),
        ev.OpaqueDelta(Opaque("gemini", "{}")),
        ev.Finished("tool_calls"),
    ]
    frames = _written(events)
    output = json.loads(frames[-1].data)["response"]["output"]
    assert [item["type"] for item in output] == ["reasoning", "message", "web_search_call", "function_call"]
    assert output[0]["encrypted_content"] == "g"
    assert (output[1]["phase"], output[3]["namespace"]) == ("commentary", "n")
    begun = [json.loads(frame.data)["item"]["id"] for frame in frames if frame.event == "response.output_item.added"]
    assert begun == [item["id"] for item in output]


@pytest.mark.parametrize(
    "event", [ev.Started("a/b"), ev.Retrying("a/b", "x", 1.0), ev.Loading("a/b"), ev.Noticed("x"), ev.TextDelta("b", 1)]
)
def test_events_without_a_word_in_this_dialect_make_no_frame(event: ev.Event) -> None:
    assert CHAT.writer(CALL).write(event) == []


@pytest.mark.parametrize("usage", [Usage(), Usage(input_tokens=3)])
def test_unknown_usage_is_not_called_zero(usage: Usage) -> None:
    reply = Reply(choices=(Choice(Message("assistant", "sì"), "stop"),), usage=usage)
    assert json.loads(CHAT.encode_reply(reply, CALL))["usage"] is None


def test_an_error_in_mid_stream_has_both_shapes() -> None:
    (frame,) = RESPONSES.encode_stream_error(er.Throttled("slow down", type="tokens", code="rate_limit_exceeded"))
    event = EVENT.validate_json(frame.data, strict=True)
    assert (frame.event, event.type, event.message, event.code) == (
        "error",
        "error",
        "slow down",
        "rate_limit_exceeded",
    )
    assert json.loads(frame.data)["error"]["type"] == "tokens"


EVERYTHING: dict[str, Any] = {
    "model": "m",
    "instructions": "Sii breve.",
    "input": [
        {"role": "developer", "content": "In italiano."},
        {
            "type": "message",
            "role": "user",
            "content": [
                {"type": "input_text", "text": "a"},
                {"type": "input_image", "image_url": "https://e.org/a.png", "detail": "high", "file_id": None},
            ],
        },
        {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "hmm"}]},
        {
            "type": "message",
            "id": "msg_1",
            "role": "assistant",
            "status": "completed",
            "content": [{"type": "output_text", "text": "b", "annotations": [], "logprobs": []}],
        },
        {"type": "function_call", "id": "fc_1", "call_id": "c", "name": "f", "arguments": "{}", "status": "completed"},
        {"type": "function_call_output", "call_id": "c", "output": [{"type": "input_text", "text": "1"}]},
        {"role": "user", "content": [{"type": "input_text", "text": "c"}, {"type": "input_text", "text": "d"}]},
    ],
    "include": ["reasoning.encrypted_content", "message.output_text.logprobs", "web_search_call.action.sources"],
    "max_output_tokens": 9,
    "reasoning": {"effort": "low", "summary": "auto", "generate_summary": None},
    "store": False,
    "background": False,
    "stream": True,
    "stream_options": {"include_obfuscation": False},
    "temperature": None,
    "text": {
        "format": {
            "type": "json_schema",
            "name": "a",
            "description": "D",
            "schema": {"type": "object"},
            "strict": None,
        },
        "verbosity": "low",
    },
    "tools": [
        {"type": "function", "name": "f", "parameters": {"type": "object"}, "strict": True, "description": None},
        {"type": "function", "name": "g", "parameters": None, "strict": None, "defer_loading": True},
        {"type": "web_search"},
    ],
    "tool_choice": {"type": "function", "name": "f"},
    "top_p": 0.5,
    "truncation": "disabled",
    "user": "u-1",
}


def test_a_call_with_everything() -> None:
    call, stream = CHAT.decode_call(json.dumps(EVERYTHING).encode(), "/v1/responses")
    assert stream
    assert call == ChatCall(
        model="m",
        messages=(
            Message("system", "Sii breve."),
            Message("developer", "In italiano."),
            Message("user", (Text("a"), Image(url="https://e.org/a.png", detail="high"))),
            Message("assistant", (Reasoning("hmm"), Text("b"), ToolCall("c", "f", "{}"))),
            Message("tool", "1", tool_call_id="c"),
            Message("user", "cd"),
        ),
        max_tokens=9,
        logprobs=0,
        top_p=0.5,
        tools=(Tool("f", "", {"type": "object"}, True),),
        tool_choice="f",
        response_format=ResponseFormat("json_schema", "a", {"description": "D", "type": "object"}),
        reasoning_effort="low",
        extra={
            "include": ["web_search_call.action.sources"],
            "reasoning": {"summary": "auto"},
            "stream_options": {"include_obfuscation": False},
            "tools": [EVERYTHING["tools"][1], {"type": "web_search"}],
            "user": "u-1",
            "verbosity": "low",
        },
    )


def test_input_may_be_a_string() -> None:
    assert _call({}).messages == (user("ciao"),)


@pytest.mark.parametrize("path", ["/openai/deployments/mine/responses?api-version=1", "/v1/responses"])
def test_azures_path_names_the_model(path: str) -> None:
    assert _call({}, path).model == ("mine" if "deployments" in path else "m")


def test_a_choice_among_the_providers_own_tools_stays_as_it_is() -> None:
    search, choice = {"type": "web_search"}, {"type": "web_search"}
    assert _call({"tools": [search], "tool_choice": choice}).extra == {"tools": [search], "tool_choice": choice}


def test_parts_that_we_have_no_word_for_are_kept() -> None:
    file = {"type": "input_file", "file_url": "https://e.org/a.pdf"}
    large = {"type": "input_image", "image_url": "https://e.org/a.png", "detail": "original"}
    stored = {"type": "input_image", "file_id": "file-1"}
    (message,) = _call({"input": [{"role": "user", "content": [file, large, stored]}]}).messages
    assert [json.loads(part.json) for part in message.parts if isinstance(part, Opaque)] == [file, large, stored]


def _said(content: Any, role: str = "user") -> dict[str, Any]:
    return {"input": [{"role": role, "content": content}]}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"previous_response_id": "resp_1"}, "previous_response_id"),
        ({"conversation": {"id": "conv_1"}}, "conversation"),
        ({"prompt": {"id": "p"}}, "prompt"),
        ({"store": True}, "store"),
        ({"store": "no"}, "store"),
        ({"background": True}, "background"),
        ({"input": [{"type": "item_reference", "id": "msg_1"}]}, "input[0]"),
        ({"input": [{"type": "function_call_output", "call_id": "c", "output": "1"}]}, "messages"),
        ({"input": None}, "input"),
        ({"input": 5}, "input"),
        ({"input": []}, "messages"),
        ({"input": ["ciao"]}, "input[0]"),
        ({"input": [{"type": 5}]}, "input[0].type"),
        ({"input": [{"role": "wizard", "content": "a"}]}, "input[0].role"),
        ({"input": [{"role": "user", "content": "a", "weight": 1}]}, "input[0].weight"),
        ({"input": [{"role": "user"}]}, "input[0].content"),
        ({"input": [{"type": "function_call", "call_id": "c", "name": "f"}]}, "input[0].arguments"),
        ({"input": [{"type": "function_call_output", "output": "1"}]}, "input[0].call_id"),
        (_said(5), "input[0].content"),
        (_said([5]), "input[0].content[0]"),
        (_said([{"type": "text", "text": "a"}]), "input[0].content[0]"),
        (_said([{"type": "input_text", "text": 5}]), "input[0].content[0].text"),
        (_said([{"type": "input_image", "image_url": "ftp://x"}]), "input[0].content[0].image_url"),
        (_said([{"type": "input_image", "image_url": "data:image/png;base64,%"}]), "input[0].content[0].image_url"),
        (_said([{"type": "input_text", "text": "a"}], "assistant"), "input[0].content[0]"),
        (_said(5, "assistant"), "input[0].content"),
        ({"instructions": ["a"]}, "instructions"),
        ({"temperature": "hot"}, "temperature"),
        ({"max_output_tokens": 1.5}, "max_output_tokens"),
        ({"top_logprobs": 50}, "logprobs"),
        ({"include": "all"}, "include"),
        ({"stream": "yes"}, "stream"),
        ({"text": "json"}, "text"),
        ({"text": {"format": {"type": "xml"}}}, "text.format"),
        ({"text": {"format": {"type": "json_schema", "name": "a"}}}, "text.format"),
        ({"reasoning": "much"}, "reasoning"),
        ({"reasoning": {"effort": "heroic"}}, "reasoning_effort"),
        ({"tools": {}}, "tools"),
        ({"tools": ["f"]}, "tools[0]"),
        ({"tools": [{"name": "f"}]}, "tools[0]"),
        ({"tools": [{"type": "function", "function": {"name": "f"}}]}, "tools[0]"),
        ({"tools": [{"type": "function", "name": "f", "parameters": 5}]}, "tools[0]"),
        ({"tool_choice": "f"}, "tool_choice"),
        ({"tool_choice": {"type": "function", "name": "f"}}, "tool_choice"),
    ],
)
def test_what_cannot_be_understood_is_named(body: dict[str, Any], field: str) -> None:
    with pytest.raises(er.InvalidCall) as caught:
        _call(body)
    assert caught.value.field == field
    status, raw = RESPONSES.encode_error(caught.value)
    assert (status, json.loads(raw)["error"]["param"]) == (400, field)


@pytest.mark.parametrize("body", [b"", b"ciao", b"[]", b'{"input":', b'{"a":"\xff"}', b'{"a":' * 5000])
def test_a_body_that_is_no_object_is_refused(body: bytes) -> None:
    with pytest.raises(er.InvalidCall, match="body"):
        CHAT.decode_call(body, "/v1/responses")


@pytest.mark.parametrize("role", ["[]", "{}", "5", "null", '"nobody"'])
def test_a_role_that_is_none_is_an_invalid_call(role: str) -> None:
    body = f'{{"model":"m","input":[{{"role":{role},"content":"hello"}}]}}'.encode()
    with pytest.raises(InvalidCall, match="role must be one of"):
        CHAT.decode_call(body, "/v1/responses")
