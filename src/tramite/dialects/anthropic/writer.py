"""Events as frames of a Messages stream: the server's side. Never says that a stream is finished unless told so.

One block is open at a time. A second tool call that begins before the first has ended waits for its end, which only the
end of the answer tells for sure.
"""

from __future__ import annotations

import uuid
from typing import Any

import msgspec

from tramite import events as ev
from tramite.calls import ChatCall
from tramite.messages import Opaque
from tramite.replies import Finish, Usage
from tramite.wire.frames import Frame

from .fields import stop_word, usage_object
from .state import NAME, state_of


class Writer:
    """See `dialects.base.StreamWriter`. There is one choice; events of others say nothing here."""

    def __init__(self, call: ChatCall) -> None:
        self._model = call.model or ""
        self._id = f"msg_{uuid.uuid4().hex}"
        self._usage: Usage | None = None
        self._finish: Finish | None = None
        self._refusal = ""
        self._begun = False
        self._ended = False
        self._index = -1
        self._open: str | int = ""
        """What is open: text, thinking, or the position of a tool call."""
        self._waiting: dict[int, list[ev.ToolCallDelta]] = {}
        self._fields: dict[str, Any] = {}
        self._first_call: int | None = None

    def write(self, event: ev.Event) -> list[Frame]:
        """The frames that say this event; none for what this dialect has no word for."""
        if getattr(event, "index", 0):
            return []
        match event:
            case ev.TextDelta(text) if text:
                return [*self._switch("text"), self._delta({"type": "text_delta", "text": text})]
            case ev.ReasoningDelta(text) if text:
                return [*self._switch("thinking"), self._delta({"type": "thinking_delta", "thinking": text})]
            case ev.ToolCallDelta():
                return self._tool(event)
            case ev.OpaqueDelta(part) if part.dialect == NAME:
                return self._state(part)
            case ev.RefusalDelta(text):
                self._refusal += text
            case ev.ModelReported(model, id):
                self._model, self._id = model or self._model, id or self._id
            case ev.UsageReported(usage):
                self._usage = usage
                return self._end() if self._finish is not None else []
            case ev.Finished(finish):
                self._finish = finish
                return [*self._close(), *self._release()]
        return []

    def end(self) -> list[Frame]:
        """What closes a stream that has succeeded."""
        frames = [*self._close(), *self._release(), *self._end()]
        return [*frames, _frame({"type": "message_stop"})]

    def _begin(self) -> list[Frame]:
        if self._begun:
            return []
        self._begun = True
        message: dict[str, Any] = {
            "id": self._id,
            "type": "message",
            "role": "assistant",
            "model": self._model,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": usage_object(self._usage),
        }
        return [_frame({"type": "message_start", "message": message})]

    def _end(self) -> list[Frame]:
        """The finish and the usage go out together, once."""
        if self._ended:
            return []
        self._ended = True
        delta: dict[str, Any] = {"stop_reason": stop_word(self._finish or "stop"), "stop_sequence": None}
        if self._refusal:
            delta["stop_reason"] = "refusal"
            delta["stop_details"] = {"type": "refusal", "category": None, "explanation": self._refusal}
        said = {"type": "message_delta", "delta": delta, "usage": usage_object(self._usage)}
        return [*self._begin(), _frame(said)]

    def _switch(self, kind: str) -> list[Frame]:
        """Have a block of this kind open."""
        if self._open == kind:
            return []
        block: dict[str, Any] = {"type": kind, kind: ""}
        if kind == "thinking":
            block["signature"] = ""
        return [*self._close(), *self._start(block, kind)]

    def _start(self, block: object, kind: str | int) -> list[Frame]:
        self._index += 1
        self._open = kind
        said = {"type": "content_block_start", "index": self._index, "content_block": block}
        return [*self._begin(), _frame(said)]

    def _close(self) -> list[Frame]:
        if self._open == "":
            return []
        self._open = ""
        return [_frame({"type": "content_block_stop", "index": self._index})]

    def _delta(self, delta: dict[str, Any]) -> Frame:
        return _frame({"type": "content_block_delta", "index": self._index, "delta": delta})

    def _tool(self, event: ev.ToolCallDelta) -> list[Frame]:
        position = event.position
        if self._first_call is None:
            self._first_call = position
        elif position != self._open:
            self._waiting.setdefault(position, []).append(event)
            return []
        frames = self._call(event.id, event.name, position) if self._open != position else []
        if event.arguments:
            frames.append(self._delta({"type": "input_json_delta", "partial_json": event.arguments}))
        return frames

    def _call(self, id: str, name: str, position: int) -> list[Frame]:
        block = {"type": "tool_use", "id": id or f"toolu_{uuid.uuid4().hex[:24]}", "name": name, "input": {}}
        return [*self._close(), *self._start({**block, **self._fields.get(id, {})}, position)]

    def _release(self) -> list[Frame]:
        """The tool calls that had to wait."""
        frames: list[Frame] = []
        for position, events in sorted(self._waiting.items()):
            id, name = ("".join(getattr(event, part) for event in events) for part in ("id", "name"))
            frames += self._call(id, name, position)
            written = "".join(event.arguments for event in events)
            frames += [self._delta({"type": "input_json_delta", "partial_json": written})] if written else []
            frames += self._close()
        self._waiting.clear()
        return frames

    def _state(self, part: Opaque) -> list[Frame]:
        """State for the next turn, where it belongs: sources and signatures to the block that is open."""
        state = state_of(part)
        if state.fields is not None:
            self._fields[state.tool] = state.fields
            return []
        if state.citations:
            citations = msgspec.json.decode(state.citations) if self._open == "text" else []
            return [self._delta({"type": "citations_delta", "citation": citation}) for citation in citations]
        if not state.block:
            return []
        block = msgspec.json.decode(state.block)
        if self._open == "thinking" and block.get("type") == "thinking":
            signed = {"type": "signature_delta", "signature": block.get("signature", "")}
            return [self._delta(signed), *self._close()]
        return [*self._close(), *self._start(state.block, "state"), *self._close()]


def _frame(said: dict[str, Any]) -> Frame:
    return Frame(msgspec.json.encode(said), said["type"])
