"""The server's side: calls are understood or refused by name, and OpenAI's own SDK accepts what goes back."""

from __future__ import annotations

import json
from typing import Any

import pytest
from openai.types import Completion, CreateEmbeddingResponse, Model
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from tramite import errors as er
from tramite import events as ev
from tramite.calls import ChatCall, CompletionCall, EmbeddingCall, ModelsCall, ResponseFormat, Tool
from tramite.dialects.openai import OPENAI
from tramite.messages import Image, Message, Opaque, Reasoning, Refusal, Text, ToolCall, user
from tramite.replies import (
    Choice,
    EmbeddingReply,
    ModelInfo,
    ModelsReply,
    Reply,
    TokenLogprob,
    Usage,
)
from tramite.wire.frames import Frame

CHAT = OPENAI.operations["chat"]
CALL = ChatCall(messages=(user("?"),), model="fast")
ASKED = ChatCall(messages=(user("?"),), model="fast", extra={"stream_options": {"include_usage": True}})
RICH = Message("assistant", (Reasoning("hmm"), Text("Ecco."), ToolCall("call_1", "weather", '{"city":"Roma"}')))
USAGE = Usage(input_tokens=3, output_tokens=4, cached_tokens=1, reasoning_tokens=2)
LOGPROBS = (TokenLogprob("Ec", -0.5, (("Ec", -0.5), ("La", -1.5))),)


def _call(body: dict[str, Any], path: str = "/v1/chat/completions") -> ChatCall:
    body = {"model": "m", "messages": [{"role": "user", "content": "ciao"}], **body}
    call: ChatCall = CHAT.decode_call(json.dumps(body).encode(), path)[0]
    return call


def test_the_sdk_accepts_a_whole_reply() -> None:
    reply = Reply(
        choices=(Choice(RICH, "tool_calls", LOGPROBS), Choice(Message("assistant", (Refusal("No."),)), "stopped")),
        usage=USAGE,
        model="gpt-4o",
        system_fingerprint="fp_1",
    )
    seen = ChatCompletion.model_validate_json(CHAT.encode_reply(reply, CALL), strict=True)
    first, second = seen.choices
    assert seen.id.startswith("chatcmpl-")
    assert (seen.object, seen.model, seen.system_fingerprint) == ("chat.completion", "gpt-4o", "fp_1")
    assert (first.message.content, first.finish_reason) == ("Ecco.", "tool_calls")
    assert first.message.tool_calls is not None
    assert first.message.tool_calls[0].model_dump()["function"] == {"name": "weather", "arguments": '{"city":"Roma"}'}
    assert first.message.model_extra == {"reasoning_content": "hmm"}
    assert first.logprobs is not None
    assert first.logprobs.content is not None
    assert [other.token for other in first.logprobs.content[0].top_logprobs] == ["Ec", "La"]
    assert (second.message.refusal, second.message.content, second.finish_reason) == ("No.", None, "stop")
    assert seen.usage is not None
    assert (seen.usage.total_tokens, seen.usage.prompt_tokens_details.cached_tokens) == (7, 1)  # type: ignore[union-attr]  # it is there


@pytest.mark.parametrize("usage", [Usage(), Usage(input_tokens=3)])
def test_unknown_usage_is_not_called_zero(usage: Usage) -> None:
    reply = Reply(choices=(Choice(Message("assistant", "sì"), "stop"),), usage=usage)
    assert ChatCompletion.model_validate_json(CHAT.encode_reply(reply, CALL)).usage is None


def test_the_sdk_accepts_every_frame_of_a_stream() -> None:
    events: list[ev.Event] = [
        ev.ModelReported("gpt-4o", "chatcmpl-7", "fp_1"),
        ev.ReasoningDelta("hmm"),
        ev.TextDelta("Ecco.", 0, LOGPROBS),
        ev.ToolCallDelta(0, "call_1", "weather"),
        ev.ToolCallDelta(0, arguments='{"city"'),
        ev.ToolCallDelta(0, arguments=':"Roma"}'),
        ev.RefusalDelta("No.", 1),
        ev.Finished("tool_calls"),
        ev.Finished("content_filter", 1),
        ev.UsageReported(USAGE),
    ]
    writer = CHAT.writer(ASKED)
    frames = [frame for event in events for frame in writer.write(event)] + writer.end()
    assert frames[-1].data == b"[DONE]"
    chunks = [ChatCompletionChunk.model_validate_json(frame.data, strict=True) for frame in frames[:-1]]
    assert {(chunk.id, chunk.model, chunk.object) for chunk in chunks} == {
        ("chatcmpl-7", "gpt-4o", "chat.completion.chunk")
    }
    assert [choice.delta.role for chunk in chunks for choice in chunk.choices if choice.delta.role] == ["assistant"] * 2
    assert chunks[-1].choices == []
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens == 4
    assert all(chunk.usage is None for chunk in chunks[:-1])


