"""Frames of a Messages stream as events: the client's side. Says nothing of success or failure; the watcher does.

This is a hot path: one typed decode and one event for an ordinary frame.
"""

from __future__ import annotations

from tramite import events as ev
from tramite.dialects.frames import DONE, broken_frame
from tramite.dialects.json_bodies import UNREADABLE, decode_again
from tramite.replies import Usage
from tramite.wire.frames import Frame

from .fields import explanation_of, finish_of, usage_of
from .open_blocks import OpenBlocks
from .shapes import Delta, Event, decode_event, decode_raw_delta

EXPECTED = "an event of the Messages API as a stream's frame"
EVENTS = frozenset(
    (
        *("", "message", "message_start", "message_delta", "message_stop"),
        *("content_block_start", "content_block_delta", "content_block_stop"),
    )
)
"""The names that frames of ours go by; events of other names are not ours to read."""


class Reader:
    """See `dialects.base.StreamReader`."""

    def __init__(self) -> None:
        self._blocks = OpenBlocks()
        self._usage: object = None

    def read(self, frames: list[Frame]) -> list[ev.Event]:
        """The events of these frames, in order. Raises `BadReply` for a frame that cannot be read."""
        events: list[ev.Event] = []
        blocks = self._blocks
        for frame in frames:
            try:
                event = decode_event(frame.data)
                delta = event.delta
                if delta is not None and delta.type == "text_delta" and delta.text:
                    blocks.characters += len(delta.text)
                    events.append(ev.TextDelta(delta.text))
                else:
                    self._rarer(event, frame.data, events)
            except UNREADABLE:
                self._unreadable(frame, events)
        return events

    def _unreadable(self, frame: Frame, events: list[ev.Event]) -> None:
        """Nothing of ours, or what can be read after all."""
        data = frame.data.strip()
        if frame.event not in EVENTS or data in (b"", DONE):
            return
        try:
            decode_again(lambda mended: self._rarer(decode_event(mended), mended, events), data)
        except UNREADABLE as error:
            raise broken_frame(frame.data, events, error, EXPECTED) from error

    def _rarer(self, event: Event, data: bytes, events: list[ev.Event]) -> None:
        match event.type:
            case "content_block_delta" if event.delta is not None:
                self._more(event.index, event.delta, data, events)
            case "content_block_start" if event.content_block:
                self._blocks.begin(event.index, event.content_block, events)
            case "content_block_stop":
                self._blocks.end(event.index, events)
            case "message_start" if event.message is not None:
                model, id = event.message.model, event.message.id
                self._usage = event.message.usage
                if isinstance(model, str):
                    events.append(ev.ModelReported(model, id if isinstance(id, str) else ""))
                self._report(usage_of(None, self._usage), events)
            case "message_delta":
                self._end(event, events)

    def _more(self, index: int, delta: Delta, data: bytes, events: list[ev.Event]) -> None:
        blocks = self._blocks
        if delta.type == "input_json_delta" and index in blocks.calls:
            blocks.argue(index, delta.partial_json or "", events)
        elif delta.text:
            blocks.characters += len(delta.text)
            events.append(ev.TextDelta(delta.text))
        else:
            if delta.thinking:
                events.append(ev.ReasoningDelta(delta.thinking))
            blocks.more(index, decode_raw_delta(data).delta)

    def _end(self, event: Event, events: list[ev.Event]) -> None:
        delta = event.delta
        finish = finish_of(delta.stop_reason) if delta is not None else None
        if delta is not None and finish is not None:
            explanation = explanation_of(delta.stop_details)
            if explanation:
                events.append(ev.RefusalDelta(explanation))
            events.append(ev.Finished(finish))
        self._report(usage_of(event.usage, self._usage), events)

    def _report(self, usage: Usage | None, events: list[ev.Event]) -> None:
        if usage is not None:
            events.append(ev.UsageReported(usage))
