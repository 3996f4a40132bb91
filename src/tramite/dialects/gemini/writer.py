"""Events as frames of a Gemini stream: the server's side. Never says that a stream is finished unless told so."""

from __future__ import annotations

import uuid
from typing import Any

import msgspec

from tramite import events as ev
from tramite.calls import ChatCall
from tramite.messages import Opaque, ToolCall
from tramite.replies import Finish, Usage
from tramite.wire.frames import Frame

from .fields import finish_word, logprobs_object, usage_object
from .state import NAME, call_part, marks_of, wire_parts


class Writer:
    """See `dialects.base.StreamWriter`. A function call is whole in Gemini's frames, so it is kept until it is."""

    def __init__(self, call: ChatCall) -> None:
        self._usage: Usage | None = None
        self._open: dict[int, _Candidate] = {}
        self._head: dict[str, Any] = {"modelVersion": call.model or "", "responseId": uuid.uuid4().hex}

    def write(self, event: ev.Event) -> list[Frame]:
        """The frames that say this event; none for what this dialect has no word for."""
        match event:
            case ev.TextDelta(text, index, logprobs):
                result = {"logprobsResult": logprobs_object(logprobs)} if logprobs else {}
                return self._say(index, [{"text": text}], **result)
            case ev.ReasoningDelta(text, index):
                return self._say(index, [{"text": text, "thought": True}])
            case ev.RefusalDelta(text, index):  # Gemini refuses in plain text
                return self._say(index, [{"text": text}])
            case ev.ToolCallDelta():
                self._candidate(event.index).add(event)
            case ev.OpaqueDelta(part, index) if part.dialect == NAME:
                parts = self._candidate(index).take_state(part)
                return self._say(index, parts) if parts else []
            case ev.Finished(finish, index):
                return self._finish(index, finish)
            case ev.ModelReported(model, id):
                self._head["modelVersion"] = model or self._head["modelVersion"]
                self._head["responseId"] = id or self._head["responseId"]
            case ev.UsageReported(usage):
                self._usage = usage
        return []

    def end(self) -> list[Frame]:
        """What closes a stream that has succeeded: finish where none was given, and usage."""
        frames = []
        for index, candidate in list((self._open or {0: _Candidate()}).items()):
            if not candidate.finished:
                frames += self._finish(index, "stop")
        usage = usage_object(self._usage) if self._usage is not None else None
        return [*frames, Frame(msgspec.json.encode({**self._head, "usageMetadata": usage}))] if usage else frames

    def _candidate(self, index: int) -> _Candidate:
        candidate = self._open.get(index)
        if candidate is None:
            candidate = self._open[index] = _Candidate()
        return candidate

    def _finish(self, index: int, finish: Finish) -> list[Frame]:
        candidate = self._candidate(index)
        candidate.finished = True
        return self._say(index, candidate.take_calls(), finishReason=finish_word(finish))

    def _say(self, index: int, parts: list[dict[str, Any]], **beside: Any) -> list[Frame]:
        self._candidate(index)
        candidate = {"index": index, **beside, "content": {"role": "model", "parts": parts}}
        return [Frame(msgspec.json.encode({**self._head, "candidates": [candidate]}))]


class _Candidate:
    """What one candidate has begun: its calls, which are not on the wire yet, and their signatures."""

    __slots__ = ("_calls", "_signatures", "finished")

    def __init__(self) -> None:
        self.finished = False
        self._calls: dict[int, list[str]] = {}
        self._signatures: dict[str, str] = {}

    def add(self, event: ev.ToolCallDelta) -> None:
        """A piece of a call."""
        call = self._calls.setdefault(event.position, ["", ""])
        call[0] = call[0] or event.id
        call[1] = call[1] or event.name
        call.append(event.arguments)

    def take_state(self, part: Opaque) -> list[dict[str, Any]]:
        """State for the next turn. What is on text that is already on the wire becomes an empty part of its own."""
        parts: list[dict[str, Any]] = []
        for mark in marks_of((part,)):
            if mark.call is not None:
                self._signatures[mark.call] = mark.signature
            else:
                parts += wire_parts("", "", [], [mark], think=True)
        return parts

    def take_calls(self) -> list[dict[str, Any]]:
        """The calls, whole."""
        parts = []
        for _, (id, name, *pieces) in sorted(self._calls.items()):
            part = call_part(ToolCall(id, name, "".join(pieces)))
            if id in self._signatures:
                part["thoughtSignature"] = self._signatures[id]
            parts.append(part)
        self._calls.clear()
        return parts