def test_usage_is_sent_only_to_those_who_asked() -> None:
    for call, frames in ((CALL, 1), (ASKED, 2)):
        writer = CHAT.writer(call)
        writer.write(ev.Finished("stop"))
        assert writer.write(ev.UsageReported(USAGE)) == []
        assert len(writer.end()) == frames


def test_usage_that_nobody_knows_is_not_sent() -> None:
    writer = CHAT.writer(ASKED)
    writer.write(ev.Finished("stop"))
    assert writer.end() == [Frame(b"[DONE]")]


def test_a_stream_whose_provider_gave_no_finish_gets_one_at_its_end_alone() -> None:
    writer = CHAT.writer(CALL)
    before = [frame.data for frame in writer.write(ev.TextDelta("sì"))]
    assert not any(b'"finish_reason":"' in data for data in before)
    finish, done = writer.end()
    assert ChatCompletionChunk.model_validate_json(finish.data).choices[0].finish_reason == "stop"
    assert done.data == b"[DONE]"


@pytest.mark.parametrize(
    "event",
    [
        ev.Started("a/b"),
        ev.Retrying("a/b", "x", 1.0),
        ev.Restarted("a/b", "x"),
        ev.Loading("a/b"),
        ev.Noticed("x"),
        ev.OpaqueDelta(Opaque("anthropic", "{}")),
    ],
)
def test_events_without_a_word_in_this_dialect_make_no_frame(event: ev.Event) -> None:
    assert CHAT.writer(CALL).write(event) == []


def test_an_error_in_mid_stream_is_what_the_sdk_looks_for() -> None:
    (frame,) = OPENAI.encode_stream_error(er.Overloaded("too busy"))
    assert json.loads(frame.data)["error"]["message"] == "too busy"
    assert frame.event == ""


def test_the_sdk_accepts_completions() -> None:
    operation = OPENAI.operations["completion"]
    call = CompletionCall(prompt="Q:", model="fast")
    reply = Reply(choices=(Choice(Message("assistant", " A"), "length", LOGPROBS),), usage=USAGE, model="m")
    seen = Completion.model_validate_json(operation.encode_reply(reply, call), strict=True)
    assert (seen.choices[0].text, seen.choices[0].finish_reason, seen.object) == (" A", "length", "text_completion")
    assert seen.choices[0].logprobs is not None
    assert seen.choices[0].logprobs.top_logprobs == [{"Ec": -0.5, "La": -1.5}]
    writer = operation.writer(call)
    (frame,) = writer.write(ev.TextDelta(" A"))
    assert json.loads(frame.data)["choices"] == [{"index": 0, "text": " A", "logprobs": None, "finish_reason": None}]
    finish, done = [*writer.write(ev.Finished("length")), *writer.end()]
    assert Completion.model_validate_json(finish.data).choices[0].finish_reason == "length"
    assert done.data == b"[DONE]"


@pytest.mark.parametrize(("form", "kind"), [("float", list), ("base64", str)])
def test_the_sdk_accepts_vectors_in_the_form_that_was_asked_for(form: str, kind: type) -> None:
    operation = OPENAI.operations["embedding"]
    body = json.dumps({"model": "e", "input": "a", "encoding_format": form}).encode()
    call, _ = operation.decode_call(body, "/v1/embeddings")
    reply = EmbeddingReply(vectors=[[0.25, -0.5]], usage=Usage(input_tokens=1), model="e")
    raw = operation.encode_reply(reply, call)
    assert isinstance(json.loads(raw)["data"][0]["embedding"], kind)
    assert operation.decode(raw).vectors == [[0.25, -0.5]]
    if form == "float":
        assert CreateEmbeddingResponse.model_validate_json(raw, strict=True).usage.prompt_tokens == 1


def test_the_sdk_accepts_models() -> None:
    reply = ModelsReply(models=(ModelInfo("m", "me", 4096, "llm", True),))
    raw = OPENAI.operations["models"].encode_reply(reply, ModelsCall())
    assert Model.model_validate(json.loads(raw)["data"][0], strict=True).id == "m"


