"""What comes back whole: every spelling that compatible servers have for an answer."""

from __future__ import annotations

import base64
import json
import struct
from typing import Any

import pytest

from tramite.dialects.openai import OPENAI
from tramite.errors import BadReply, ContextTooLong, Overloaded, RequestRejected
from tramite.messages import Opaque, Reasoning, Refusal, Text, ToolCall
from tramite.replies import EmbeddingReply, ModelInfo, Reply, TokenLogprob, Usage

CHAT = OPENAI.operations["chat"]


def _reply(message: Any = None, usage: Any = None, **fields: Any) -> Reply:
    choice = {"index": 0, "message": message or {"content": "sì"}, "finish_reason": "stop", **fields}
    reply: Reply = CHAT.decode(json.dumps({"id": "chatcmpl-1", "choices": [choice], "usage": usage}).encode())
    return reply


def test_text_id_model_and_fingerprint() -> None:
    body = {
        "id": "chatcmpl-1",
        "model": "gpt-4o",
        "system_fingerprint": "fp_1",
        "choices": [{"message": {"content": "sì"}}],
    }
    reply = CHAT.decode(json.dumps(body).encode())
    assert (reply.text, reply.request_id, reply.model, reply.system_fingerprint, reply.finish) == (
        "sì",
        "chatcmpl-1",
        "gpt-4o",
        "fp_1",
        "unknown",
    )


def test_several_choices_keep_their_order() -> None:
    choices = [{"index": index, "message": {"content": str(index)}, "finish_reason": "stop"} for index in range(3)]
    reply = CHAT.decode(json.dumps({"choices": choices}).encode())
    assert [choice.message.text for choice in reply.choices] == ["0", "1", "2"]


@pytest.mark.parametrize(
    ("word", "finish"),
    [
        ("stop", "stop"),
        ("eos", "stop"),
        ("eos_token", "stop"),
        ("end_turn", "stop"),
        ("length", "length"),
        ("MAX_TOKENS", "length"),
        ("tool_calls", "tool_calls"),
        ("function_call", "tool_calls"),
        ("content_filter", "content_filter"),
        ("something_new", "unknown"),
        ("", "unknown"),
        (None, "unknown"),
    ],
)
def test_finish_reasons(word: str | None, finish: str) -> None:
    assert _reply(finish_reason=word).finish == finish


@pytest.mark.parametrize("word", ["error", "abort", "insufficient_system_resource", "network_error"])
def test_a_finish_that_says_that_it_broke_off_is_an_error(word: str) -> None:
    body = json.dumps({"choices": [{"message": {"content": "a"}, "finish_reason": word}]}).encode()
    assert isinstance(CHAT.judge(body).error, Overloaded)
    with pytest.raises(Overloaded, match=word):
        CHAT.decode(body)


@pytest.mark.parametrize(
    ("content", "text", "reasoning"),
    [
        (None, "", ""),
        ("", "", ""),
        ([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}], "ab", ""),
        (
            [{"type": "thinking", "thinking": [{"type": "text", "text": "hmm"}]}, {"type": "text", "text": "sì"}],
            "sì",
            "hmm",
        ),
        ([{"type": "thinking", "thinking": "hmm"}, "sì", {"type": "reference", "reference_ids": [1]}], "sì", "hmm"),
        ("<think>hmm</think>sì", "<think>hmm</think>sì", ""),
    ],
)
def test_content_may_be_a_string_nothing_or_parts(content: Any, text: str, reasoning: str) -> None:
    reply = _reply({"content": content})
    assert (reply.text, reply.reasoning) == (text, reasoning)


@pytest.mark.parametrize(
    "fields",
    [
        {"reasoning_content": "hmm"},
        {"reasoning": "hmm"},
        {"thinking": "hmm"},
        {"reasoning": "hmm", "reasoning_content": "hmm"},
        {"reasoning": None, "reasoning_content": "hmm"},
    ],
)
def test_thinking_has_several_names(fields: dict[str, Any]) -> None:
    reply = _reply({"content": "sì", **fields})
    assert reply.message.content == (Reasoning("hmm"), Text("sì"))


def test_reasoning_details_are_kept_and_their_text_is_not_read_twice() -> None:
    details = [{"type": "reasoning.text", "text": "hmm", "signature": "s", "index": 0}]
    kept = Opaque("openai", json.dumps({"reasoning_details": details}, separators=(",", ":")))
    assert _reply({"content": "sì", "reasoning_details": details}).message.content == (
        kept,
        Reasoning("hmm"),
        Text("sì"),
    )
    both = _reply({"content": "sì", "reasoning": "hmm", "reasoning_details": details})
    assert both.message.content == (kept, Reasoning("hmm"), Text("sì"))


