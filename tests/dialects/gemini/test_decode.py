"""What comes back from Gemini whole: text, thoughts, calls, usage, finish; and what is no answer."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tramite import errors as er
from tramite.dialects.gemini import GEMINI
from tramite.messages import Image, Message, Opaque, Reasoning, Text, ToolCall
from tramite.replies import Reply, TokenLogprob, Usage

CHAT = GEMINI.operations["chat"]
PNG = "iVBORw0KGgo="


def answer(*parts: dict[str, Any], finish: Any = "STOP", **more: Any) -> bytes:
    candidate = {"content": {"role": "model", "parts": list(parts)}, "finishReason": finish, "index": 0}
    return json.dumps({"candidates": [candidate], "responseId": "r1", "modelVersion": "gemini-x", **more}).encode()


def reply(*parts: dict[str, Any], **more: Any) -> Reply:
    said: Reply = CHAT.decode(answer(*parts, **more))
    return said


def content(*parts: dict[str, Any]) -> Any:
    return reply(*parts).message.content


def test_text_thoughts_and_calls() -> None:
    said = reply(
        {"text": "Penso.", "thought": True},
        {"text": "Ecco "},
        {"text": "qui."},
        {"functionCall": {"name": "weather", "args": {"city": "Roma"}, "id": "abc"}},
    )
    call = ToolCall("abc", "weather", '{"city": "Roma"}')
    assert said.message == Message("assistant", (Reasoning("Penso."), Text("Ecco qui."), call))
    assert (said.finish, said.model, said.request_id) == ("tool_calls", "gemini-x", "r1")


def test_calls_without_ids_get_the_same_ones_every_time() -> None:
    parts = ({"functionCall": {"name": "a"}}, {"functionCall": {"name": "b", "args": None}})
    ids = [call.id for call in reply(*parts).tool_calls]
    assert ids == [call.id for call in reply(*parts).tool_calls] == ["call_r1_0", "call_r1_1"]
    assert [call.raw for call in reply(*parts).tool_calls] == ["{}", "{}"]
    assert [call.id for call in reply(*parts, responseId="r2").tool_calls] == ["call_r2_0", "call_r2_1"]
    assert reply(*parts, responseId=None).tool_calls[0].id.startswith("call_")


def test_several_candidates_are_several_choices() -> None:
    body = json.loads(answer({"text": "uno"}))
    body["candidates"].append(
        {"index": 1, "content": {"parts": [{"functionCall": {"name": "f"}}]}, "finishReason": "MAX_TOKENS"}
    )
    said = CHAT.decode(json.dumps(body).encode())
    assert [choice.message.text for choice in said.choices] == ["uno", ""]
    assert said.choices[1].message.tool_calls[0].id == "call_r1_1_0"
    assert [choice.finish for choice in said.choices] == ["stop", "length"]


@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        ("STOP", "stop"),
        (1, "stop"),
        ("MAX_TOKENS", "length"),
        (2, "length"),
        *((word, "content_filter") for word in ("SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII")),
        *((word, "content_filter") for word in ("MODEL_ARMOR", "IMAGE_SAFETY", "LANGUAGE", 3)),
        ("OTHER", "unknown"),
        ("SOMETHING_NEW", "unknown"),
        (99, "unknown"),
        (None, "unknown"),
    ],
)
def test_why_it_ended(reason: object, finish: str) -> None:
    body = answer({"text": "a"}, finish=reason)
    assert CHAT.decode(body).finish == CHAT.judge(body).finish == finish


@pytest.mark.parametrize(
    ("reason", "kind", "retryable"),
    [
        ("MALFORMED_FUNCTION_CALL", er.BadReply, True),
        ("UNEXPECTED_TOOL_CALL", er.BadReply, True),
        (10, er.BadReply, True),
        ("MISSING_THOUGHT_SIGNATURE", er.RequestRejected, False),
    ],
)
def test_a_call_that_cannot_be_used_is_no_answer(reason: object, kind: type[Exception], retryable: bool) -> None:
    body = json.loads(answer(finish=reason))
    body["candidates"][0]["finishMessage"] = "Malformed call: weather("
    error = CHAT.judge(json.dumps(body).encode()).error
    assert type(error) is kind
    assert error is not None
    assert (error.retryable, error.message) == (retryable, "Malformed call: weather(")


def test_an_answer_without_content_is_an_empty_one() -> None:
    for part in ({}, {"content": {}}, {"content": {"role": "model"}}, {"content": {"parts": [{"text": ""}]}}):
        body = json.dumps({"candidates": [{**part, "finishReason": "MAX_TOKENS"}]}).encode()
        assert CHAT.decode(body).message == Message("assistant", "")
        assert CHAT.judge(body).proof


def test_usage_counts_thoughts_as_output_and_googles_own_tools_as_input() -> None:
    counts = {
        "promptTokenCount": 32,
        "candidatesTokenCount": 25,
        "thoughtsTokenCount": 37,
        "toolUsePromptTokenCount": 4610,
        "cachedContentTokenCount": 30,
        "totalTokenCount": 4704,
    }
    usage = reply({"text": "a"}, usageMetadata=counts).usage
    assert usage == Usage(input_tokens=4642, output_tokens=62, cached_tokens=30, reasoning_tokens=37)
    assert usage.total_tokens == 4704


@pytest.mark.parametrize(
    ("counts", "usage"),
    [
        ({"promptTokenCount": 14, "totalTokenCount": 14}, Usage(input_tokens=14, output_tokens=0)),
        ({"promptTokenCount": 14}, Usage(input_tokens=14)),
        ({"trafficType": "ON_DEMAND"}, Usage()),
        ({"promptTokenCount": "x", "candidatesTokenCount": True}, Usage()),
        ({"promptTokenCount": 5, "cachedContentTokenCount": 9, "totalTokenCount": 6},
         Usage(input_tokens=5, output_tokens=1, cached_tokens=5)),
    ],
)  # fmt: skip
def test_zeros_are_not_written_and_nothing_is_not_zero(counts: dict[str, Any], usage: Usage) -> None:
    assert reply({"text": "a"}, usageMetadata=counts).usage == usage


def test_log_probabilities() -> None:
    body = json.loads(answer({"text": "Hello"}))
    body["candidates"][0]["logprobsResult"] = {
        "chosenCandidates": [{"token": "Hello", "logProbability": -0.1, "tokenId": 1}, {"token": "!"}],
        "topCandidates": [
            {"candidates": [{"token": "Hello", "logProbability": -0.1}, {"token": "Hi", "logProbability": -2}]}
        ],
    }
    assert CHAT.decode(json.dumps(body).encode()).logprobs == (
        TokenLogprob("Hello", -0.1, (("Hello", -0.1), ("Hi", -2.0))),
        TokenLogprob("!", -9999.0),
    )


def test_an_image_is_shown_and_goes_back_with_its_signature() -> None:
    part = {"inlineData": {"mimeType": "image/png", "data": PNG}, "thoughtSignature": "c2ln"}
    parts = content({"text": "Ecco:"}, part)
    assert [type(piece) for piece in parts] == [Opaque, Text, Image]
    assert parts[2].data == b"\x89PNG\r\n\x1a\n"


def test_a_blocked_prompt_is_content_filtered_and_final() -> None:
    feedback = {
        "blockReason": "SAFETY",
        "blockReasonMessage": "Not this.",
        "safetyRatings": [
            {"category": "HARM_CATEGORY_HATE_SPEECH", "blocked": True},
            {"category": "HARM_CATEGORY_HARASSMENT"},
        ],
    }
    body = json.dumps({"promptFeedback": feedback, "usageMetadata": {"promptTokenCount": 3}}).encode()
    signals = CHAT.judge(body)
    assert isinstance(signals.error, er.ContentFiltered)
    assert signals.error.categories == ("HARM_CATEGORY_HATE_SPEECH",)
    assert not signals.error.retryable
    assert "Not this." in signals.error.message
    assert signals.usage == Usage(input_tokens=3)
    with pytest.raises(er.ContentFiltered):
        CHAT.decode(body)


@pytest.mark.parametrize("reason", ["PROHIBITED_CONTENT", 4])
def test_a_block_without_ratings_names_its_reason(reason: object) -> None:
    error = CHAT.judge(json.dumps({"promptFeedback": {"blockReason": reason}}).encode()).error
    assert isinstance(error, er.ContentFiltered)
    assert error.categories == ("PROHIBITED_CONTENT",)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "empty"),
        (b"<html>", "HTML"),
        (b"{}", "no candidates"),
        (b'{"candidates": []}', "no candidates"),
        (b'{"candidates": "x"}', "Expected `array"),
        (b'{"promptFeedback": {}}', "no candidates"),
        (b'{"candidates": [{"content": {"parts": [{"text": "\xff"}]}}]}', "utf-8"),
        (b'{"candidates": [{"content": {"parts": [{"functionCall": {"args": {"a": "\xff"}}}]}}]}', "utf-8"),
    ],
)  # fmt: skip
def test_what_is_no_answer_is_a_bad_reply(body: bytes, words: str) -> None:
    error = CHAT.judge(body).error
    assert isinstance(error, er.BadReply)
    assert words in error.message
    with pytest.raises(er.BadReply):
        CHAT.decode(body)


def test_half_an_emoji_is_no_reason_to_lose_an_answer() -> None:
    body = answer({"text": "ciao \ud83d"})
    assert CHAT.decode(body).text == "ciao \ufffd"
    assert CHAT.judge(body).proof


@pytest.mark.parametrize("wrapped", [False, True])
def test_an_error_inside_a_success_is_what_it_says(wrapped: bool) -> None:
    error = {"error": {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}}
    body = json.dumps([error] if wrapped else error).encode()
    assert isinstance(CHAT.judge(body).error, er.Overloaded)
    with pytest.raises(er.Overloaded):
        CHAT.decode(body)
