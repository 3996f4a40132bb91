"""Streams of the Responses API: their events, their proof, and how they fail."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.dialects.responses.wire import (
    CALL,
    CHAT,
    USAGE,
    added,
    assembled,
    call,
    decode,
    delta,
    done,
    frame,
    kept,
    read,
    search,
    text,
    thought,
    watched,
    whole,
)
from tramite import errors as er
from tramite import events as ev
from tramite.replies import TokenLogprob, Usage
from tramite.wire.frames import Frame

CREATED = frame("created", response=whole(status="in_progress", usage=None))
EMPTY = text("", status="in_progress", content=[])


def ended(*output: dict[str, Any], **fields: Any) -> Frame:
    return frame("completed", response=whole(*output, **fields))


PLAIN = [
    CREATED,
    frame("in_progress", response=whole(status="in_progress", usage=None)),
    added(EMPTY),
    frame("content_part.added", output_index=0, content_index=0, part={"type": "output_text", "text": ""}),
    delta("Ec", logprobs=[], obfuscation="aB3"),
    delta("co"),
    frame("output_text.done", output_index=0, text="Ecco"),
    done(text("Ecco")),
    ended(text("Ecco")),
]


def test_text_comes_as_it_is_said() -> None:
    assert read(PLAIN) == [
        ev.ModelReported("gpt-5", "resp_1"),
        ev.TextDelta("Ec"),
        ev.TextDelta("co"),
        ev.UsageReported(Usage(input_tokens=10, output_tokens=6, cached_tokens=4, reasoning_tokens=3)),
        ev.Finished("stop"),
    ]


def test_the_stream_is_proven_by_its_last_frame_alone() -> None:
    for cut in range(len(PLAIN)):
        watcher = watched(PLAIN[:cut])
        assert (watcher.proof, watcher.ended, watcher.error) == (False, False, None)
        assert watcher.content == (cut > 4)
    watcher = watched(PLAIN)
    assert (watcher.proof, watcher.ended, watcher.finish) == (True, True, "stop")
    assert watcher.usage == Usage(input_tokens=10, output_tokens=6, cached_tokens=4, reasoning_tokens=3)


def test_done_ends_and_proves_nothing() -> None:
    done_frame = Frame(b"[DONE]")
    watcher = watched([*PLAIN[:-1], done_frame])
    assert (watcher.ended, watcher.proof) == (True, False)
    assert watched([*PLAIN, done_frame]).proof
    assert read([*PLAIN, done_frame]) == read(PLAIN)


def test_tool_calls_may_come_side_by_side() -> None:
    one, two = call(), call("search", "call_2", "{}")
    frames = [
        added({**one, "arguments": ""}, 0),
        added({**two, "arguments": ""}, 1),
        delta('{"city":', "function_call_arguments", 0),
        delta("{}", "function_call_arguments", 1),
        delta('"Roma"}', "function_call_arguments", 0),
        done(one, 0),
        done(two, 1),
        ended(one, two),
    ]
    reply = assembled(frames)
    assert [(call.id, call.name, call.raw) for call in reply.tool_calls] == [
        ("call_1", "weather", '{"city":"Roma"}'),
        ("call_2", "search", "{}"),
    ]
    assert (reply.finish, watched(frames).finish) == ("tool_calls", "tool_calls")
    assert watched(frames[:1]).content


def test_thinking_is_shown_in_paragraphs_and_handed_over_when_it_is_whole() -> None:
    item = thought("a1", "b", encrypted_content="gAAA")
    frames = [
        added(thought(status="in_progress")),
        delta("a", "reasoning_summary_text", summary_index=0),
        delta("1", "reasoning_summary_text", summary_index=0),
        delta("b", "reasoning_summary_text", summary_index=1),
        done(item),
        added(EMPTY, 1),
        delta("c", index=1),
        done(text("c"), 1),
        ended(item, text("c")),
    ]
    assert [type(event).__name__ for event in read(frames)][:5] == ["ReasoningDelta"] * 3 + ["OpaqueDelta", "TextDelta"]
    assert assembled(frames).message == decode(item, text("c")).message
    assert not watched(frames[:1]).content
    assert watched(frames[:2]).content


def test_open_thoughts_come_in_their_own_frames() -> None:
    item = thought(content=[{"type": "reasoning_text", "text": "hmm"}])
    frames = [added(thought()), delta("hm", "reasoning_text"), delta("m", "reasoning_text"), done(item), ended(item)]
    reply = assembled(frames)
    assert (reply.reasoning, kept(reply.message)) == ("hmm", [item])


def test_an_items_place_is_where_it_began() -> None:
    """OpenRouter ends the thinking after the text that it led to."""
    item = thought(content=[{"type": "reasoning_text", "text": "hmm"}])
    late = [added(thought(), 0), added(EMPTY, 1), delta("Ecco", index=1), done(text("Ecco"), 1), done(item, 0)]
    assert assembled([*late, ended(item, text("Ecco"))]).message == decode(item, text("Ecco")).message


def test_items_that_never_end_are_in_the_last_frame() -> None:
    """OpenAI has left out the ends of lists of MCP servers' tools that began together."""
    lists = [{"type": "mcp_list_tools", "id": f"mcpl_{n}", "tools": [], "server_label": str(n)} for n in range(3)]
    frames = [*(added({**item, "tools": None}, n) for n, item in enumerate(lists)), done(lists[2], 2)]
    frames += [added(EMPTY, 3), delta("a", index=3), done(text("a"), 3), ended(*lists, text("a"))]
    states = sorted(kept(assembled(frames).message), key=lambda state: state.get("at", [0, 0, 0]))
    assert [state.get("item", state)["id"] for state in states] == ["mcpl_0", "mcpl_1", "mcpl_2"]