def test_a_refusal_stands_apart_from_the_text() -> None:
    reply = _reply({"content": None, "refusal": "No."})
    assert reply.message.content == (Refusal("No."),)
    assert reply.refusal == "No."
    assert _reply({"content": "sì", "refusal": ""}).message.content == "sì"


@pytest.mark.parametrize(
    ("function", "raw"),
    [
        ({"name": "f", "arguments": '{"a": 1}'}, '{"a": 1}'),
        ({"name": "f", "arguments": {"a": 1}}, '{"a":1}'),
        ({"name": "f", "arguments": None}, "{}"),
        ({"name": "f", "arguments": ""}, "{}"),
        ({"name": "f"}, "{}"),
        ({"name": "f", "parameters": {"a": 1}}, '{"a":1}'),
    ],
)
def test_arguments_of_tools_come_in_many_shapes(function: dict[str, Any], raw: str) -> None:
    reply = _reply({"content": None, "tool_calls": [{"id": "c1", "type": "function", "function": function}]})
    assert reply.tool_calls == [ToolCall("c1", "f", raw)]


@pytest.mark.parametrize("ids", [(None, None), ("", ""), (0, 0), ("same", "same")])
def test_tool_calls_get_ids_of_their_own_where_they_have_none(ids: tuple[Any, Any]) -> None:
    calls = [{"id": id, "function": {"name": "f", "arguments": "{}"}} for id in ids]
    first, second = _reply({"content": "", "tool_calls": calls}).tool_calls
    assert first.id
    assert second.id
    assert first.id != second.id


def test_a_function_call_of_old_is_a_tool_call_and_an_empty_one_is_none() -> None:
    old = _reply(
        {"content": None, "function_call": {"name": "f", "arguments": '{"a":1}'}}, finish_reason="function_call"
    )
    assert (old.tool_calls[0].name, old.tool_calls[0].arguments, old.finish) == ("f", {"a": 1}, "tool_calls")
    assert _reply({"content": "a", "function_call": {"name": "", "arguments": ""}}).tool_calls == []


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        (None, Usage()),
        ({}, Usage()),
        ("n/a", Usage()),
        ({"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}, Usage()),
        ({"prompt_tokens": 3, "completion_tokens": 4}, Usage(input_tokens=3, output_tokens=4)),
        ({"prompt_tokens": 3, "completion_tokens": None}, Usage(input_tokens=3)),
        ({"prompt_tokens": 3.0, "completion_tokens": 4}, Usage(input_tokens=3, output_tokens=4)),
        (
            {
                "prompt_tokens": 30,
                "completion_tokens": 40,
                "total_tokens": 70,
                "prompt_tokens_details": {"cached_tokens": 10, "cache_write_tokens": 5},
                "completion_tokens_details": {"reasoning_tokens": 20},
            },
            Usage(input_tokens=30, output_tokens=40, cached_tokens=10, cache_write_tokens=5, reasoning_tokens=20),
        ),
        (
            {
                "prompt_tokens": 3,
                "completion_tokens": 4,
                "prompt_tokens_details": None,
                "completion_tokens_details": None,
            },
            Usage(input_tokens=3, output_tokens=4),
        ),
        # DeepSeek, Together, Mistral: cached tokens under other names
        (
            {"prompt_tokens": 9, "completion_tokens": 4, "prompt_cache_hit_tokens": 8, "prompt_cache_miss_tokens": 1},
            Usage(input_tokens=9, output_tokens=4, cached_tokens=8),
        ),
        (
            {"prompt_tokens": 9, "completion_tokens": 4, "cached_tokens": 8},
            Usage(input_tokens=9, output_tokens=4, cached_tokens=8),
        ),
        # xAI leaves thinking out of completion_tokens
        (
            {
                "prompt_tokens": 10,
                "completion_tokens": 5,
                "total_tokens": 115,
                "completion_tokens_details": {"reasoning_tokens": 100},
            },
            Usage(input_tokens=10, output_tokens=105, reasoning_tokens=100),
        ),
        # so does Gemini's OpenAI face, and does not name it
        (
            {"prompt_tokens": 35, "completion_tokens": 12, "total_tokens": 109},
            Usage(input_tokens=35, output_tokens=74, reasoning_tokens=62),
        ),
        # Mistral leaves sound out of prompt_tokens
        (
            {
                "prompt_tokens": 9,
                "completion_tokens": 248,
                "total_tokens": 632,
                "prompt_tokens_details": {"audio_tokens": 375},
            },
            Usage(input_tokens=384, output_tokens=248),
        ),
        # Azure has counted more cached tokens than there were
        (
            {"prompt_tokens": 347, "completion_tokens": 18, "prompt_tokens_details": {"cached_tokens": 403}},
            Usage(input_tokens=347, output_tokens=18, cached_tokens=347),
        ),
    ],
)
def test_usage_comes_in_many_shapes(usage: Any, expected: Usage) -> None:
    reply = _reply(usage=usage)
    assert reply.usage == expected


