"""Frames of a streamed generation as events: the client's side. Says nothing of success or failure; the watcher does.

This is a hot path: one typed decode and one event for an ordinary frame.
"""

from __future__ import annotations

from typing import Any

from tramite import events as ev
from tramite.calls import CompletionCall
from tramite.dialects.openai.bad_reply import bad_reply
from tramite.dialects.openai.reader import DONE, FRAME
from tramite.dialects.openai.shapes import UNREADABLE, decode_again
from tramite.replies import TokenLogprob
from tramite.wire.frames import Frame

from .cutting import Cutter, trimmed
from .fields import finish_of, logprob, text_of, usage_of
from .shapes import decode_frame, decode_rated_frame


class GenerationReader:
    """See `dialects.base.StreamReader`. What a stream that breaks off had come to of a stop sequence is not given out:
    it may be one."""

    def __init__(self, call: CompletionCall) -> None:
        self._call = call
        self._rated = call.logprobs is not None
        self._decode: Any = decode_rated_frame if self._rated else decode_frame
        self._cutter = Cutter("" if call.echo else call.prompt, call.stop)
        self._echo = call.prompt if call.echo else ""
        self._said = False

    def read(self, frames: list[Frame]) -> list[ev.Event]:
        """The events of these frames, in order. Raises `BadReply` for a frame that is not JSON."""
        events: list[ev.Event] = []
        for frame in frames:
            try:
                shape = self._decode(frame.data)
            except UNREADABLE:
                shape = self._unreadable(frame, events)
            if shape is None or shape.error or shape.error_type:
                continue  # the watcher's to report
            if self._echo:
                events.append(ev.TextDelta(self._echo))
                self._echo = ""
            token = shape.token
            if token is not None and token.special is not True and token.text.__class__ is str:
                self._said = self._said or bool(token.text)
                logprobs = (logprob(token, shape.top_tokens),) if self._rated else ()
                self._say(self._cutter.feed(token.text), events, logprobs)
            if shape.generated_text.__class__ is str:
                self._end(shape, events)
        return events

    def _say(self, text: str, events: list[ev.Event], logprobs: tuple[TokenLogprob, ...] = ()) -> None:
        """A token that is held back still had its probability."""
        if text or logprobs:
            events.append(ev.TextDelta(text, 0, logprobs))

    def _end(self, shape: Any, events: list[ev.Event]) -> None:
        """The last frame: what was held back, all of the text where it did not come in tokens, finish and usage."""
        self._say(self._cutter.end(), events)
        if not self._said:
            whole = trimmed(text_of(shape.generated_text), self._call)
            self._say(whole.removeprefix(self._call.prompt) if self._call.echo else whole, events)
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
            failure = bad_reply(data, FRAME, error)
            failure.events = tuple(events)
            raise failure from error