EVERYTHING: dict[str, Any] = {
    "model": "m",
    "messages": [
        {"role": "developer", "content": "Sii breve."},
        {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}], "name": "ada"},
        {
            "role": "assistant",
            "content": None,
            "annotations": [],
            "audio": None,
            "refusal": None,
            "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
        },
        {"role": "tool", "content": [{"type": "text", "text": "1"}], "tool_call_id": "c"},
        {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://e.org/a.png"}}]},
    ],
    "max_completion_tokens": 9,
    "stop": "x",
    "logprobs": True,
    "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}, "strict": True}}],
    "tool_choice": {"type": "function", "function": {"name": "f"}},
    "response_format": {
        "type": "json_schema",
        "json_schema": {"name": "a", "description": "D", "schema": {"type": "object"}, "strict": None},
    },
    "reasoning_effort": "low",
    "stream": True,
    "stream_options": {"include_usage": True},
    "temperature": None,
    "user": "u-1",
    "service_tier": "flex",
}


def test_a_call_with_everything() -> None:
    call, stream = CHAT.decode_call(json.dumps(EVERYTHING).encode(), "/v1/chat/completions")
    assert stream
    assert call == ChatCall(
        model="m",
        messages=(
            Message("developer", "Sii breve."),
            Message("user", "ab", name="ada"),
            Message("assistant", (ToolCall("c", "f", "{}"),)),
            Message("tool", "1", tool_call_id="c"),
            Message("user", (Image(url="https://e.org/a.png"),)),
        ),
        max_tokens=9,
        stop=("x",),
        logprobs=0,
        tools=(Tool("f", "", {"type": "object"}, True),),
        tool_choice="f",
        response_format=ResponseFormat("json_schema", "a", {"description": "D", "type": "object"}),
        reasoning_effort="low",
        extra={"user": "u-1", "service_tier": "flex", "stream_options": {"include_usage": True}},
    )


def test_what_servers_gave_a_client_to_bring_back_is_kept() -> None:
    message = {
        "role": "assistant",
        "content": "sì",
        "reasoning_content": "hmm",
        "reasoning_details": [{"data": "x"}],
        "prefix": True,
    }
    user_message = {"role": "user", "content": "?"}
    call = _call({"messages": [user_message, message, user_message]})
    assert call.messages[1].parts == (
        Opaque("openai", '{"reasoning_details":[{"data":"x"}]}'),
        Opaque("openai", '{"prefix":true}'),
        Reasoning("hmm"),
        Text("sì"),
    )


