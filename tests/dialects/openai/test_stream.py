"""Streams of OpenAI-compatible servers: what is read out of them, and when they count as finished."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tramite import events as ev
from tramite.assembly import Assembler
from tramite.calls import ChatCall, CompletionCall
from tramite.dialects.base import Watcher
from tramite.dialects.openai import OPENAI
from tramite.errors import (
    BadReply,
    ContextTooLong,
    Overloaded,
    ProviderError,
    QuotaExhausted,
    RequestRejected,
    Throttled,
)
from tramite.messages import Opaque, Reasoning, Text, ToolCall, user
from tramite.replies import Reply, TokenLogprob, Usage
from tramite.wire.frames import Frame

CHAT = OPENAI.operations["chat"]
DONE = Frame(b"[DONE]")
USAGE = {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}


def _frame(delta: Any = None, finish: Any = None, *, index: int = 0, spaced: bool = False, **fields: Any) -> Frame:
    """One frame of a chat's stream, as OpenAI writes it."""
    choice = {"index": index, "delta": {} if delta is None else delta, "logprobs": None, "finish_reason": finish}
    chunk = {"id": "chatcmpl-1", "model": "gpt-4o", "choices": [choice], "usage": None, **fields}
    separators = (", ", ": ") if spaced else (",", ":")
    return Frame(json.dumps(chunk, separators=separators, ensure_ascii=False).encode())


def _text(text: str, **fields: Any) -> Frame:
    return _frame({"content": text}, **fields)


def _watch(*frames: Frame, n: int = 1) -> Watcher:
    watcher = CHAT.watcher(n)
    for frame in frames:
        watcher.note(frame)
    watcher.close()
    return watcher


def _read(*frames: Frame, n: int = 1) -> Reply:
    assembler = Assembler()
    reader = CHAT.reader(ChatCall(messages=(user("?"),), n=n))
    for frame in frames:
        assembler.feed(reader.read([frame]))
    return assembler.reply()


FINISH = _frame({}, "stop")
LAST = _frame(choices=[], usage=USAGE)


def test_a_whole_stream_is_proven_and_read() -> None:
    frames = (_frame({"role": "assistant", "content": ""}), _text("sì"), _text(", certo"), FINISH, LAST, DONE)
    watcher, reply = _watch(*frames), _read(*frames)
    assert (watcher.proof, watcher.ended, watcher.finish, watcher.error) == (True, True, "stop", None)
    assert watcher.usage == reply.usage == Usage(input_tokens=3, output_tokens=4)
    assert (reply.text, reply.finish, reply.model) == ("sì, certo", "stop", "gpt-4o")


def test_done_alone_proves_nothing() -> None:
    watcher = _watch(_text("sì"), DONE)
    assert (watcher.proof, watcher.ended) == (False, True)


def test_usage_and_done_prove_a_stream_of_a_server_that_has_no_finish() -> None:
    watcher = _watch(_text("sì"), LAST, DONE)
    assert (watcher.proof, watcher.finish) == (True, "unknown")
    assert not _watch(_text("sì"), LAST).proof
    assert not _watch(_text("sì", usage=USAGE), DONE).proof, "usage beside text is no frame of usage"


def test_every_choice_must_finish() -> None:
    first = (_text("a", index=0), _text("b", index=1), _frame({}, "stop", index=0))
    assert not _watch(*first, LAST, DONE, n=2).proof
    second = (*first, _frame({}, "length", index=1))
    assert _watch(*second, n=2).proof
    reply = _read(*second, n=2)
    assert [(choice.message.text, choice.finish) for choice in reply.choices] == [("a", "stop"), ("b", "length")]


def test_the_index_of_a_single_choice_may_count_tokens() -> None:
    frames = [_text(text, index=number) for number, text in enumerate("sì")]
    frames.append(_frame({}, "eos_token", index=2))
    assert _watch(*frames).proof
    assert _read(*frames).text == "sì"


def test_azure_sends_frames_without_choices_delta_or_model_and_some_after_the_finish() -> None:
    first = Frame(
        b'{"choices":[],"created":0,"id":"","model":"","object":"","prompt_filter_results":[{"prompt_index":0}]}'
    )
    late = Frame(b'{"id":"","model":"","choices":[{"index":0,"finish_reason":null,"content_filter_offsets":{"x":1}}]}')
    frames = (first, _text("sì"), FINISH, late, DONE)
    watcher, reply = _watch(*frames), _read(*frames)
    assert (watcher.proof, watcher.finish, watcher.error) == (True, "stop", None)
    assert (reply.text, reply.finish, reply.model) == ("sì", "stop", "gpt-4o")


