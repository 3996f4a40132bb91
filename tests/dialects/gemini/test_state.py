"""Signatures and parts of other kinds: they come back on the next turn, on the parts that they came with."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tramite import errors as er
from tramite import events as ev
from tramite.assembly import Assembler
from tramite.calls import ChatCall
from tramite.dialects.base import Target
from tramite.dialects.gemini import GEMINI
from tramite.messages import Message, Opaque, Text, tool_result, user
from tramite.wire.frames import Frame

CHAT = GEMINI.operations["chat"]
TARGET = Target("gemini", "gemini-3.8-flash")
OLDER = Target("gemini", "gemini-2.5-flash")  # needs no stand-ins for signatures

Part = dict[str, Any]


def whole(parts: list[Part]) -> Message:
    body = {"responseId": "r", "candidates": [{"content": {"parts": parts}, "finishReason": "STOP"}]}
    message: Message = CHAT.decode(json.dumps(body).encode()).message
    return message


def streamed(*frames: list[Part]) -> Message:
    data = [json.dumps({"responseId": "r", "candidates": [{"content": {"parts": parts}}]}).encode() for parts in frames]
    data.append(json.dumps({"candidates": [{"finishReason": "STOP"}]}).encode())
    assembler = Assembler()
    assembler.feed(CHAT.reader(ChatCall(messages=(user("?"),))).read([Frame(piece) for piece in data]))
    return assembler.reply().message


def given_back(message: Message, target: Target = TARGET) -> list[Part]:
    results = [tool_result(call, "ok") for call in message.tool_calls]
    call = ChatCall(messages=(user("?"), message, *results, user("e poi?")))
    parts: list[Part] = json.loads(CHAT.encode(call, target, False).body)["contents"][1]["parts"]
    return parts


def call_part(name: str, signature: str | None = None) -> Part:
    part: Part = {"functionCall": {"name": name, "args": {}, "id": f"id-{name}"}}
    return part | ({"thoughtSignature": signature} if signature else {})


@pytest.mark.parametrize(
    "parts",
    [
        [call_part("a", "s1"), call_part("b")],
        [{"text": "Vediamo."}, call_part("a", "s1")],
        [{"text": "Sì.", "thoughtSignature": "s1"}],
        [{"text": "Sì."}, {"text": "", "thoughtSignature": "s1"}],
        [{"text": "uno", "thoughtSignature": "s1"}, {"text": "due", "thoughtSignature": "s2"}, {"text": "tre"}],
        [call_part("a", "s1"), {"text": "dopo"}],
        [{"text": "a"}, {"executableCode": {"code": "1"}}, {"codeExecutionResult": {}}, {"text": "b"}],
        [{"toolCall": {"id": "x"}, "thoughtSignature": "s1"}, {"toolResponse": {"id": "x"}}, {"text": "b"}],
        [{"text": "pensato", "thought": True, "thoughtSignature": "s1"}, {"text": "detto"}],
    ],
)  # fmt: skip
def test_parts_come_back_as_they_were(parts: list[Part]) -> None:
    assert given_back(whole(parts)) == parts
    assert given_back(streamed(*([part] for part in parts))) == parts
    assert given_back(streamed(parts)) == parts


def test_text_cut_into_frames_comes_back_in_one_part() -> None:
    message = streamed([{"text": "Cia"}], [{"text": "o!"}], [{"text": "", "thoughtSignature": "s1"}])
    assert given_back(message) == [{"text": "Ciao!"}, {"text": "", "thoughtSignature": "s1"}]


def test_a_thought_that_is_not_signed_stays_here() -> None:
    message = whole([{"text": "hmm", "thought": True}, {"text": "Sì.", "thoughtSignature": "s1"}])
    assert message.text == "Sì."
    assert given_back(message) == [{"text": "Sì.", "thoughtSignature": "s1"}]


def test_an_ordinary_answer_has_no_state() -> None:
    assert whole([{"text": "Sì."}]).content == "Sì."
    assert not any(isinstance(part, Opaque) for part in streamed([{"text": "Sì."}], [call_part("a")]).parts)


def test_state_survives_a_message_that_was_changed() -> None:
    message = whole([{"text": "Vediamo un po'."}, call_part("a", "s1"), call_part("b")])
    opaque, _, _, second = message.parts
    assert given_back(Message("assistant", (opaque, Text("Ve"), second))) == [
        {"text": "Ve"},
        # the call that was signed is gone, so the other one needs a stand-in
        call_part("b", "c2tpcF90aG91Z2h0X3NpZ25hdHVyZV92YWxpZGF0b3I="),
    ]


@pytest.mark.parametrize("state", ["", "{", "[]", '{"parts": 1}', '{"parts": [{"text": "x"}]}'])
def test_state_that_was_not_made_here_is_refused(state: str) -> None:
    with pytest.raises(er.InvalidCall, match="state of an earlier answer"):
        given_back(Message("assistant", (Opaque("gemini", state), Text("a"))))


_said = st.text(min_size=1, max_size=4)
_signature = st.sampled_from(["c2ln", "czI="])
_parts = st.one_of(
    st.builds(lambda text: {"text": text}, _said),
    st.builds(lambda text: {"text": text, "thought": True}, _said),
    st.builds(lambda text, signature: {"text": text, "thoughtSignature": signature}, st.text(max_size=4), _signature),
    st.builds(
        lambda text, signature: {"text": text, "thought": True, "thoughtSignature": signature}, _said, _signature
    ),
    st.builds(lambda code: {"executableCode": {"code": code}}, _said),
    st.builds(lambda name: {"functionCall": {"name": name}}, _said),
    st.builds(
        lambda name, signature: {"functionCall": {"name": name}, "thoughtSignature": signature}, _said, _signature
    ),
)


@given(parts=st.lists(_parts, max_size=8), cuts=st.lists(st.booleans(), min_size=8, max_size=8))
def test_whatever_was_signed_comes_back_in_order_and_nothing_is_lost(parts: list[Part], cuts: list[bool]) -> None:
    for number, part in enumerate(parts):
        if "functionCall" in part:
            part["functionCall"] |= {"args": {}, "id": f"id{number}"}
    frames: list[list[Part]] = [[]]
    for part, cut in zip(parts, cuts, strict=False):
        frames[-1].append(part)
        frames += [[]] if cut else []
    for message in (whole(parts), streamed(*frames)):
        back = given_back(message, OLDER)
        assert _kept(back) == _kept(parts)
        assert [part["functionCall"] for part in back if "functionCall" in part] == [
            part["functionCall"] for part in parts if "functionCall" in part
        ]
        assert _text(back) == _text(parts)


def _kept(parts: list[Part]) -> list[Part]:
    return [part for part in parts if "thoughtSignature" in part or "executableCode" in part]


def _text(parts: list[Part]) -> str:
    return "".join(part.get("text", "") for part in parts if not part.get("thought"))


def test_a_streams_state_is_handed_over_once_before_the_finish() -> None:
    frames = [
        Frame(msgspec.json.encode({"candidates": [{"content": {"parts": [call_part("a", "s1")]}}]})),
        Frame(b'{"candidates": [{"finishReason": "STOP"}]}'),
        Frame(b'{"candidates": [{"finishReason": "STOP"}]}'),
    ]
    events = CHAT.reader(ChatCall(messages=(user("?"),))).read(frames)
    assert [type(event) for event in events] == [ev.ToolCallDelta, ev.OpaqueDelta, ev.Finished, ev.Finished]