@pytest.mark.parametrize(
    ("path", "model"),
    [
        ("/openai/deployments/mine/chat/completions?api-version=2024-10-21", "mine"),
        ("/v1/chat/completions", "m"),
        ("/openai/deployments", "m"),
    ],
)
def test_azures_path_names_the_model(path: str, model: str) -> None:
    assert _call({}, path).model == model


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"temperature": "hot"}, "temperature"),
        ({"temperature": True}, "temperature"),
        ({"temperature": 3}, "temperature"),
        ({"max_tokens": 1.5}, "max_tokens"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_tokens": 5, "max_completion_tokens": 6}, "max_tokens"),
        ({"n": "2"}, "n"),
        ({"stop": 5}, "stop"),
        ({"stop": [1]}, "stop"),
        ({"stream": "yes"}, "stream"),
        ({"logprobs": 3}, "logprobs"),
        ({"top_logprobs": 3}, "top_logprobs"),
        ({"model": 5}, "model"),
        ({"messages": "ciao"}, "messages"),
        ({"messages": []}, "messages"),
        ({"messages": None}, "messages"),
        ({"messages": ["ciao"]}, "messages[0]"),
        ({"messages": [{"content": "ciao"}]}, "messages[0].role"),
        ({"messages": [{"role": "wizard", "content": "ciao"}]}, "messages[0]"),
        ({"messages": [{"role": "user", "content": 5}]}, "messages[0].content"),
        ({"messages": [{"role": "user"}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": [{"type": "file"}]}]}, "messages[0].content[0]"),
        ({"messages": [{"role": "user", "content": [{"type": "text"}]}]}, "messages[0].content[0].text"),
        (
            {"messages": [{"role": "user", "content": [{"type": "text", "text": "a", "x": 1}]}]},
            "messages[0].content[0].x",
        ),
        ({"messages": [{"role": "user", "content": "a", "weight": 1}]}, "messages[0].weight"),
        ({"messages": [{"role": "user", "content": "a", "name": 5}]}, "messages[0].name"),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "ftp://x"}}]}]},
            "messages[0].content[0].image_url.url",
        ),
        (
            {
                "messages": [
                    {
                        "role": "user",
                        "content": [{"type": "input_audio", "input_audio": {"data": "%", "format": "wav"}}],
                    }
                ]
            },
            "messages[0].content[0].input_audio.data",
        ),
        ({"messages": [{"role": "tool", "content": "1"}]}, "messages[0]"),
        ({"messages": [{"role": "function", "name": "f", "content": "1"}]}, "messages[0]"),
        ({"messages": [{"role": "assistant", "content": "", "tool_calls": [{"id": 1}]}]}, "messages[0].tool_calls[0]"),
        ({"tools": {}}, "tools"),
        ({"tools": [{"type": "custom", "custom": {}}]}, "tools[0]"),
        ({"tools": [{"type": "function", "function": {"description": "x"}}]}, "tools[0].function"),
        ({"tool_choice": 5}, "tool_choice"),
        ({"tool_choice": "f"}, "tool_choice"),
        ({"tool_choice": {"type": "allowed_tools"}}, "tool_choice"),
        ({"functions": []}, "functions"),
        ({"response_format": "json"}, "response_format"),
        ({"response_format": {"type": "xml"}}, "response_format"),
        ({"response_format": {"type": "json_schema", "json_schema": {"name": 5}}}, "response_format.json_schema"),
        ({"reasoning_effort": "much"}, "reasoning_effort"),
    ],
)
def test_what_a_call_may_not_hold_is_named(body: dict[str, Any], field: str) -> None:
    with pytest.raises(er.InvalidCall) as caught:
        _call(body)
    assert caught.value.field == field
    status, raw = OPENAI.encode_error(caught.value)
    assert (status, json.loads(raw)["error"]["param"]) == (400, field)


@pytest.mark.parametrize("body", [b"", b"ciao", b"[]", b'{"messages":', b'{"a":"\xff"}', b'{"a":' * 5000])
def test_a_body_that_is_no_object_is_refused(body: bytes) -> None:
    for operation in OPENAI.operations.values():
        if operation.kind != "models":
            with pytest.raises(er.InvalidCall, match="body"):
                operation.decode_call(body, "/v1/x")


@pytest.mark.parametrize("prompt", [["a", "b"], [1, 2], [[1]], 5, None, []])
def test_a_completion_takes_one_prompt_of_text(prompt: Any) -> None:
    body = json.dumps({"model": "m", "prompt": prompt}).encode()
    with pytest.raises(er.InvalidCall) as caught:
        OPENAI.operations["completion"].decode_call(body, "/v1/completions")
    assert caught.value.field == "prompt"


def test_a_completion_call() -> None:
    body = {"model": "m", "prompt": ["Q:"], "logprobs": 2, "echo": True, "suffix": "!", "best_of": 2, "stream": True}
    call, stream = OPENAI.operations["completion"].decode_call(json.dumps(body).encode(), "/v1/completions")
    assert stream
    assert call == CompletionCall(model="m", prompt="Q:", logprobs=2, echo=True, suffix="!", extra={"best_of": 2})


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"input": [1, 2]}, "input"),
        ({"input": [[1, 2]]}, "input"),
        ({"input": []}, "input"),
        ({"input": 5}, "input"),
        ({}, "input"),
        ({"input": "a", "dimensions": "3"}, "dimensions"),
        ({"input": "a", "encoding_format": "hex"}, "encoding_format"),
    ],
)
def test_an_embedding_call_takes_text_alone(body: dict[str, Any], field: str) -> None:
    with pytest.raises(er.InvalidCall) as caught:
        OPENAI.operations["embedding"].decode_call(json.dumps({"model": "e", **body}).encode(), "/v1/embeddings")
    assert caught.value.field == field


def test_an_embedding_call() -> None:
    body = json.dumps({"model": "e", "input": ["a", "b"], "dimensions": 3, "user": "u"}).encode()
    assert OPENAI.operations["embedding"].decode_call(body, "/v1/embeddings") == (
        EmbeddingCall(inputs=("a", "b"), model="e", dimensions=3, extra={"user": "u"}),
        False,
    )