@pytest.mark.parametrize("with_items", [True, False])
def test_a_server_that_sends_no_deltas_is_read_all_the_same(with_items: bool) -> None:
    output = [thought("hmm", encrypted_content="g"), text("Ecco", phase="commentary"), search(), call()]
    pieces = [one for n, item in enumerate(output) for one in (added(item, n), done(item, n))] if with_items else []
    frames = [CREATED, *pieces, ended(*output)]
    assert assembled(frames).message == decode(*output).message
    assert watched(frames).proof
    assert watched(frames[:-1]).content == with_items


def test_text_that_the_deltas_left_out_is_said_at_the_end() -> None:
    assert assembled([added(EMPTY), delta("Ec"), done(text("Ecco")), ended(text("Ecco"))]).text == "Ecco"


def test_an_item_that_ends_twice_is_said_once() -> None:
    frames = [added(call()), done(call()), done(call()), ended(call())]
    assert [each.raw for each in assembled(frames).tool_calls] == ['{"city":"Roma"}']


def test_an_item_that_ends_as_another_is_that_other() -> None:
    frames = [added(EMPTY), delta("Ecco"), done(call()), ended(call())]
    assert [part.__class__.__name__ for part in assembled(frames).message.parts] == ["Text", "ToolCall"]


def test_refusals_and_phases() -> None:
    refused = text("", content=[{"type": "refusal", "refusal": "No."}], phase="final_answer")
    reply = assembled([added(EMPTY), delta("N", "refusal"), delta("o.", "refusal"), done(refused), ended(refused)])
    assert (reply.text, reply.refusal) == ("", "No.")
    assert kept(reply.message) == [{"at": [0, 0, 0], "length": 0, "message": {"phase": "final_answer"}}]


def test_log_probabilities_come_with_their_text() -> None:
    tokens = [{"token": "Ec", "logprob": -0.5, "top_logprobs": [{"token": "La", "logprob": -1.5}]}]
    events = read([added(EMPTY), delta("Ec", logprobs=tokens), delta("", logprobs=tokens)])
    expected = (TokenLogprob("Ec", -0.5, (("La", -1.5),)),)
    assert events == [ev.TextDelta("Ec", 0, expected), ev.TextDelta("", 0, expected)]


