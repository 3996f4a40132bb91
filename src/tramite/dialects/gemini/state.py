"""What Gemini wants back on the next turn: signatures of its parts, parts of other kinds, and where they were.

It is kept as JSON in an opaque part: `{"parts": [mark, …]}`. A mark says what it is on, and where, counted in what came
before its end; the place is left out where it is the usual one: behind all thoughts and all text, before all calls. So
text may be cut as it likes between a stream's frames, and a signature still goes back on the part that it came with
(ai.google.dev/gemini-api/docs/thought-signatures).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
from msgspec import Raw, Struct

from tramite.errors import InvalidCall
from tramite.messages import Opaque, ToolCall

NAME = "gemini"


class Mark(Struct, omit_defaults=True):
    """A signature on `text` or `thought` characters or on a call's id, or a whole `part` of another kind."""

    text: int | None = None
    thought: int | None = None
    call: str | None = None
    part: Raw = Raw()
    signature: str = msgspec.field(default="", name="thoughtSignature")
    after: dict[str, int] = {}
    """How many characters of thought and text, and how many calls, precede the end of it; as far as that is unusual."""


class _State(Struct):
    parts: list[Mark] = []


_decode = msgspec.json.Decoder(_State).decode


def marks_of(opaques: Iterable[Opaque]) -> list[Mark]:
    """The marks in these parts, in order. Raises `InvalidCall` for state that was not made here."""
    try:
        return [mark for part in opaques if part.dialect == NAME for mark in _decode(part.json).parts]
    except msgspec.MsgspecError as error:
        raise InvalidCall(f"the state of an earlier answer of Gemini's cannot be read: {error}", "messages") from error


class Marker:
    """Follows the parts of one answer as they come, and notes what is to be given back."""

    __slots__ = ("calls", "marks", "text", "thought")

    def __init__(self) -> None:
        self.text = self.thought = self.calls = 0
        self.marks: list[Mark] = []

    def note(self, mark: Mark) -> None:
        """What the mark is on has been counted."""
        mark.after = {"thought": self.thought, "text": self.text, "calls": self.calls}
        self.marks.append(mark)

    def take(self) -> Opaque | None:
        """What has been noted, once, with the usual places left out."""
        if not self.marks:
            return None
        usual = {"thought": self.thought, "text": self.text, "calls": 0}
        for mark in self.marks:
            hidden = "calls" if mark.call is not None else ""  # calls have an order of their own
            mark.after = {name: count for name, count in mark.after.items() if count != usual[name] and name != hidden}
        opaque = Opaque(NAME, msgspec.json.encode(_State(self.marks)).decode())
        self.marks = []
        return opaque


def wire_parts(
    thoughts: str, text: str, calls: list[ToolCall], marks: list[Mark], think: bool
) -> Iterator[dict[str, Any]]:
    """A model's content as parts on the wire, with all marks in their places; unsigned thoughts only if `think`."""
    told = _Told(thoughts, text, calls, think)
    for mark in marks:
        end = {"thought": len(thoughts), "text": len(text), "calls": 0} | mark.after
        if mark.call is not None:
            ids = [call.id for call in calls]
            if mark.call not in ids[told.calls :]:
                continue  # the call was taken out of the message
            end["calls"] = ids.index(mark.call, told.calls)
        yield from told.until(end["thought"] - (mark.thought or 0), end["text"] - (mark.text or 0), end["calls"])
        yield told.marked(mark)
    yield from told.until(len(thoughts), len(text), len(calls))


class _Told:
    """How much of a message has been put into parts."""

    def __init__(self, thoughts: str, text: str, calls: list[ToolCall], think: bool) -> None:
        self.thought = self.text = self.calls = 0
        self._thoughts, self._text, self._calls, self._think = thoughts, text, calls, think

    def until(self, thought: int, text: int, calls: int) -> Iterator[dict[str, Any]]:
        """The parts up to these counts that have no mark."""
        said = self._thoughts[self.thought : max(thought, self.thought)]
        if said and self._think:
            yield {"text": said, "thought": True}
        self.thought += len(said)
        said = self._text[self.text : max(text, self.text)]
        if said:
            yield {"text": said}
        self.text += len(said)
        for call in self._calls[self.calls : calls]:
            yield call_part(call)
        self.calls = max(self.calls, min(calls, len(self._calls)))

    def marked(self, mark: Mark) -> dict[str, Any]:
        """The part that a mark is on."""
        part: dict[str, Any]
        if mark.call is not None:
            part = call_part(self._calls[self.calls])
            self.calls += 1
        elif mark.thought is not None:
            part = {"text": self._thoughts[self.thought : self.thought + mark.thought], "thought": True}
            self.thought += mark.thought
        elif mark.text is not None:
            part = {"text": self._text[self.text : self.text + mark.text]}
            self.text += mark.text
        else:
            part = msgspec.json.decode(mark.part or b"{}", type=dict[str, Raw])
        if mark.signature:
            part["thoughtSignature"] = mark.signature
        return part


def call_part(call: ToolCall) -> dict[str, Any]:
    """A function call. Raises `InvalidCall` where its arguments are not an object: Gemini has no word for those."""
    try:
        arguments = call.arguments
    except ValueError as error:
        raise InvalidCall(
            f"the gemini dialect has functions called with JSON objects only: {error}", "messages"
        ) from error
    said: dict[str, Any] = {"name": call.name, "args": Raw(call.raw.encode()) if arguments else {}}
    if call.id:
        said["id"] = call.id
    return {"functionCall": said}
