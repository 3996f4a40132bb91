"""Gemini's streams: what they say, and when they are proven whole, broken off or cut."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tramite import errors as er
from tramite import events as ev
from tramite.calls import ChatCall
from tramite.dialects.base import Watcher
from tramite.dialects.gemini import GEMINI
from tramite.messages import user
from tramite.replies import TokenLogprob, Usage
from tramite.wire.frames import Frame

CHAT = GEMINI.operations["chat"]
CALL = ChatCall(messages=(user("?"),))


def frame(*parts: dict[str, Any], finish: Any = None, index: Any = 0, tokens: int = 0, **candidate: Any) -> Frame:
    """A frame as Google writes it, white space included."""
    said: dict[str, Any] = {"content": {"parts": list(parts), "role": "model"}} if parts else {}
    said |= ({"finishReason": finish} if finish is not None else {}) | {"index": index} | candidate
    counts = {"promptTokenCount": 5, "candidatesTokenCount": tokens, "totalTokenCount": 5 + tokens}
    whole = {"candidates": [said], "usageMetadata": counts, "modelVersion": "gemini-x", "responseId": "r1"}
    return Frame(json.dumps(whole, ensure_ascii=False).encode())


def text(said: str, **more: Any) -> Frame:
    return frame({"text": said}, **more)


def watched(*frames: Frame, n: int = 1) -> Watcher:
    watcher = CHAT.watcher(n)
    for piece in frames:
        watcher.note(piece)
    watcher.close()
    return watcher


def read(*frames: Frame) -> list[ev.Event]:
    return CHAT.reader(CALL).read(list(frames))


def test_text_then_the_finish_with_usage() -> None:
    frames = [text("Cia", tokens=1), text("o", tokens=2), text("!", finish="STOP", tokens=3)]
    usage = Usage(input_tokens=5, output_tokens=3)
    assert read(*frames) == [
        ev.ModelReported("gemini-x", "r1"),
        ev.TextDelta("Cia"),
        ev.TextDelta("o"),
        ev.TextDelta("!"),
        ev.Finished("stop"),
        ev.UsageReported(usage),
    ]
    watcher = watched(*frames)
    assert (watcher.proof, watcher.ended, watcher.finish, watcher.usage) == (True, True, "stop", usage)


def test_the_last_frame_may_have_no_content_or_no_candidates() -> None:
    empty = frame(finish="STOP", tokens=1)
    counts = Frame(b'{"usageMetadata": {"promptTokenCount": 5, "candidatesTokenCount": 9}}')
    frames = [text("Ciao", tokens=1), empty, counts]
    usage = Usage(input_tokens=5, output_tokens=9)
    assert read(*frames)[-2:] == [ev.UsageReported(Usage(input_tokens=5, output_tokens=1)), ev.UsageReported(usage)]
    assert (watched(*frames).proof, watched(*frames).usage) == (True, usage)


def test_a_stream_that_just_ends_is_not_proven() -> None:
    watcher = watched(text("Cia", tokens=1), text("o", tokens=2))
    assert (watcher.content, watcher.proof, watcher.error) == (True, False, None)
    assert watcher.usage == Usage(input_tokens=5, output_tokens=2)
    assert not watched().proof
    assert not watched(text("o", finish="FINISH_REASON_UNSPECIFIED")).proof


def test_every_candidate_must_have_finished() -> None:
    first, second = text("a", finish="STOP"), text("b", finish="MAX_TOKENS", index=1)
    assert not watched(first, n=2).proof
    assert watched(first, second, n=2).proof
    assert watched(second, first, n=2).finish == "stop"
    one = json.loads(first.data)
    one["candidates"] += json.loads(second.data)["candidates"]
    both = Frame(json.dumps(one).encode())
    assert watched(both, n=2).proof
    assert [event for event in read(both) if isinstance(event, ev.Finished)] == [
        ev.Finished("stop"),
        ev.Finished("length", 1),
    ]


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}, er.Overloaded),
        ({"code": 429, "message": "Resource has been exhausted", "status": "RESOURCE_EXHAUSTED"}, er.Throttled),
        ({"code": 500, "message": "An internal error", "status": "INTERNAL"}, er.Overloaded),
        ({"message": "?"}, er.Overloaded),
    ],
)
def test_an_error_in_mid_stream_ends_it_without_proof(error: dict[str, Any], kind: type[Exception]) -> None:
    broken = Frame(json.dumps({"error": error}).encode())
    watcher = watched(text("Cia"), text("o"), broken, text("!", finish="STOP"))
    assert type(watcher.error) is kind
    assert watcher.error is not None
    assert watcher.error.status == 200
    assert not watcher.proof
    assert read(text("Cia"), broken)[-1] == ev.TextDelta("Cia")


def test_an_error_by_the_events_name() -> None:
    watcher = watched(Frame(b"the proxy lost its way", "error"))
    assert watcher.error is not None
    assert "lost its way" in watcher.error.message
    assert read(Frame(b'{"candidates": []}', "error")) == []


def test_a_blocked_prompt_is_an_error() -> None:
    blocked = Frame(
        b'{"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}, "usageMetadata": {"promptTokenCount": 3}}'
    )
    watcher = watched(blocked)
    assert isinstance(watcher.error, er.ContentFiltered)
    assert watcher.usage == Usage(input_tokens=3)


def test_a_call_that_cannot_be_used_is_an_error() -> None:
    watcher = watched(text("Vedo"), frame(finish="MALFORMED_FUNCTION_CALL", finishMessage="weather("))
    assert isinstance(watcher.error, er.BadReply)
    assert not watcher.proof


def test_a_filtered_answer_is_finished() -> None:
    watcher = watched(text("Ci"), frame(finish="SAFETY"))
    assert (watcher.proof, watcher.finish) == (True, "content_filter")


def test_calls_are_whole_and_change_the_finish() -> None:
    frames = [
        text("Vedo."),
        frame({"functionCall": {"name": "a", "args": {"x": 1.0}, "id": "i1"}}),
        frame({"functionCall": {"name": "b"}}),
        frame(finish="STOP"),
    ]
    assert read(*frames)[2:5] == [
        ev.ToolCallDelta(0, "i1", "a", '{"x": 1.0}'),
        ev.ToolCallDelta(1, "call_r1_1", "b", "{}"),
        ev.Finished("tool_calls"),
    ]
    assert watched(*frames).finish == "tool_calls"
    assert watched(frames[1]).content


def test_thoughts_are_shown_as_such() -> None:
    thought = frame({"text": "hmm", "thought": True})
    assert read(thought, text("sì"))[1:] == [ev.ReasoningDelta("hmm"), ev.TextDelta("sì")]
    assert watched(thought).content
    assert not watched(frame({"executableCode": {"code": "1"}})).content


def test_log_probabilities_come_with_their_text() -> None:
    result = {"chosenCandidates": [{"token": "sì", "logProbability": -1}]}
    token = (TokenLogprob("sì", -1.0),)
    assert read(text("sì", logprobsResult=result))[1:] == [ev.TextDelta("sì", 0, token)]
    assert read(frame(logprobsResult=result))[1:] == [ev.TextDelta("", 0, token)]


def test_an_image_in_a_stream_is_noticed() -> None:
    shown = read(frame({"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}}, finish="STOP"))
    assert [type(event) for event in shown[1:4]] == [ev.Noticed, ev.OpaqueDelta, ev.Finished]


@pytest.mark.parametrize("data", [b"[", b'{"candidates": 1}', b"nonsense", b'{"candidates": [{"content": {"parts": [{'])
def test_a_frame_that_cannot_be_read_is_a_bad_reply(data: bytes) -> None:
    assert isinstance(watched(text("a"), Frame(data)).error, er.BadReply)
    with pytest.raises(er.BadReply) as caught:
        read(text("a"), Frame(data))
    assert caught.value.events[-1] == ev.TextDelta("a")
    assert watched(Frame(data, "ping"), Frame(b"  ")).error is None
    assert read(Frame(data, "ping"), Frame(b"")) == []


def test_a_frame_that_is_cut_in_the_middle_is_not_taken_for_the_one_before() -> None:
    whole = text("parola").data
    for cut in range(1, len(whole)):
        assert watched(text("una"), text("due"), Frame(whole[:cut])).error is not None, whole[:cut]


def test_arguments_of_broken_characters_are_a_bad_reply() -> None:
    broken = Frame(b'{"candidates": [{"content": {"parts": [{"functionCall": {"args": {"a": "\xff"}}}]}}]}')
    with pytest.raises(er.BadReply):
        read(broken)


_texts = st.text(min_size=1, max_size=5) | st.sampled_from(
    ['"', "\\", '"}],"role": "model"},"finishReason": "STOP"', '", "usageMetadata": {', "è😀\u2028", "\\u0022"]
)
_frames = st.one_of(
    st.builds(text, _texts, tokens=st.integers(0, 9)),
    st.builds(text, _texts, tokens=st.integers(0, 9)),
    st.builds(lambda said: frame({"text": said, "thought": True}), _texts),
    st.builds(lambda said: frame({"text": said, "thoughtSignature": "c2ln"}), _texts),
    st.builds(lambda said: frame({"text": said}, {"functionCall": {"name": "f"}}), _texts),
    st.builds(text, _texts, finish=st.sampled_from(["STOP", "MAX_TOKENS", "SAFETY", "UNEXPECTED_TOOL_CALL"])),
    st.just(Frame(b'{"error": {"code": 503, "status": "UNAVAILABLE"}}')),
    st.just(Frame(b'{"usageMetadata": {"promptTokenCount": 7}}')),
)


@given(frames=st.lists(_frames, max_size=12))
def test_what_a_watcher_remembers_never_makes_it_overlook_anything(frames: list[Frame]) -> None:
    """A new line before each frame keeps it from being compared with the one before."""
    quick, slow = watched(*frames), watched(*(Frame(b"\n" + piece.data) for piece in frames))
    for fact in ("content", "proof", "finish", "usage", "ended"):
        assert getattr(quick, fact) == getattr(slow, fact), fact
    assert type(quick.error) is type(slow.error)


@given(frames=st.lists(_frames | st.just(Frame(b"{broken")), max_size=12), cuts=st.sets(st.integers(0, 12)))
def test_one_pass_says_what_watcher_and_reader_say(frames: list[Frame], cuts: set[int]) -> None:
    both, watcher, reader = CHAT.follower(CALL), CHAT.watcher(1), CHAT.reader(CALL)  # type: ignore[attr-defined]
    followed: list[ev.Event] = []
    told: list[ev.Event] = []
    for number, piece in enumerate(frames):
        watcher.note(piece)
        both.note(piece)
        assert type(both.error) is type(watcher.error)
        if watcher.error is not None:
            break
        told += reader.read([piece])
        followed += both.read([]) if number in cuts else []
    assert [*followed, *both.read([])] == told
    for each in (both, watcher):
        each.close()
    for fact in ("content", "proof", "finish", "usage", "ended"):
        assert getattr(both, fact) == getattr(watcher, fact), fact


def test_one_pass_never_raises() -> None:
    both = CHAT.follower(CALL)  # type: ignore[attr-defined]
    both.note(Frame(b'{"candidates": [{"content": {"parts": [{"functionCall": {"args": {"a": "\xff"}}}]}}]}'))
    assert isinstance(both.error, er.BadReply)
    other = CHAT.follower(CALL)  # type: ignore[attr-defined]
    for piece in (
        text("a"),
        text("b", index=[1]),
        Frame(b"x", "ping"),
        Frame(b'{"candidates": [{"content": {"parts": [{"text": "\\ud83d"}]}}]}'),
        Frame(b'{"candidates":[{"index":{}}]}'),
    ):
        other.note(piece)
    assert other.error is None


def test_counts_that_are_none_do_no_harm() -> None:
    odd = json.loads(text("due").data) | {"usageMetadata": [1]}
    watcher = watched(text("una", tokens=1), text("una", tokens=2), Frame(json.dumps(odd).encode()))
    assert watcher.usage in (None, Usage(input_tokens=5, output_tokens=2))
    assert not watcher.proof
    assert read(Frame(msgspec.json.encode(odd)))[1:] == [ev.TextDelta("due")]
