"""Events as frames of an OpenAI stream: the server's side. Never says that a stream is finished unless told so."""

from __future__ import annotations

import time
import uuid
from typing import Any

import msgspec

from tramite import events as ev
from tramite.calls import Sampling
from tramite.dialects.frames import DONE
from tramite.replies import TokenLogprob, Usage
from tramite.wire.frames import Frame

from .assistant_out import NAME, TOOL_EXTRAS
from .fields import finish_word, logprobs_object, usage_object


class Writer:
    """What chats and completions share: the object around the choices, finish, usage and the end."""

    prefix = "chatcmpl-"
    object = "chat.completion.chunk"

    def __init__(self, call: Sampling) -> None:
        options = call.extra.get("stream_options")
        self._usage_asked = isinstance(options, dict) and bool(options.get("include_usage"))
        self._usage: Usage | None = None
        self._open: dict[int, bool] = {}
        """The choices that have begun, and whether each is still to be finished."""
        self._head: dict[str, Any] = {
            "id": f"{self.prefix}{uuid.uuid4().hex}",
            "object": self.object,
            "created": int(time.time()),
            "model": call.model or "",
        }

    def write(self, event: ev.Event) -> list[Frame]:
        """The frames that say this event; none for what this dialect has no word for."""
        match event:
            case ev.ModelReported(model, id, fingerprint):
                self._head["model"] = model or self._head["model"]
                self._head["id"] = id or self._head["id"]
                if fingerprint:
                    self._head["system_fingerprint"] = fingerprint
                return []
            case ev.UsageReported(usage):
                self._usage = usage
                return []
            case ev.Finished(finish, index):
                frames = self._begin(index)
                self._open[index] = False
                return [*frames, self._frame(self._choice(index, {}, finish=finish_word(finish)))]
            case _:
                return self._delta(event)

    def end(self) -> list[Frame]:
        """What closes a stream that has succeeded: finish where none was given, usage where asked for, `[DONE]`."""
        frames = []
        for index, unfinished in list((self._open or {0: True}).items()):
            if unfinished:
                frames += self.write(ev.Finished("stop", index))
        usage = usage_object(self._usage) if self._usage and self._usage_asked else None
        if usage is not None:
            frames.append(Frame(msgspec.json.encode({**self._head, "choices": [], "usage": usage})))
        return [*frames, Frame(DONE)]

    def _delta(self, event: ev.Event) -> list[Frame]:
        """The frames of an event that belongs to a choice."""
        if isinstance(event, ev.TextDelta):
            return self._say(event.index, {"content": event.text}, event.logprobs)
        return []

    def _say(self, index: int, delta: dict[str, Any], logprobs: tuple[TokenLogprob, ...] = ()) -> list[Frame]:
        return [*self._begin(index), self._frame(self._choice(index, delta, logprobs=logprobs))]

    def _begin(self, index: int) -> list[Frame]:
        if index in self._open:
            return []
        self._open[index] = True
        opening = self._opening()
        return [self._frame(self._choice(index, opening))] if opening else []

    def _opening(self) -> dict[str, Any]:
        """What is said before a choice's first words."""
        return {"role": "assistant", "content": ""}

    def _choice(
        self,
        index: int,
        delta: dict[str, Any],
        finish: str | None = None,
        logprobs: tuple[TokenLogprob, ...] = (),
    ) -> dict[str, Any]:
        return {
            "index": index,
            "delta": delta,
            "logprobs": logprobs_object(logprobs) if logprobs else None,
            "finish_reason": finish,
        }

    def _frame(self, choice: dict[str, Any]) -> Frame:
        chunk: dict[str, Any] = {**self._head, "choices": [choice]}
        if self._usage_asked:
            chunk["usage"] = None  # as OpenAI does in every frame but the last
        return Frame(msgspec.json.encode(chunk))


class ChatWriter(Writer):
    """A chat's frames."""

    def __init__(self, call: Sampling) -> None:
        super().__init__(call)
        self._tools: dict[tuple[int, str], int] = {}

    def _delta(self, event: ev.Event) -> list[Frame]:
        match event:
            case ev.ReasoningDelta(text, index):
                return self._say(index, {"reasoning_content": text})
            case ev.RefusalDelta(text, index):
                return self._say(index, {"refusal": text})
            case ev.ToolCallDelta():
                return self._say(event.index, {"tool_calls": [self._tool(event)]})
            case ev.OpaqueDelta(part, index) if part.dialect == NAME:
                return self._say(index, self._state(msgspec.json.decode(part.json), index))
            case _:
                return super()._delta(event)

    def _tool(self, event: ev.ToolCallDelta) -> dict[str, Any]:
        function: dict[str, Any] = {"arguments": event.arguments}
        piece: dict[str, Any] = {"index": event.position}
        if event.id:
            self._tools[event.index, event.id] = event.position
            piece["id"] = event.id
            piece["type"] = "function"
        if event.name:
            function["name"] = event.name
        piece["function"] = function
        return piece

    def _state(self, fields: dict[str, Any], index: int) -> dict[str, Any]:
        """State for the next turn; what belongs to single tool calls goes where they are."""
        extras = fields.pop(TOOL_EXTRAS, {})
        pieces = [
            {"index": self._tools[index, id], "extra_content": extra}
            for id, extra in extras.items()
            if (index, id) in self._tools
        ]
        return {**fields, "tool_calls": pieces} if pieces else fields
