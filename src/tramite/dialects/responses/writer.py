"""Events as frames of a Responses stream: the server's side. Never says that a stream is finished unless told so.

The answer's text is one message, its shown thinking one reasoning item, each tool call an item of its own. They stay
open side by side, as the API allows, until state of the provider's or the answer's finish closes them.
"""

from __future__ import annotations

import time
import uuid
from typing import Any

import msgspec

from tramite import events as ev
from tramite.calls import ChatCall
from tramite.messages import Opaque
from tramite.replies import Finish, TokenLogprob, Usage
from tramite.wire.frames import Frame

from .answer_out import response_object
from .fields import status_of, usage_object
from .open_out import Frames, OpenCall, OpenMessage, OpenThinking
from .shapes import decode_item
from .state import NAME, state_of


class Writer:
    """See `dialects.base.StreamWriter`. There is one choice; events of others say nothing here."""

    def __init__(self, call: ChatCall) -> None:
        self._call = call
        self._frames = Frames()
        self._response: dict[str, Any] = {}
        self._message: OpenMessage | None = None
        self._thinking: OpenThinking | None = None
        self._calls: dict[int, OpenCall] = {}
        self._fields: dict[str, dict[str, Any]] = {}
        self._usage: Usage | None = None
        self._finish: Finish | None = None

    def write(self, event: ev.Event) -> list[Frame]:
        """The frames that say this event; none for what this dialect has no word for."""
        if getattr(event, "index", 0):
            return []
        match event:
            case ev.TextDelta(text, _, logprobs):
                self._say("output_text", text, logprobs)
            case ev.RefusalDelta(text):
                self._say("refusal", text)
            case ev.ReasoningDelta(text):
                self._think(text)
            case ev.ToolCallDelta():
                self._ask(event)
            case ev.OpaqueDelta(part) if part.dialect == NAME:
                self._keep(part)
            case ev.ModelReported(model, id):
                self._begin(id, model)
            case ev.UsageReported(usage):
                self._usage = usage
            case ev.Finished(finish):
                self._finish = finish
                self._close(status_of(finish)[0])
        return self._frames.take()

    def end(self) -> list[Frame]:
        """What closes a stream that has succeeded."""
        self._begin()
        finish = self._finish or "stop"
        status, details = status_of(finish)
        self._close(status)
        whole = {
            **self._response,
            "status": status,
            "incomplete_details": details,
            "output": self._frames.items,
            "usage": usage_object(self._usage),
        }
        self._frames.put(f"response.{status}", response=whole)
        return self._frames.take()

    def _begin(self, id: str = "", model: str = "") -> None:
        """The first frames: clients want to know the response that the others are of, and that it stays the same."""
        if self._response:
            return
        self._response = response_object(
            self._call, id or f"resp_{uuid.uuid4().hex}", model or self._call.model or "", int(time.time())
        )
        self._frames.put("response.created", response=self._response)
        self._frames.put("response.in_progress", response=self._response)

    def _say(self, kind: str, text: str, logprobs: tuple[TokenLogprob, ...] = ()) -> None:
        if not text and not logprobs:
            return
        self._begin()
        if self._message is None:
            self._message = OpenMessage(self._frames)
        self._message.say(kind, text, logprobs)

    def _think(self, text: str) -> None:
        if not text:
            return
        self._begin()
        if self._thinking is None:
            self._thinking = OpenThinking(self._frames)
        self._thinking.think(text)

    def _ask(self, event: ev.ToolCallDelta) -> None:
        self._begin()
        call = self._calls.get(event.position)
        if call is None:
            call = self._calls[event.position] = OpenCall(self._frames, event.id, event.name)
        else:
            call.name += event.name
        if event.arguments:
            call.argue(event.arguments)

    def _keep(self, part: Opaque) -> None:
        """State for the next turn, where it belongs; an item of its own closes the text that came before it."""
        self._begin()
        state = state_of(part)
        if state.fields is not None:
            self._fields[state.call] = state.fields
        elif state.message is not None:
            if self._message is not None:
                self._message.close("completed", state.message)
                self._message = None
        elif self._thinking is not None and decode_item(state.item).type == "reasoning":
            self._thinking.close("completed", msgspec.json.decode(state.item))
            self._thinking = None
        else:
            self._close_text("completed")
            self._frames.whole(state.item)

    def _close_text(self, status: str) -> None:
        for item in (self._thinking, self._message):
            if item is not None:
                item.close(status, {})
        self._thinking = self._message = None

    def _close(self, status: str) -> None:
        self._close_text(status)
        for call in self._calls.values():
            call.close(status, self._fields.get(call.id, {}))
        self._calls.clear()
