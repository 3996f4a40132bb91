"""What servers of the Messages API answer."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tramite.dialects.anthropic import ANTHROPIC
from tramite.errors import BadReply, ContextTooLong, Overloaded, ProviderError
from tramite.messages import Reasoning, Refusal, Text, ToolCall
from tramite.replies import Finish, Reply, Usage

CHAT = ANTHROPIC.operations["chat"]
MODELS = ANTHROPIC.operations["models"]


def _bytes(*blocks: Any, **fields: Any) -> bytes:
    whole = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-1", "content": list(blocks)}
    usage = {"input_tokens": 3, "output_tokens": 4}
    return json.dumps({**whole, "stop_reason": "end_turn", "usage": usage, **fields}).encode()


def _reply(*blocks: Any, **fields: Any) -> Reply:
    reply: Reply = CHAT.decode(_bytes(*blocks, **fields))
    return reply


def test_text_and_facts() -> None:
    reply = _reply({"type": "text", "text": "Ciao, "}, {"type": "text", "text": "Roma"})
    assert reply.text == "Ciao, Roma"
    assert (reply.model, reply.request_id, reply.finish) == ("claude-1", "msg_1", "stop")
    assert reply.message.content == "Ciao, Roma"


def test_a_thought_a_call_and_text_are_parts_in_assemblys_order() -> None:
    reply = _reply(
        {"type": "thinking", "thinking": "Penso", "signature": "E"},
        {"type": "text", "text": "Vedo."},
        {"type": "tool_use", "id": "t1", "name": "weather", "input": {"città": "Roma"}},
    )
    state, *parts = reply.message.parts
    assert state.dialect == "anthropic"  # type: ignore[union-attr]  # an opaque part
    assert parts == [Reasoning("Penso"), Text("Vedo."), ToolCall("t1", "weather", '{"citt\\u00e0": "Roma"}')]
    assert reply.tool_calls[0].arguments == {"città": "Roma"}


@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("tool_use", "tool_calls"),
        ("refusal", "content_filter"),
        ("pause_turn", "unknown"),
        ("something_new", "unknown"),
        (None, "unknown"),
    ],
)
def test_stop_reasons(reason: str | None, finish: Finish) -> None:
    assert _reply(stop_reason=reason).finish == finish
    assert CHAT.judge(_bytes(stop_reason=reason)).finish == finish


def test_a_refusal_has_the_providers_explanation() -> None:
    details = {"type": "refusal", "category": "cyber", "explanation": "Not this."}
    reply = _reply(stop_reason="refusal", stop_details=details)
    assert reply.refusal == "Not this."
    assert reply.message.parts == (Refusal("Not this."),)


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        ({"input_tokens": 3, "output_tokens": 4}, Usage(input_tokens=3, output_tokens=4)),
        (
            {
                "input_tokens": 3,
                "cache_read_input_tokens": 100,
                "cache_creation_input_tokens": 20,
                "output_tokens": 9,
                "output_tokens_details": {"thinking_tokens": 5},
            },
            Usage(input_tokens=123, output_tokens=9, cached_tokens=100, cache_write_tokens=20, reasoning_tokens=5),
        ),
        ({"input_tokens": 0, "output_tokens": 0}, Usage()),
        ({"input_tokens": 5, "output_tokens": None, "cache_read_input_tokens": None}, Usage(input_tokens=5)),
        ({"input_tokens": -1, "output_tokens": True}, Usage()),
        (None, Usage()),
        ("many", Usage()),
    ],
)
def test_the_input_includes_what_was_cached(sent: Any, read: Usage) -> None:
    assert _reply(usage=sent).usage == read
    assert (CHAT.judge(_bytes(usage=sent)).usage or Usage()) == read


def test_blocks_of_kinds_that_nobody_knows_yet_do_no_harm() -> None:
    reply = _reply({"type": "hologram", "x": [1]}, {"type": "text", "text": "ciao", "citations": None})
    assert reply.text == "ciao"
    assert len(reply.message.parts) == 2


def test_an_empty_answer_is_an_answer() -> None:
    assert CHAT.judge(_bytes()).proof
    assert _reply().text == ""


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html><body>502 Bad Gateway</body></html>",
        b"no healthy upstream",
        b"[]",
        b"{}",
        b'{"type":"message","content":null,"stop_reason":"end_turn"}',
        b'{"type":"message","content":["text"],"stop_reason":"end_turn"}',
        _bytes({"type": "text", "text": "ciao"})[:-20],
        _bytes({"type": "text", "text": "ciao"}).replace(b"ciao", b"ci\xffao"),
    ],
)
def test_what_is_no_answer_is_not_taken_for_one(body: bytes) -> None:
    with pytest.raises(BadReply):
        CHAT.decode(body)
    signals = CHAT.judge(body)
    # blocks are not looked into before they are read
    assert isinstance(signals.error, BadReply) or b'["text"]' in body


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}, Overloaded),
        ({"error": "prompt is too long: 9 tokens > 8 maximum"}, ContextTooLong),
    ],
)
def test_an_error_under_a_success_is_that_error(body: Any, kind: type[ProviderError]) -> None:
    sent = json.dumps(body).encode()
    assert type(CHAT.judge(sent).error) is kind
    with pytest.raises(kind) as caught:
        CHAT.decode(sent)
    assert caught.value.status == 200


def test_half_an_emoji_does_not_cost_the_answer() -> None:
    body = _bytes(
        {"type": "text", "text": "ciao \ud83d!"}, {"type": "thinking", "thinking": "\ude00", "signature": "E"}
    )
    assert CHAT.judge(body).proof
    reply = CHAT.decode(body)
    assert reply.text == "ciao \ufffd!"
    assert reply.reasoning == "\ufffd"


def test_models_and_their_windows() -> None:
    listed = {"data": [{"type": "model", "id": "claude-1", "max_input_tokens": 200000}, {"id": "claude-2"}]}
    models = MODELS.decode(json.dumps(listed).encode()).models
    assert [(model.id, model.context_tokens) for model in models] == [("claude-1", 200000), ("claude-2", None)]


@pytest.mark.parametrize("body", [b"", b"[1]", b'{"data":[{"id":1}]}', b'{"data":{}}'])
def test_what_is_no_list_of_models_is_not_taken_for_one(body: bytes) -> None:
    assert isinstance(MODELS.judge(body).error, BadReply)
    with pytest.raises(BadReply):
        MODELS.decode(body)


@pytest.mark.parametrize("blocks", ["[null]", "[5]", '[{"type":"text","text":5}]', '[{"type":"text"},"x"]'])
def test_what_is_judged_an_answer_can_be_decoded(blocks: str) -> None:
    body = f'{{"content":{blocks},"stop_reason":"end_turn"}}'.encode()
    signals = CHAT.judge(body)
    assert not signals.proof
    assert isinstance(signals.error, BadReply)
    with pytest.raises(BadReply):
        CHAT.decode(body)
