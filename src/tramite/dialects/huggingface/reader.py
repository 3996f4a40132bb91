"""Frames of a streamed generation as events: the client's side. Says nothing of success or failure; the watcher does.

This is a hot path: one typed decode and one event for an ordinary frame.
"""

from __future__ import annotations

from typing import Any

from tramite import events as ev
from tramite.calls import CompletionCall
from tramite.dialects.frames import DONE, broken_frame
from tramite.dialects.json_bodies import UNREADABLE, decode_again
from tramite.wire.frames import Frame

from .cutting import Cutter, trimmed
from .fields import finish_of, logprob, usage_of
from .shapes import decode_frame, decode_rated_frame


class GenerationReader:
    """See `dialects.base.StreamReader`. What a stream that breaks off had come to of a stop sequence is not given out:
    it may be one."""

    def __init__(self, call: CompletionCall) -> None:
        self._call = call
        self._rated = call.logprobs is not None
        self._decode: Any = decode_rated_frame if self._rated else decode_frame
        self._cutter = Cutter("" if call.echo else call.prompt, call.stop)
        self._begun = False

    def read(self, frames: list[Frame]) -> list[ev.Event]:
        """The events of these frames, in order. Raises `BadReply` for a frame that is not JSON."""
        events: list[ev.Event] = []
        feed = self._cutter.feed
        for frame in frames:
            try:
                shape = self._decode(frame.data)
            except UNREADABLE:
                shape = self._unreadable(frame, events)
            if shape is None or shape.error or shape.error_type:
                continue  # the watcher's to report
            token = shape.token
            if token is not None and token.special is not True and token.text.__class__ is str:
                if token.text and not self._begun:
                    self._begin(events)
                text = feed(token.text)
                if self._rated:  # a token that is held back still had its probability
                    events.append(ev.TextDelta(text, 0, (logprob(token, shape.top_tokens),)))
                elif text:
                    events.append(ev.TextDelta(text))
            if shape.generated_text is not None:
                self._end(shape, events)
        return events

    def _begin(self, events: list[ev.Event]) -> None:
        self._begun = True
        if self._call.echo:
            events.append(ev.TextDelta(self._call.prompt))

    def _end(self, shape: Any, events: list[ev.Event]) -> None:
        """The last frame: what was held back, all of the text where it did not come in tokens, finish and usage."""
        if not isinstance(shape.generated_text, str):
            return
        text = self._cutter.end() if self._begun else trimmed(shape.generated_text, self._call)
        if text:
            events.append(ev.TextDelta(text))
        events.append(ev.Finished(finish_of(shape.details)))
        usage = usage_of(shape.details)
        if usage is not None:
            events.append(ev.UsageReported(usage))

    def _unreadable(self, frame: Frame, events: list[ev.Event]) -> Any:
        """The end, nothing, or what can be read after all."""
        data = frame.data.strip()
        if data in (DONE, b"") or frame.event not in ("", "message"):  # events of other names are not ours to read
            return None
        try:
            return decode_again(self._decode, data)
        except UNREADABLE as error:
            raise broken_frame(data, events, error) from error