@pytest.mark.parametrize(
    ("details", "finish"),
    [({"reason": "max_output_tokens"}, "length"), ({"reason": "content_filter"}, "content_filter")],
)
def test_an_answer_that_is_told_to_be_incomplete_has_ended(details: Any, finish: str) -> None:
    response = whole(text("Ec"), status="incomplete", incomplete_details=details)
    frames = [*PLAIN[:5], frame("incomplete", response=response)]
    watcher = watched(frames)
    assert (watcher.proof, watcher.ended, watcher.finish, watcher.error) == (True, True, finish, None)
    assert (assembled(frames).finish, assembled(frames).text) == (finish, "Ec")


NESTED = {"type": "too_many_requests", "code": "too_many_requests", "message": "Too Many Requests", "param": None}
OVERFLOW = {"code": "context_length_exceeded", "message": "Your input exceeds the context window of this model."}


@pytest.mark.parametrize(
    ("last", "kind"),
    [
        (frame("error", code="rate_limit_exceeded", message="slow", param=None), er.Throttled),
        (frame("error", code="server_error", message="x", param=None), er.Overloaded),
        (frame("error", code=None, message="x", param=None), er.Overloaded),
        (frame("error", error=NESTED), er.Throttled),
        (frame("error", error={"type": "invalid_request_error", **OVERFLOW}), er.ContextTooLong),
        (frame("error", error={"type": "invalid_request_error", "code": None, "message": "x"}), er.RequestRejected),
        (frame("error"), er.Overloaded),
        (Frame(b'{"type":"error","message":"x","code":"invalid_prompt"}'), er.RequestRejected),
        (Frame(b"upstream went away", "error"), er.Overloaded),
        (Frame(b'{"error":{"message":"x","code":"insufficient_quota"}}'), er.QuotaExhausted),
        (
            frame("failed", response=whole(status="failed", error={"code": "server_error", "message": "x"})),
            er.Overloaded,
        ),
        (frame("failed", response=whole(status="failed", error=OVERFLOW)), er.ContextTooLong),
        (frame("failed", response=whole(status="failed")), er.Overloaded),
        (frame("failed"), er.Overloaded),
        (frame("incomplete", response=whole(status="incomplete")), er.Overloaded),
        (frame("incomplete", response=whole(status="incomplete", incomplete_details={"reason": "x"})), er.Overloaded),
        (frame("completed", response=whole(error={"code": "server_error", "message": "x"})), er.Overloaded),
        (frame("completed", response=whole(status="failed")), er.Overloaded),
        (frame("completed", response=whole(status="cancelled")), er.BadReply),
        (Frame(b'{"type":"response.output_text.delta","del', "response.output_text.delta"), er.BadReply),
        (Frame(b"<html>"), er.BadReply),
    ],
)
def test_a_stream_that_fails_is_never_proven(last: Frame, kind: type[er.ProviderError]) -> None:
    for frames in ([last], [*PLAIN[:6], last], [*PLAIN[:6], last, PLAIN[-1]]):
        watcher = watched(frames)
        assert (type(watcher.error), watcher.proof) == (kind, False)


def test_the_first_failure_counts() -> None:
    failed = frame("failed", response=whole(status="failed", error={"code": "server_error", "message": "b"}))
    watcher = watched([frame("error", code="rate_limit_exceeded", message="a"), failed])
    assert isinstance(watcher.error, er.Throttled)