def test_log_probabilities() -> None:
    top = [{"token": "sì", "logprob": -0.1, "bytes": [115]}, {"token": "no", "logprob": -2.5, "bytes": None}]
    logprobs = {"content": [{"token": "sì", "logprob": -0.1, "top_logprobs": top}], "refusal": None}
    assert _reply(logprobs=logprobs).logprobs == (TokenLogprob("sì", -0.1, (("sì", -0.1), ("no", -2.5))),)
    assert _reply(logprobs={"content": None, "refusal": None}).logprobs == ()


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "empty body"),
        (b"  \n", "empty body"),
        (b"<!DOCTYPE html><html>Bad gateway</html>", "HTML.*base URL"),
        (b"upstream connect error", "not JSON.*upstream connect error"),
        (b'{"choices":[{"message":{"content":"a', "JSON that is none"),
        (b'{"choices":[{"message":{"content":"\xff\xfe"}}]}', "JSON that is none"),
        (b'{"choices":[]}', "no choices"),
        (b'{"object":"list","data":[]}', "no choices"),
        (b'{"choices":[{"index":0}]}', "without a message"),
        (b"[1]", "JSON that is none"),
        (b'{"choices":[' + b'{"x":[' * 5000, "JSON that is none"),
    ],
)
def test_what_is_no_answer_is_called_by_its_name(body: bytes, said: str) -> None:
    with pytest.raises(BadReply, match=said) as caught:
        CHAT.decode(body)
    assert len(caught.value.body) <= 2_000
    signals = CHAT.judge(body)
    assert (signals.proof, type(signals.error)) == (False, BadReply)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"error": {"message": "prompt is too long", "type": "invalid_request_error", "code": 400}}, ContextTooLong),
        ({"error": {"message": "no"}, "choices": [{"message": {"content": "a"}}]}, Overloaded),
        ({"object": "error", "message": "bad temperature", "type": "BadRequestError", "code": 400}, RequestRejected),
        ({"error": "Unexpected endpoint or method. (POST /v1/foo)"}, RequestRejected),
        (
            {"choices": [{"error": {"code": 502, "message": "gone"}, "finish_reason": "error", "message": {}}]},
            Overloaded,
        ),
    ],
)
def test_an_error_inside_a_success_is_an_error(body: dict[str, Any], kind: type[Exception]) -> None:
    raw = json.dumps(body).encode()
    with pytest.raises(kind):
        CHAT.decode(raw)
    signals = CHAT.judge(raw)
    assert (signals.proof, type(signals.error)) == (False, kind)
    assert signals.error is not None
    assert signals.error.status == 200


def test_white_space_before_the_json_is_nothing() -> None:
    assert CHAT.decode(b"\n   \n\n" + b'{"choices":[{"message":{"content":"a"}}]}').text == "a"


def test_half_an_emoji_does_not_lose_the_answer() -> None:
    body = rb'{"choices":[{"message":{"content":"\\ud83d \ud83d \ud83d\ude00 \ude00"}}]}'
    assert CHAT.decode(body).text == "\\ud83d \ufffd 😀 \ufffd"


def test_a_completion() -> None:
    logprobs = {"tokens": ["Q", " A"], "token_logprobs": [None, -0.5], "top_logprobs": [None, {" A": -0.5, " B": -1.0}]}
    choice = {"text": "Q A", "index": 0, "finish_reason": "length", "logprobs": logprobs}
    reply = OPENAI.operations["completion"].decode(json.dumps({"model": "m", "choices": [choice]}).encode())
    assert (reply.text, reply.finish) == ("Q A", "length")
    assert reply.logprobs == (TokenLogprob("Q", 0.0), TokenLogprob(" A", -0.5, ((" A", -0.5), (" B", -1.0))))


