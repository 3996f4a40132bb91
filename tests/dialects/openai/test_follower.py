"""The client's follower sees in one pass what a watcher and a reader see in two."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tramite.calls import ChatCall
from tramite.dialects.base import Follower, StreamReader, Watcher, follower
from tramite.dialects.openai import OPENAI
from tramite.errors import BadReply
from tramite.events import Event, TextDelta
from tramite.messages import user
from tramite.wire.frames import Frame

CHAT = OPENAI.operations["chat"]
USAGE = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}


def chunk(delta: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    choice = {"index": fields.pop("index", 0), "delta": delta or {}, "finish_reason": fields.pop("finish_reason", None)}
    if "logprobs" in fields:
        choice["logprobs"] = fields.pop("logprobs")
    return {"id": "c1", "model": "m", "choices": [choice], **fields}


TEXTS = st.sampled_from(["", "a", " più", 'say "no"', "line\nbreak", "\\", "🙂", '"finish_reason":"stop"'])
TOOL = {"index": 0, "id": "call_1", "function": {"name": "f", "arguments": "{}"}}
ORDINARY = TEXTS.map(lambda text: chunk({"content": text}))
RARER = st.sampled_from(
    [
        chunk({"role": "assistant", "content": ""}),
        chunk({"reasoning_content": "hm", "content": None}),
        chunk({"content": "x", "tool_calls": [TOOL]}),
        chunk({"content": "x", "refusal": "no"}),
        chunk({"content": [{"type": "text", "text": "x"}]}),
        chunk({"content": "x"}, logprobs={"content": [{"token": "x", "logprob": -1.0, "top_logprobs": []}]}),
        chunk({"content": "x"}, usage=USAGE),
        chunk({"content": "x"}, index=1),
        chunk({"content": "x"}, finish_reason="stop"),
        chunk({}, finish_reason="length"),
        chunk({"content": "x"}, x_groq={"usage": USAGE}),
        chunk({"content": "x"}, error={"message": "it broke", "code": 500}),
        {"choices": [], "usage": USAGE},
        {"choices": [{"delta": {"content": "no name"}}]},
        {"choices": [{"text": "of a completion"}]},
        {"error": {"message": "overloaded"}},
    ]
)
FRAMES = (ORDINARY | RARER).map(lambda fields: Frame(msgspec.json.encode(fields))) | st.sampled_from(
    [
        Frame(b"[DONE]"),
        Frame(b""),
        Frame(b"{"),
        Frame(b'{"choices":[{"delta":{"content":"\\ud83d"}}]}'),
        Frame(b'{"choices":[{"delta":{"content":"\xff"}}]}'),
        Frame(b'{"message":"it broke"}', "error"),
        Frame(b"not JSON", "ping"),
    ]
)


def watched(watcher: Watcher, frames: list[Frame]) -> list[Frame]:
    """The frames before the one that says that the stream has failed, as the pipeline gives them out."""
    for position, frame in enumerate(frames):
        watcher.note(frame)
        if watcher.error is not None:
            return frames[:position]
    watcher.close()
    return frames


def read(reader: StreamReader, frames: list[Frame]) -> tuple[list[Event], bool]:
    """The events, and whether it was a broken frame that ended them."""
    try:
        return reader.read(frames), False
    except BadReply as error:
        return list(error.events), True


def stands(watcher: Watcher) -> tuple[object, ...]:
    return watcher.content, watcher.proof, watcher.ended, watcher.finish, watcher.usage, repr(watcher.error)


def new_follower(call: ChatCall) -> Follower:
    found = follower(CHAT, call)
    assert found is not None
    return found


@given(frames=st.lists(FRAMES, max_size=12), n=st.integers(1, 2))
def test_one_pass_finds_what_two_find(frames: list[Frame], n: int) -> None:
    call = ChatCall(messages=(user("hi"),), n=n)
    watcher, both = CHAT.watcher(n), new_follower(call)
    whole, seen = watched(watcher, frames), watched(both, frames)
    expected, broken = read(CHAT.reader(call), whole)
    assert both.read(seen) == expected
    if broken:  # the watcher had skipped over what only a full decoding shows
        assert isinstance(both.error, BadReply)
    else:
        assert len(seen) == len(whole)
        assert stands(both) == stands(watcher)


@pytest.mark.parametrize("text", ["a", 'say "no"', "🙂"])
def test_an_ordinary_frame_gives_its_text_at_once(text: str) -> None:
    both = new_follower(ChatCall(messages=(user("hi"),)))
    for _ in range(3):
        frame = Frame(msgspec.json.encode(chunk({"content": text})))
        both.note(frame)
        assert both.read([frame])[-1] == TextDelta(text)
    assert both.content
    assert not both.proof
