"""Whole replies of the Responses API: what is read, and what is no reply."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.dialects.responses.wire import CHAT, call, decode, kept, search, text, thought, whole
from tramite import errors as er
from tramite.messages import Reasoning, Refusal, Text, ToolCall
from tramite.replies import TokenLogprob, Usage


def test_text_and_what_is_told_of_it() -> None:
    reply = decode(text("Ecco."))
    assert (reply.message.content, reply.finish, reply.model, reply.request_id) == ("Ecco.", "stop", "gpt-5", "resp_1")
    assert reply.usage == Usage(input_tokens=10, output_tokens=6, cached_tokens=4, reasoning_tokens=3)


def test_several_messages_and_parts_are_one_text() -> None:
    parts = [{"type": "output_text", "text": "a"}, {"type": "output_text", "text": "b"}]
    assert decode(text("", content=parts), text("c")).text == "abc"


def test_a_refusal_is_none_of_the_text() -> None:
    reply = decode(text("", content=[{"type": "refusal", "refusal": "No."}]))
    assert (reply.text, reply.refusal, reply.finish) == ("", "No.", "stop")
    assert reply.message.parts == (Refusal("No."),)


def test_tool_calls_go_by_their_call_id() -> None:
    reply = decode(text("Vedo."), call(), call("search", "call_2", ""))
    assert reply.message.parts == (
        Text("Vedo."),
        ToolCall("call_1", "weather", '{"city":"Roma"}'),
        ToolCall("call_2", "search", "{}"),
    )
    assert reply.finish == "tool_calls"


def test_a_tool_call_without_an_id_gets_one() -> None:
    first, second = decode(call(call_id=None), {**call(), "id": None, "call_id": None}).tool_calls
    assert first.id == "fc_call_1"
    assert second.id.startswith("call_")


def test_summaries_of_thinking_are_paragraphs() -> None:
    reply = decode(thought("a", "b"), thought("c"), text("d"))
    assert (reply.reasoning, reply.text) == ("a\n\nb\n\nc", "d")
    assert kept(reply.message) == []


def test_open_thoughts_are_shown_and_kept() -> None:
    item = thought(content=[{"type": "reasoning_text", "text": "hmm"}])
    reply = decode(item, text("d"))
    assert reply.reasoning == "hmm"
    assert kept(reply.message) == [item]


def test_encrypted_thoughts_are_kept_before_all_else() -> None:
    item = thought("a", encrypted_content="gAAA")
    reply = decode(item, text("b"))
    assert [type(part).__name__ for part in reply.message.parts] == ["Opaque", "Reasoning", "Text"]
    assert kept(reply.message) == [item]
    assert reply.message.parts[1] == Reasoning("a")


def test_what_comes_later_is_kept_with_its_place() -> None:
    first, second = thought(encrypted_content="a"), thought(id="rs_2", encrypted_content="b")
    reply = decode(first, search(), text("Ecco"), second, call())
    assert kept(reply.message) == [
        first,
        {"at": [0, 0, 1], "item": search()},
        {"at": [4, 0, 2], "item": second},
    ]


def test_a_messages_phase_is_kept() -> None:
    reply = decode(text("Vedo.", phase="commentary"), call(), text("Sole.", phase="final_answer"))
    assert reply.text == "Vedo.Sole."
    assert kept(reply.message) == [
        {"at": [0, 0, 0], "length": 5, "message": {"phase": "commentary"}},
        {"at": [5, 1, 0], "length": 5, "message": {"phase": "final_answer"}},
    ]


def test_what_belongs_to_a_call_is_kept() -> None:
    fields: dict[str, Any] = {"namespace": "weather", "caller": {"type": "program", "caller_id": "p"}}
    assert kept(decode(call(**fields)).message) == [{"call": "call_1", "fields": fields}]
    assert kept(decode(call(caller={"type": "direct"})).message) == []


def test_log_probabilities() -> None:
    top = [{"token": "Ec", "logprob": -0.5, "bytes": []}, {"token": "La", "logprob": -1.5}]
    logprobs = [{"token": "Ec", "logprob": -0.5, "bytes": [69], "top_logprobs": top}]
    reply = decode(text("", content=[{"type": "output_text", "text": "Ec", "logprobs": logprobs}]))
    assert reply.logprobs == (TokenLogprob("Ec", -0.5, (("Ec", -0.5), ("La", -1.5))),)


@pytest.mark.parametrize(
    ("status", "details", "finish"),
    [
        ("completed", None, "stop"),
        ("complete", None, "stop"),
        (None, None, "stop"),
        ("incomplete", {"reason": "max_output_tokens"}, "length"),
        ("incomplete", {"reason": "content_filter"}, "content_filter"),
        ("incomplete", {"reason": "steered"}, "unknown"),
    ],
)
def test_endings(status: str | None, details: Any, finish: str) -> None:
    fields = {"status": status, "incomplete_details": details}
    assert decode(text("a"), **fields).finish == finish
    signals = CHAT.judge(json.dumps(whole(text("a"), **fields)).encode())
    assert (signals.proof, signals.finish) == (True, finish)


RATE = {"code": "rate_limit_exceeded", "message": "Rate limit reached. Please try again in 1.5s."}


@pytest.mark.parametrize(
    ("fields", "kind", "said"),
    [
        ({"status": "failed", "error": RATE}, er.Throttled, "Rate limit"),
        ({"status": "failed", "error": {"code": "server_error", "message": "Oh no"}}, er.Overloaded, "Oh no"),
        ({"status": "failed", "error": {"code": "invalid_prompt", "message": "x"}}, er.RequestRejected, "x"),
        ({"status": "failed", "error": {"code": "image_too_large", "message": "x"}}, er.RequestRejected, "x"),
        ({"status": "failed", "error": {"code": "bio_policy", "message": "x"}}, er.ContentFiltered, "x"),
        ({"status": "failed", "error": {"code": "vector_store_timeout", "message": "x"}}, er.Overloaded, "x"),
        ({"status": "failed", "error": {"code": "context_length_exceeded", "message": "x"}}, er.ContextTooLong, "x"),
        ({"status": "failed", "error": None}, er.Overloaded, "not why"),
        ({"status": "failed", "error": "down"}, er.Overloaded, "down"),
        ({"error": RATE}, er.Throttled, "Rate limit"),
        ({"status": "incomplete"}, er.Overloaded, "without a reason"),
        ({"status": "incomplete", "incomplete_details": {"reason": "power_cut"}}, er.Overloaded, "power_cut"),
        ({"status": "cancelled"}, er.BadReply, "cancelled"),
        ({"status": "queued"}, er.BadReply, "queued"),
        ({"status": "in_progress", "output": None}, er.BadReply, "in_progress"),
        ({"status": None, "output": None}, er.BadReply, "response with output"),
        ({"status": None, "output": 5}, er.BadReply, "response with output"),
        ({"output": [5]}, er.BadReply, "response with output"),
    ],
)
def test_what_is_no_answer(fields: dict[str, Any], kind: type[er.ProviderError], said: str) -> None:
    body = json.dumps({**whole(text("a")), **fields}).encode()
    with pytest.raises(er.ProviderError, match=said) as caught:
        CHAT.decode(body)
    assert type(caught.value) is kind
    assert caught.value.status == 200
    signals = CHAT.judge(body)
    assert (type(signals.error), signals.proof) == (kind, False)


def test_the_wait_that_a_failure_names_is_read() -> None:
    error = CHAT.judge(json.dumps(whole(status="failed", error=RATE)).encode()).error
    assert error is not None
    assert error.retry_after_s == 1.5


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", er.BadReply),
        (b"<html>", er.BadReply),
        (b"[]", er.BadReply),
        (b'{"choices":[]}', er.BadReply),
        (b'{"output":[{"type":"message","content":[{"type":"output_text","text":"\xff"}]}]}', er.BadReply),
        (b'{"error":{"message":"no","type":"server_error"}}', er.Overloaded),
        (b'{"error":"Model X is currently loading","estimated_time":20}', er.ModelLoading),
        (b'{"error":"\\ud83d is no model"}', er.Overloaded),
        (b'{"detail":"Not Found"}', er.BadReply),
    ],
)
def test_a_body_that_is_none(body: bytes, kind: type[Exception]) -> None:
    with pytest.raises(kind):
        CHAT.decode(body)
    assert type(CHAT.judge(body).error) is kind


def test_half_an_emoji_is_no_reason_to_lose_an_answer() -> None:
    body = b'{"output":[{"type":"message","content":[{"type":"output_text","text":"a\\ud83d"}]}]}'
    assert CHAT.decode(body).text == "a\ufffd"
    assert CHAT.judge(body).proof


def test_unknown_usage_is_none() -> None:
    assert decode(text("a"), usage=None).usage == Usage()