def _vectors(*data: Any, usage: Any = None) -> EmbeddingReply:
    body = {"object": "list", "data": list(data), "model": "e", "usage": usage}
    reply: EmbeddingReply = OPENAI.operations["embedding"].decode(json.dumps(body).encode())
    return reply


def _packed(*numbers: float) -> str:
    return base64.b64encode(struct.pack(f"<{len(numbers)}f", *numbers)).decode()


def test_vectors_come_as_numbers_or_base64_in_the_order_of_their_index() -> None:
    reply = _vectors({"index": 1, "embedding": _packed(0.25, -0.5)}, {"index": 0, "embedding": [1, 0.0]})
    assert reply.vectors == [[1.0, 0.0], [0.25, -0.5]]


def test_vectors_without_numbers_stay_as_they_came() -> None:
    assert _vectors({"embedding": [1]}, {"embedding": [2]}).vectors == [[1.0], [2.0]]
    assert _vectors({"index": 0, "embedding": [1]}, {"index": 0, "embedding": [2]}).vectors == [[1.0], [2.0]]


def test_a_missing_vector_is_not_passed_over() -> None:
    with pytest.raises(BadReply, match="index 1"):
        _vectors({"index": 0, "embedding": [1]}, {"index": 2, "embedding": [2]})


def test_signed_bytes_in_base64_are_told_from_floats() -> None:
    numbers = [-9, -58, 0, 3, 60, -14, -2, -9, -32, 13, 0, 30, 58, 0, -2, -1]
    packed = base64.b64encode(bytes(number & 255 for number in numbers)).decode()
    assert _vectors({"index": 0, "embedding": packed}).vectors == [[float(number) for number in numbers]]


@pytest.mark.parametrize(
    ("usage", "tokens"),
    [({"prompt_tokens": 8, "total_tokens": 8}, 8), ({"total_tokens": 4}, 4), ({"total_tokens": 0}, None), (None, None)],
)
def test_the_usage_of_embeddings_may_be_a_total_alone(usage: Any, tokens: int | None) -> None:
    assert _vectors({"embedding": [1]}, usage=usage).usage.input_tokens == tokens


@pytest.mark.parametrize(
    "body", [b'{"data":[]}', b'{"data":[{"embedding":"%%%"}]}', b"<html>", b'{"data":[{"embedding":[null]}]}']
)
def test_what_is_no_list_of_vectors_is_a_bad_reply(body: bytes) -> None:
    with pytest.raises(BadReply):
        OPENAI.operations["embedding"].decode(body)


@pytest.mark.parametrize(
    ("item", "info"),
    [
        ({"id": "gpt-4o", "object": "model", "created": 1, "owned_by": "openai"}, ModelInfo("gpt-4o", "openai")),
        (  # LM Studio
            {
                "id": "qwen3-8b",
                "type": "llm",
                "state": "loaded",
                "max_context_length": 40960,
                "loaded_context_length": 4096,
            },
            ModelInfo("qwen3-8b", "", 4096, "llm", True),
        ),
        (
            {"id": "qwen3-8b", "type": "vlm", "state": "not-loaded", "max_context_length": 40960},
            ModelInfo("qwen3-8b", "", 40960, "vlm", False),
        ),
        ({"id": "q", "owned_by": "vllm", "max_model_len": 32768, "root": "q"}, ModelInfo("q", "vllm", 32768)),
        ({"id": "q", "context_length": 8192, "pricing": {}}, ModelInfo("q", "", 8192)),  # OpenRouter
        (
            {"id": "q", "meta": {"n_ctx_train": 131072}, "status": {"value": "loaded"}},
            ModelInfo("q", "", 131072, None, True),
        ),
        ({"id": "q", "type": "model", "owned_by": None, "context_window": 0}, ModelInfo("q")),
    ],
)
def test_models_tell_what_they_tell(item: dict[str, Any], info: ModelInfo) -> None:
    operation = OPENAI.operations["models"]
    for body in ({"object": "list", "data": [item]}, [item]):  # Together sends the list alone
        raw = json.dumps(body).encode()
        assert operation.decode(raw).models == (info,)
        assert operation.judge(raw).proof


@pytest.mark.parametrize(
    "body", [b"<html>", b'{"data":{}}', b'{"data":[{}]}', b'{"error":{"message":"no","code":500}}']
)
def test_what_is_no_list_of_models_is_an_error(body: bytes) -> None:
    operation = OPENAI.operations["models"]
    with pytest.raises((BadReply, Overloaded)):
        operation.decode(body)
    assert operation.judge(body).error is not None