def test_usage_in_every_frame_is_no_end_and_the_last_one_counts() -> None:
    early = {"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4}
    frames = (_text("s", usage=early), _text("ì", usage=early), _frame({}, "stop", usage=USAGE), DONE)
    watcher = _watch(*frames)
    assert watcher.proof
    assert watcher.usage == _read(*frames).usage == Usage(input_tokens=3, output_tokens=4)
    assert not _watch(*frames[:2], DONE).proof


def test_groq_hides_the_usage_under_its_own_name() -> None:
    frames = (_text("sì"), _frame({}, "stop", x_groq={"id": "req", "usage": USAGE}), DONE)
    assert _watch(*frames).usage == _read(*frames).usage == Usage(input_tokens=3, output_tokens=4)


def test_content_may_be_repeated_beside_the_delta() -> None:
    choice = {"index": 0, "text": "sì", "message": {"content": "sì"}, "delta": {"content": "sì"}, "finish_reason": None}
    assert _read(_frame(choices=[choice])).text == "sì"


@pytest.mark.parametrize(
    ("frames", "kind"),
    [
        ([Frame(b'{"error":{"message":"The server had an error","type":"server_error","code":null}}')], Overloaded),
        ([Frame(b'{"error":{"message":"slow down","type":"rate_limit_exceeded"}}')], Throttled),
        ([Frame(b'{"error":{"message":"pay","code":"insufficient_quota"}}')], QuotaExhausted),
        ([Frame(b'{"error":{"message":"x","code":502}}')], Overloaded),
        ([Frame(b'{"error":{"message":"bad prompt","code":400}}'), DONE], RequestRejected),
        ([_text("", error={"code": 502, "message": "Provider returned error"}), DONE], Overloaded),
        ([Frame(b'{"error":{"message":"Prompt too long","type":"invalid_request_error"}}', "error")], ContextTooLong),
        ([Frame(b'{"message":"Model unloaded","type":"server_error"}', "error")], Overloaded),
        ([Frame(b"something went wrong", "error")], Overloaded),
        (
            [Frame(b'{"object":"error","message":"bad value","type":"BadRequestError","code":400}'), DONE],
            RequestRejected,
        ),
        ([Frame(b'{"error_type":"overloaded","error_message":"Model is overloaded"}')], Overloaded),
        ([Frame(b'{"error":"Model is overloaded","error_type":"overloaded"}')], Overloaded),
        (
            [Frame(b'{"error":{"message":"request (2358 tokens) exceeds the available context size (2048 tokens)"}}')],
            ContextTooLong,
        ),
        ([_frame({}, "error")], Overloaded),
        ([_frame({}, choices=[{"index": 0, "delta": {}, "error": {"code": 429, "message": "later"}}])], Throttled),
        ([Frame(b'{"choices":[{"delta":{"content":"a"')], BadReply),
        ([Frame(b"<html>")], BadReply),
        ([Frame(b'{"choices":[{"delta":{"content":"\xff"}}]}')], BadReply),
        ([Frame(b'{"choices":{}}')], BadReply),
    ],
)
def test_a_stream_that_fails_says_how(frames: list[Frame], kind: type[ProviderError]) -> None:
    watcher = _watch(_text("sì"), _text("no"), *frames, FINISH)
    assert type(watcher.error) is kind
    assert watcher.error.status == 200
    assert not watcher.proof
    assert watcher.content


def test_an_error_after_the_finish_takes_the_proof_back() -> None:
    watcher = _watch(_text("sì"), FINISH, Frame(b'{"error":{"message":"x"}}'), DONE)
    assert (watcher.proof, type(watcher.error)) == (False, Overloaded)


@pytest.mark.parametrize(
    "frame",
    [
        Frame(b""),
        Frame(b"  "),
        Frame(b"not json", "ping"),
        Frame(b"{}", "ping"),
        Frame(b'{"error":null}'),
        Frame(b'{"type":"ping"}'),
    ],
)
def test_frames_that_say_nothing_change_nothing(frame: Frame) -> None:
    frames = (_text("s"), frame, _text("ì"), frame, FINISH)
    watcher = _watch(*frames)
    assert (watcher.proof, watcher.error) == (True, None)
    assert _read(*frames).text == "sì"


@pytest.mark.parametrize("spaced", [False, True])
def test_a_finish_is_seen_however_the_frames_are_written(spaced: bool) -> None:
    frames = [_text("sì", spaced=spaced)] * 4
    assert not _watch(*frames).proof
    assert _watch(*frames, _frame({}, "stop", spaced=spaced)).proof
    assert _watch(*frames, _text("!", finish="length", spaced=spaced)).finish == "length"


_pieces = st.text(max_size=8) | st.sampled_from(['","finish_reason":"stop', '"', "\\", '\\"', "\\u0022", "è"])


@given(texts=st.lists(_pieces, max_size=12), padded=st.booleans(), data=st.data())
def test_what_was_learned_from_one_frame_never_hides_what_is_in_another(
    texts: list[str], padded: bool, data: st.DataObject
) -> None:
    """The watcher passes over frames that look like the one before: it must notice exactly what decoding would."""
    frames = []
    for text in texts:
        finish = data.draw(st.sampled_from([None, None, None, "stop"]))
        extra: dict[str, Any] = {"obfuscation": data.draw(st.text("abc", max_size=4))} if padded else {}
        if data.draw(st.integers(0, 9)) == 0:
            extra["usage"] = USAGE
        frames.append(_text(text, finish=finish, **extra))
    watcher = CHAT.watcher(1)
    finish = usage = None
    for frame in frames:
        watcher.note(frame)
        chunk = json.loads(frame.data)
        finish = chunk["choices"][0]["finish_reason"] or finish
        usage = chunk["usage"] or usage
        assert (watcher.proof, bool(watcher.usage)) == (finish is not None, usage is not None)
        assert watcher.error is None


def test_a_watcher_learns_anew_when_thinking_turns_into_text() -> None:
    thinking = [_frame({"content": None, "reasoning_content": word}) for word in ("a", "b", "c")]
    watcher = _watch(*thinking, _text("sì"), _text("no"), FINISH)
    assert (watcher.content, watcher.proof) == (True, True)


def test_content_is_what_a_caller_can_see() -> None:
    for frame in (_frame({"role": "assistant", "content": ""}), _frame({"content": None}), LAST, FINISH):
        assert not _watch(frame).content
    for delta in (
        {"content": "a"},
        {"content": [{"type": "text", "text": "a"}]},
        {"reasoning": "a"},
        {"refusal": "a"},
        {"tool_calls": [{"index": 0, "id": "c", "function": {"name": "f"}}]},
        {"reasoning_details": [{"type": "reasoning.text", "text": "a"}]},
    ):
        assert _watch(_frame(delta)).content
    assert not _watch(_frame({"reasoning_details": [{"type": "reasoning.encrypted", "data": "x"}]})).content


def _tool(index: Any = None, id: Any = None, name: Any = None, arguments: Any = None) -> Frame:
    call: dict[str, Any] = {"function": {"name": name, "arguments": arguments}, "type": "function"}
    if index is not None:
        call["index"] = index
    if id is not None:
        call["id"] = id
    return _frame({"tool_calls": [call]})


@pytest.mark.parametrize(
    "frames",
    [
        # OpenAI: pieces by index
        [_tool(0, "a", "f", ""), _tool(0, arguments='{"x"'), _tool(0, arguments=":1}"), _tool(1, "b", "g", "{}")],
        # the pieces of two calls mixed
        [_tool(0, "a", "f", '{"x"'), _tool(1, "b", "g", "{"), _tool(0, arguments=":1}"), _tool(1, arguments="}")],
        # no index: by id
        [_tool(None, "a", "f", '{"x"'), _tool(None, "a", None, ":1}"), _tool(None, "b", "g", "{}")],
        # no index, no id on the later pieces
        [_tool(None, "a", "f", '{"x"'), _tool(None, None, None, ":1}"), _tool(None, "b", "g", "{}")],
        # whole calls that all have the index 0
        [_tool(0, "a", "f", '{"x":1}'), _tool(0, "b", "g", "{}")],
        # the id and the name in every piece
        [_tool(0, "a", "f", '{"x"'), _tool(0, "a", "f", ":1}"), _tool(1, "b", "g", "{}")],
        # arguments as objects
        [_tool(0, "a", "f", {"x": 1}), _tool(1, "b", "g", {})],
        # the second one first
        [_tool(1, "b", "g", "{}"), _tool(0, "a", "f", '{"x":1}')],
    ],
)
def test_tool_calls_are_put_together(frames: list[Frame]) -> None:
    reply = _read(*frames, _frame({}, "tool_calls"))
    assert reply.tool_calls == [ToolCall("a", "f", '{"x":1}'), ToolCall("b", "g", "{}")]
    assert reply.finish == "tool_calls"


def test_a_tool_call_without_an_id_gets_one() -> None:
    (call,) = _read(_tool(0, None, "f", "{}")).tool_calls
    assert call.id.startswith("call_")


def test_a_function_call_of_old_in_pieces() -> None:
    frames = [_frame({"function_call": {"name": "f", "arguments": ""}})]
    frames += [_frame({"function_call": {"arguments": piece}}) for piece in ('{"x"', ":1}")]
    (call,) = _read(*frames, _frame({}, "function_call")).tool_calls
    assert (call.name, call.raw) == ("f", '{"x":1}')


def test_thinking_in_all_its_spellings() -> None:
    for deltas in (
        [{"reasoning_content": "a"}, {"reasoning_content": "b"}],
        [{"reasoning": "a", "content": ""}, {"reasoning": "b"}],
        [{"content": [{"type": "thinking", "thinking": [{"type": "text", "text": word}]}]} for word in "ab"],
    ):
        reply = _read(*(_frame(delta) for delta in deltas), _text("sì"))
        assert reply.message.content == (Reasoning("ab"), Text("sì"))


def test_reasoning_details_are_joined_and_handed_over_once() -> None:
    pieces: list[dict[str, Any]] = [
        {"type": "reasoning.text", "text": "a", "index": 0, "format": None},
        {"type": "reasoning.text", "text": "b", "index": 0, "format": "anthropic-claude-v1"},
        {"type": "reasoning.text", "signature": "s", "index": 0},
        {"type": "reasoning.encrypted", "data": "x", "index": 1},
    ]
    spoken = [_frame({"reasoning": piece.get("text"), "reasoning_details": [piece]}) for piece in pieces]
    silent = [_frame({"reasoning_details": [piece]}) for piece in pieces]
    joined = [
        {"type": "reasoning.text", "text": "ab", "index": 0, "format": "anthropic-claude-v1", "signature": "s"},
        {"type": "reasoning.encrypted", "data": "x", "index": 1},
    ]
    kept = Opaque("openai", json.dumps({"reasoning_details": joined}, separators=(",", ":")))
    for frames in (spoken, silent):
        for end in ((FINISH,), (LAST, DONE), (DONE,)):
            assert _read(*frames, _text("sì"), *end).message.content == (kept, Reasoning("ab"), Text("sì"))


def test_gemini_keeps_a_signature_beside_each_tool_call() -> None:
    call = {
        "id": "c1",
        "function": {"name": "f", "arguments": "{}"},
        "extra_content": {"google": {"thought_signature": "s"}},
    }
    opaque, tool = _read(_frame({"tool_calls": [call]}), FINISH).message.parts
    assert isinstance(opaque, Opaque)
    assert json.loads(opaque.json) == {"tool_calls.extra_content": {"c1": {"google": {"thought_signature": "s"}}}}
    assert tool == ToolCall("c1", "f", "{}")


def test_refusals_and_probabilities() -> None:
    logprobs = {"content": [{"token": "sì", "logprob": -0.5, "bytes": None, "top_logprobs": []}], "refusal": None}
    frame = _frame(choices=[{"index": 0, "delta": {"content": "sì"}, "logprobs": logprobs}])
    assert _read(frame).logprobs == (TokenLogprob("sì", -0.5),)
    assert _read(_frame({"refusal": "No"}), _frame({"refusal": "."})).refusal == "No."


def test_the_model_is_reported_once() -> None:
    reader = CHAT.reader(ChatCall(messages=(user("?"),)))
    events = reader.read([_text("a", system_fingerprint="fp_1"), _text("b"), FINISH])
    assert events == [
        ev.ModelReported("gpt-4o", "chatcmpl-1", "fp_1"),
        ev.TextDelta("a"),
        ev.TextDelta("b"),
        ev.Finished("stop"),
    ]


def test_a_broken_frame_is_told_with_what_came_before_it() -> None:
    reader = CHAT.reader(ChatCall(messages=(user("?"),)))
    with pytest.raises(BadReply, match="frame") as caught:
        reader.read([_text("a"), Frame(b'{"choices":[{"delta":{"content":"b')])
    assert ev.TextDelta("a") in caught.value.events


def test_half_an_emoji_in_a_frame_does_not_lose_the_stream() -> None:
    halves = [Frame(rb'{"choices":[{"delta":{"content":"%s"}}]}' % half) for half in (rb"\ud83d", rb"\ude00")]
    assert _read(*halves, FINISH).text == "\ufffd\ufffd"
    watcher = _watch(*halves, FINISH)
    assert (watcher.proof, watcher.error) == (True, None)


def test_a_completion_streams_its_text() -> None:
    operation = OPENAI.operations["completion"]
    logprobs = {"tokens": ["s"], "token_logprobs": [-0.5], "top_logprobs": None, "text_offset": [0]}
    choices: list[dict[str, Any]] = [
        {"index": 0, "text": "s", "logprobs": logprobs, "finish_reason": None},
        {"index": 0, "text": "ì", "logprobs": None, "finish_reason": None},
        {"index": 0, "text": "", "logprobs": None, "finish_reason": "length"},
    ]
    frames = [Frame(json.dumps({"model": "m", "choices": [choice]}).encode()) for choice in choices]
    watcher = operation.watcher(1)
    for frame in frames:
        watcher.note(frame)
    assert (watcher.content, watcher.proof, watcher.finish) == (True, True, "length")
    assert operation.reader(CompletionCall(prompt="?")).read(frames) == [
        ev.ModelReported("m"),
        ev.TextDelta("s", 0, (TokenLogprob("s", -0.5),)),
        ev.TextDelta("ì"),
        ev.Finished("length"),
    ]
