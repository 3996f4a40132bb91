"""Streams of the Messages API: what is read out of them, when they count as finished, and how ours are written."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.dialects.anthropic import wire
from tests.dialects.anthropic.wire import PING, STOP, block_frames, finish, frame, more, start
from tramite import events as ev
from tramite.assembly import Assembler
from tramite.calls import ChatCall
from tramite.dialects.anthropic import ANTHROPIC
from tramite.dialects.base import Watcher
from tramite.errors import (
    AuthenticationFailed,
    BadReply,
    ContextTooLong,
    Overloaded,
    ProviderError,
    QuotaExhausted,
    RequestRejected,
    Throttled,
)
from tramite.messages import Opaque, ToolCall, user
from tramite.replies import Reply, Usage
from tramite.wire.frames import Frame

CHAT = ANTHROPIC.operations["chat"]
CALL = ChatCall(messages=(user("?"),), model="claude-1")
TEXT = {"type": "text", "text": "Ciao da Roma, caput mundi"}
THOUGHT = {"type": "thinking", "thinking": "Vediamo un po'", "signature": "EqQB"}
TOOL = {"type": "tool_use", "id": "t1", "name": "weather", "input": {"città": "Roma"}}


def _watch(*frames: Frame) -> Watcher:
    watcher = CHAT.watcher(1)
    for one in frames:
        watcher.note(one)
    watcher.close()
    return watcher


def _events(*frames: Frame) -> list[ev.Event]:
    return CHAT.reader(CALL).read(list(frames))


def _read(*frames: Frame) -> Reply:
    assembler = Assembler()
    assembler.feed(_events(*frames))
    return assembler.reply()


def test_a_stream_of_text() -> None:
    frames = wire.stream([TEXT])
    reply = _read(*frames)
    assert (reply.text, reply.finish, reply.model) == (TEXT["text"], "stop", "claude-1")
    assert reply.usage == Usage(input_tokens=17, output_tokens=7, cached_tokens=5, cache_write_tokens=2)
    watcher = _watch(*frames)
    assert (watcher.proof, watcher.ended, watcher.finish, watcher.error) == (True, True, "stop", None)
    assert watcher.usage == reply.usage


def test_what_was_counted_before_the_answer_is_partial_until_the_end() -> None:
    (_, first) = _events(start())
    assert first == ev.UsageReported(
        Usage(input_tokens=17, output_tokens=1, cached_tokens=5, cache_write_tokens=2, source="partial")
    )
    watcher = _watch(start(), *block_frames(0, TEXT))
    assert watcher.usage == first.usage


def test_totals_at_the_end_replace_those_of_the_beginning() -> None:
    usage = {"input_tokens": 40, "cache_read_input_tokens": 0, "cache_creation_input_tokens": None, "output_tokens": 9}
    assert _read(start(), finish(usage=usage)).usage == Usage(
        input_tokens=42, output_tokens=9, cached_tokens=0, cache_write_tokens=2
    )


def test_a_call_comes_in_pieces_and_without_arguments_is_an_empty_object() -> None:
    frames = wire.stream([TOOL, {**TOOL, "id": "t2", "name": "now", "input": {}}], "tool_use", size=3)
    reply = _read(*frames)
    assert reply.finish == "tool_calls"
    assert [(call.id, call.name, call.arguments) for call in reply.tool_calls] == [
        ("t1", "weather", {"città": "Roma"}),
        ("t2", "now", {}),
    ]


def test_a_call_that_comes_whole_at_its_beginning_is_read_too() -> None:
    begun = frame(type="content_block_start", index=0, content_block=TOOL)
    (call,) = _read(start(), begun, frame(type="content_block_stop", index=0), finish("tool_use"), STOP).tool_calls
    assert call == ToolCall("t1", "weather", '{"città":"Roma"}')


def test_text_at_the_beginning_of_a_block_counts() -> None:
    begun = frame(type="content_block_start", index=0, content_block={"type": "text", "text": "Cia"})
    assert _read(start(), begun, more(0, type="text_delta", text="o")).text == "Ciao"
    assert _watch(start(), begun).content


def test_pings_comments_and_events_of_the_future_are_read_over() -> None:
    unknown = frame(type="galaxy_start", size=3)
    frames = [PING, start(), PING, unknown, *block_frames(0, TEXT), Frame(b"not json", "galaxy"), finish(), PING, STOP]
    assert _read(*frames).text == TEXT["text"]
    assert _watch(*frames).proof


def test_a_refusal_in_mid_stream_ends_it_with_its_explanation() -> None:
    details = {"type": "refusal", "category": "bio", "explanation": "Not this."}
    reply = _read(start(), *block_frames(0, TEXT), finish("refusal", stop_details=details), STOP)
    assert (reply.finish, reply.refusal, reply.text) == ("content_filter", "Not this.", TEXT["text"])


def test_names_of_events_may_be_missing() -> None:
    frames = [Frame(one.data) for one in wire.stream([THOUGHT, TEXT])]
    assert _read(*frames).text == TEXT["text"]
    assert _watch(*frames, Frame(b"[DONE]")).proof


@given(cut=st.integers(0, 40), size=st.integers(1, 9))
def test_a_stream_that_was_cut_is_never_finished(cut: int, size: int) -> None:
    frames = wire.stream([THOUGHT, TEXT, TOOL], "tool_use", size)
    watcher = _watch(*frames[: min(cut, len(frames) - 1)])
    assert not watcher.proof
    assert watcher.error is None


def test_the_end_without_a_reason_is_no_proof() -> None:
    watcher = _watch(start(), *block_frames(0, TEXT), STOP)
    assert (watcher.ended, watcher.proof, watcher.finish) == (True, False, None)


@pytest.mark.parametrize(
    ("block", "seen"),
    [
        (TEXT, True),
        (THOUGHT, True),
        (TOOL, True),
        ({"type": "text", "text": ""}, False),
        ({"type": "redacted_thinking", "data": "E"}, False),
        ({"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"query": "x"}}, False),
    ],
)
def test_content_is_what_a_reader_can_see(block: Any, seen: bool) -> None:
    assert not _watch(PING, start(), PING).content
    assert _watch(start(), *block_frames(0, block)).content is seen


def test_a_thought_that_is_not_shown_counts_since_it_may_take_minutes() -> None:
    assert _watch(start(), next(block_frames(0, THOUGHT))).content


ERRORS: dict[str, type[ProviderError]] = {
    "overloaded_error": Overloaded,
    "api_error": Overloaded,
    "rate_limit_error": Throttled,
    "billing_error": QuotaExhausted,
    "authentication_error": AuthenticationFailed,
    "permission_error": AuthenticationFailed,
    "invalid_request_error": RequestRejected,
    "an_error_of_the_future": Overloaded,
}


@pytest.mark.parametrize("name", ["error", ""])
@pytest.mark.parametrize("kind", ERRORS)
def test_an_error_in_mid_stream_is_classed_by_its_type(kind: str, name: str) -> None:
    said = {"type": "error", "error": {"type": kind, "message": "Something"}, "request_id": "req_1"}
    failure = Frame(json.dumps(said).encode(), name)
    watcher = _watch(start(), *block_frames(0, TEXT), failure, finish(), STOP)
    assert type(watcher.error) is ERRORS[kind]
    assert watcher.error is not None
    assert (watcher.error.request_id, watcher.error.status, watcher.proof) == ("req_1", 200, False)
    assert _read(start(), *block_frames(0, TEXT), failure).text == TEXT["text"]


def test_an_error_event_of_another_shape_is_an_error_too() -> None:
    assert type(_watch(Frame(b"upstream gone", "error")).error) is Overloaded
    assert type(_watch(Frame(b'{"message":"prompt is too long"}', "error")).error) is ContextTooLong


def test_the_first_error_counts() -> None:
    later = Frame(b'{"type":"error","error":{"type":"rate_limit_error","message":"x"}}', "error")
    first = Frame(b'{"type":"error","error":{"type":"overloaded_error","message":"x"}}', "error")
    assert type(_watch(first, later).error) is Overloaded


def test_a_broken_frame_is_seen_by_the_watcher_and_keeps_what_came_before_it() -> None:
    good = [start(), *block_frames(0, TEXT)]
    broken = Frame(b'{"type":"content_block_delta","index":0,', "content_block_delta")
    assert isinstance(_watch(*good, broken).error, BadReply)
    with pytest.raises(BadReply) as caught:
        _events(*good, broken)
    assembler = Assembler()
    assembler.feed(caught.value.events)
    assert assembler.text == TEXT["text"]


def test_bytes_that_are_no_text_are_a_broken_frame() -> None:
    broken = Frame(more(0, type="text_delta", text="ciao").data.replace(b"ciao", b"ci\xffao"), "content_block_delta")
    with pytest.raises(BadReply):
        _events(start(), broken)


def test_half_an_emoji_does_not_cost_the_answer() -> None:
    half = Frame(b'{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"\\ud83d!"}}')
    assert _read(start(), half).text == "\ufffd!"
    assert _watch(start(), half).content


def test_an_empty_body_is_nothing() -> None:
    watcher = _watch()
    assert (watcher.proof, watcher.error, watcher.content) == (False, None, False)


# how ours are written


def _written(*events: ev.Event, end: bool = True) -> list[dict[str, Any]]:
    writer = CHAT.writer(CALL)
    frames = [one for event in events for one in writer.write(event)]
    frames += writer.end() if end else []
    assert all(json.loads(one.data)["type"] == one.event for one in frames)
    return [json.loads(one.data) for one in frames]


DONE = (ev.Finished("stop"), ev.UsageReported(Usage(input_tokens=9, output_tokens=2, cached_tokens=4)))


def test_a_written_stream_has_the_events_of_theirs_in_their_order() -> None:
    said = _written(ev.ModelReported("claude-1", "msg_9"), ev.TextDelta("Ci"), ev.TextDelta("ao"), *DONE)
    assert [event["type"] for event in said] == [
        *("message_start", "content_block_start", "content_block_delta", "content_block_delta"),
        *("content_block_stop", "message_delta", "message_stop"),
    ]
    assert said[0]["message"]["id"] == "msg_9"
    assert said[-2]["delta"] == {"stop_reason": "end_turn", "stop_sequence": None}
    assert said[-2]["usage"] == {"input_tokens": 5, "output_tokens": 2, "cache_read_input_tokens": 4}


def test_nothing_that_ends_a_stream_is_written_before_it_has_ended() -> None:
    said = _written(ev.TextDelta("Ciao"), ev.UsageReported(Usage(output_tokens=1)), end=False)
    assert {event["type"] for event in said} == {"message_start", "content_block_start", "content_block_delta"}


def test_usage_that_comes_before_the_finish_is_said_once_at_the_end() -> None:
    said = _written(ev.UsageReported(Usage(input_tokens=3, output_tokens=1)), ev.TextDelta("x"), ev.Finished("length"))
    assert said[0]["message"]["usage"] == {"input_tokens": 3, "output_tokens": 1}
    assert [event["delta"]["stop_reason"] for event in said if event["type"] == "message_delta"] == ["max_tokens"]


def test_each_change_of_kind_begins_a_block() -> None:
    said = _written(ev.ReasoningDelta("a"), ev.TextDelta("b"), ev.ReasoningDelta("c"), ev.TextDelta(""), *DONE)
    blocks = [event["content_block"] for event in said if event["type"] == "content_block_start"]
    assert [block["type"] for block in blocks] == ["thinking", "text", "thinking"]
    assert [event["index"] for event in said if event["type"] == "content_block_stop"] == [0, 1, 2]


def test_a_signature_closes_the_thought_that_it_signs() -> None:
    state = ev.OpaqueDelta(Opaque("anthropic", json.dumps({**THOUGHT, "thinking": "ab"})))
    said = _written(ev.ReasoningDelta("a"), ev.ReasoningDelta("b"), state, ev.TextDelta("c"), *DONE)
    deltas = [event["delta"]["type"] for event in said if event["type"] == "content_block_delta"]
    assert deltas == ["thinking_delta", "thinking_delta", "signature_delta", "text_delta"]
    (kept, *_) = _again(said).message.parts
    assert isinstance(kept, Opaque)
    assert json.loads(kept.json) == json.loads(state.part.json)


def _again(said: list[dict[str, Any]]) -> Reply:
    return _read(*[Frame(json.dumps(event).encode(), event["type"]) for event in said])


def test_a_call_that_begins_before_the_other_has_ended_waits_for_its_end() -> None:
    said = _written(
        ev.ToolCallDelta(0, "t1", "a", '{"x"'),
        ev.ToolCallDelta(1, "t2", "b", '{"y"'),
        ev.ToolCallDelta(0, "", "", ":1}"),
        ev.ToolCallDelta(1, "", "", ":2}"),
        ev.Finished("tool_calls"),
        DONE[1],
    )
    assert [call.arguments for call in _again(said).tool_calls] == [{"x": 1}, {"y": 2}]


def test_a_call_without_an_id_gets_one() -> None:
    (call,) = _again(_written(ev.ToolCallDelta(0, "", "now"), *DONE)).tool_calls
    assert call.id.startswith("toolu_")
    assert call.raw == "{}"


def test_a_refusal_is_their_stop_reason_and_its_explanation() -> None:
    said = _written(ev.RefusalDelta("Non "), ev.RefusalDelta("posso."), ev.Finished("stop"), DONE[1])
    assert said[-2]["delta"]["stop_reason"] == "refusal"
    assert said[-2]["delta"]["stop_details"]["explanation"] == "Non posso."
    assert _again(said).refusal == "Non posso."


def test_what_they_have_no_word_for_is_not_written() -> None:
    nothing = (ev.Noticed("x"), ev.Started("a/b"), ev.OpaqueDelta(Opaque("openai", "{}")), ev.TextDelta("x", 1))
    assert _written(*nothing, end=False) == []
    (_, _, stop) = _written()
    assert stop == {"type": "message_stop"}


def test_searches_and_sources_are_written_where_they_belong() -> None:
    blocks = [
        {"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {"query": "x"}},
        {"type": "text", "text": "Firenze", "citations": [{"cited_text": "F", "url": "https://e.org"}]},
    ]
    events = _events(*wire.stream(blocks))
    said = _written(*[event for event in events if not isinstance(event, ev.UsageReported)])
    assert _again(said).message.content == _read(*wire.stream(blocks)).message.content