@pytest.mark.parametrize(
    "other",
    [
        frame("keepalive"),
        Frame(b"not JSON at all", "ping"),
        Frame(b""),
        frame("web_search_call.searching", output_index=0, item_id="ws"),
        frame("steer.accepted", response="resp_1"),
        frame("output_text.annotation.added", annotation={"type": "url_citation"}, output_index=0),
        frame("code_interpreter_call_code.delta", delta="print()", output_index=0),
        Frame(b'{"type":"response.something.new","delta":{"a":1},"item":5,"response":[]}', "response.something.new"),
    ],
)
def test_other_events_are_passed_over(other: Frame) -> None:
    mixed = [one for each in PLAIN for one in (other, each)]
    assert read(mixed) == read(PLAIN)
    assert (watched(mixed).proof, watched(mixed).error) == (True, None)
    assert not watched([other]).content


def test_servers_without_event_names_are_understood() -> None:
    unnamed = [Frame(one.data) for one in PLAIN]
    assert read(unnamed) == read(PLAIN)
    for cut in range(len(PLAIN) + 1):
        bare, named = watched(unnamed[:cut]), watched(PLAIN[:cut])
        assert (bare.content, bare.proof, bare.finish) == (named.content, named.proof, named.finish)


def test_events_that_name_their_type_outside_alone_are_understood() -> None:
    stripped = []
    for one in PLAIN:
        fields = json.loads(one.data)
        del fields["type"]
        stripped.append(Frame(json.dumps(fields).encode(), one.event))
    assert read(stripped) == read(PLAIN)
    assert watched(stripped).proof


def test_what_cannot_be_read_keeps_what_came_before() -> None:
    with pytest.raises(er.BadReply) as caught:
        read([added(EMPTY), delta("Ec"), Frame(b'{"type":"response.output_text.de', "response.output_text.delta")])
    assert caught.value.events == (ev.TextDelta("Ec"),)


def test_half_an_emoji_is_read() -> None:
    broken = Frame(b'{"type":"response.output_text.delta","output_index":0,"delta":"a\\ud83d"}')
    assert read([added(EMPTY), broken]) == [ev.TextDelta("a\ufffd")]
    assert watched([broken]).content


JUNK = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-1, 3)
    | st.sampled_from(["", "a", "message", "function_call", "reasoning"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "content", "summary", "text", "id", "call_id", "name", "arguments", "phase"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=10,
)
ITEMS = st.fixed_dictionaries(
    {"type": st.sampled_from(["message", "function_call", "reasoning", "web_search_call", ["odd"], None])},
    optional=dict.fromkeys(("content", "summary", "call_id", "name", "arguments", "phase", "caller"), JUNK),
)
KINDS = "created output_item.added output_item.done output_text.delta refusal.delta completed incomplete failed"
EVENTS = st.builds(
    lambda kind, fields: frame(kind, **fields),
    st.sampled_from(KINDS.split()),
    st.fixed_dictionaries(
        {},
        optional={
            "output_index": st.integers(0, 2),
            "item": ITEMS,
            "delta": JUNK,
            "response": st.fixed_dictionaries({}, optional={"output": st.lists(ITEMS, max_size=2), "status": JUNK}),
            "error": JUNK,
        },
    ),
)


@given(frames=st.lists(EVENTS, max_size=6))
def test_odd_frames_raise_nothing_but_a_bad_reply(frames: list[Frame]) -> None:
    watcher = watched(frames)
    assert not (watcher.proof and watcher.error)
    try:
        CHAT.reader(CALL).read(frames)
    except er.BadReply:
        assert watcher.error is not None or watcher.content


@given(output=st.lists(ITEMS, max_size=4))
def test_odd_replies_are_read_whole_as_in_a_stream(output: list[dict[str, Any]]) -> None:
    reply = decode(*output)
    pieces = [one for n, item in enumerate(output) for one in (added(item, n), done(item, n))]
    streamed = assembled([CREATED, *pieces, ended(*output)])
    if all(item.get("call_id") for item in output if item["type"] == "function_call"):
        assert streamed.message.text == reply.message.text
        assert streamed.reasoning == reply.reasoning
    assert (streamed.finish, streamed.usage) == (reply.finish, reply.usage)
    assert USAGE["total_tokens"] == streamed.usage.total_tokens
