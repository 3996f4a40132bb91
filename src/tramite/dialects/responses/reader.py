"""Frames of a Responses stream as events: the client's side. Says nothing of success or failure; the watcher does.

This is a hot path: one typed decode and one event for an ordinary frame.
"""

from __future__ import annotations

from tramite import events as ev
from tramite.dialects.bad_reply import bad_reply
from tramite.dialects.json_bodies import UNREADABLE, decode_again
from tramite.dialects.openai.fields import logprobs_of, usage_of
from tramite.wire.frames import Frame

from .fields import finish_of
from .open_items import OpenItems
from .parts_in import text_of
from .shapes import Event, decode_event, decode_response

EXPECTED = "an event of the Responses API as a stream's frame"
TEXT = "response.output_text.delta"


def is_ours(name: str) -> bool:
    """Whether an event of this name is ours to read; gateways put others between them (`keepalive`)."""
    return name.startswith("response.") or name in ("", "message")


class Reader:
    """See `dialects.base.StreamReader`."""

    def __init__(self) -> None:
        self._items = OpenItems()
        self._named = False

    def read(self, frames: list[Frame]) -> list[ev.Event]:
        """The events of these frames, in order. Raises `BadReply` for a frame that cannot be read."""
        events: list[ev.Event] = []
        items = self._items
        for frame in frames:
            try:
                event = decode_event(frame.data)
                text = event.delta
                if event.type == TEXT and text.__class__ is str and text and not event.logprobs:
                    items.characters += len(text)
                    events.append(ev.TextDelta(text))
                else:
                    self._rarer(event.type or frame.event, event, events)
            except UNREADABLE:
                self._unreadable(frame, events)
        return events

    def _unreadable(self, frame: Frame, events: list[ev.Event]) -> None:
        """Nothing of ours, or what can be read after all."""
        data = frame.data.strip()
        if not is_ours(frame.event) or data in (b"", b"[DONE]"):
            return
        try:
            event = decode_again(decode_event, data)
            self._rarer(event.type or frame.event, event, events)
        except UNREADABLE as error:
            failure = bad_reply(frame.data, EXPECTED, error)
            failure.events = tuple(events)
            raise failure from error

    def _rarer(self, kind: str, event: Event, events: list[ev.Event]) -> None:
        items, index = self._items, event.output_index
        match kind:
            case "response.output_text.delta":
                self._text(event, events)
            case "response.function_call_arguments.delta":
                items.argue(index, text_of(event.delta), events)
            case "response.reasoning_summary_text.delta":
                items.think(index, ("summary", event.summary_index), text_of(event.delta), events)
            case "response.reasoning_text.delta":
                items.think(index, ("content", event.content_index), text_of(event.delta), events)
            case "response.refusal.delta":
                items.refuse(index, text_of(event.delta), events)
            case "response.output_item.added" if event.item:
                items.begin(index, event.item, events)
            case "response.output_item.done" if event.item:
                items.end(index, event.item, events)
            case "response.created" | "response.in_progress" if event.response and not self._named:
                self._introduce(event, events)
            case "response.completed" | "response.incomplete" if event.response:
                self._end(kind, event, events)

    def _text(self, event: Event, events: list[ev.Event]) -> None:
        """Text that is not there may still have probabilities: a token that is half of a character."""
        text = text_of(event.delta)
        tokens = logprobs_of({"content": event.logprobs})
        self._items.characters += len(text)
        if text or tokens:
            events.append(ev.TextDelta(text, 0, tokens))

    def _introduce(self, event: Event, events: list[ev.Event]) -> None:
        response = decode_response(event.response)
        if isinstance(response.model, str) and response.model:
            self._named = True
            events.append(ev.ModelReported(response.model, text_of(response.id)))

    def _end(self, kind: str, event: Event, events: list[ev.Event]) -> None:
        """The whole reply: what is new in it is its end, and what came in no frame before."""
        if not self._named:
            self._introduce(event, events)
        response = decode_response(event.response)
        self._items.end_all(response.output or (), events)
        usage = usage_of(response.usage)
        if usage is not None:
            events.append(ev.UsageReported(usage))
        status = kind.removeprefix("response.") if response.status is None else response.status
        finish = None if response.error else finish_of(status, response.incomplete_details, self._items.called)
        if finish is not None:
            events.append(ev.Finished(finish))
