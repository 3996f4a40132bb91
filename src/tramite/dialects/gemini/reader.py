"""Frames of a Gemini stream as events: the client's side. Says nothing of success or failure; the watcher does.

This is a hot path: one typed decode and one event for an ordinary frame.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from tramite import events as ev
from tramite.dialects.frames import broken_frame
from tramite.dialects.json_bodies import UNREADABLE, decode_again
from tramite.wire.frames import Frame

from .fields import finish_of, logprobs_of, reason_of, usage_in
from .shapes import Candidate, Chunk, FirstChunk, decode_chunk, decode_first_chunk, raw_part
from .turn import Turn


class Reader:
    """See `dialects.base.StreamReader`."""

    def __init__(self) -> None:
        self.decode: Any = decode_first_chunk
        self._turns: dict[int, Turn] = {}
        self._id = ""

    @property
    def introduced(self) -> bool:
        """The model's name is known: from here on nobody looks for it."""
        return self.decode is decode_chunk

    def read(self, frames: list[Frame]) -> list[ev.Event]:
        """The events of these frames, in order. Raises `BadReply` for a frame that is not JSON."""
        events: list[ev.Event] = []
        for frame in frames:
            try:
                chunk = self.decode(frame.data)
            except UNREADABLE:
                chunk = self._unreadable(frame, events)
            if chunk is not None and frame.event != "error":
                self.add(chunk, frame, events)
        return events

    def add(self, chunk: Chunk, frame: Frame, events: list[ev.Event]) -> None:
        """The events of one frame that was decoded. Raises `BadReply` for what is broken in it all the same."""
        if chunk.error:
            return  # the watcher's to report
        if isinstance(chunk, FirstChunk):
            self._introduce(chunk, events)
        elif (text := self.text_alone(chunk)) is not None:
            events.append(text)
            return
        try:
            over = not chunk.candidates
            for number, candidate in enumerate(chunk.candidates or ()):
                over = self._candidate(candidate, number, frame.data, events) or over
        except UNREADABLE as error:  # in what was left as it came: a call's arguments, a part of another kind
            raise broken_frame(frame.data, events, error) from error
        # Counts come with every frame and grow; only those beside a finish, or alone, are worth an event.
        usage = usage_in(chunk.usage_metadata) if over else None
        if usage is not None:
            events.append(ev.UsageReported(usage))

    def text_alone(self, chunk: Chunk) -> ev.TextDelta | None:
        """The event of a frame that brings text of one candidate, and counts, and nothing else."""
        candidates = chunk.candidates
        if candidates is None or len(candidates) != 1:
            return None
        candidate = candidates[0]
        parts = candidate.content.parts if candidate.content is not None else None
        if candidate.finish_reason is not None or candidate.logprobs_result is not None or not parts or len(parts) != 1:
            return None
        text, index = parts[0].text, candidate.index
        turn = self._turns.get(index if index.__class__ is int else 0)
        if text.__class__ is not str or not text or turn is None:
            return None
        if parts[0].thought is not None or parts[0].thought_signature is not None or parts[0].function_call is not None:
            return None
        turn.said(text)
        return ev.TextDelta(text, turn.index)

    def _candidate(self, candidate: Candidate, number: int, data: bytes, events: list[ev.Event]) -> bool:
        """The events of one candidate in one frame; whether it has ended."""
        index = candidate.index if candidate.index.__class__ is int else 0
        turn = self._turns.get(index)
        if turn is None:
            turn = self._turns[index] = Turn(index, self._id)
        parts = candidate.content.parts if candidate.content is not None else None
        if parts or candidate.logprobs_result is not None:
            logprobs = () if candidate.logprobs_result is None else logprobs_of(candidate.logprobs_result)
            turn.add(parts or (), partial(raw_part, data, number), events, logprobs)
        reason = reason_of(candidate.finish_reason)
        if reason:
            turn.end(events)
            events.append(ev.Finished(finish_of(reason, turn.called), turn.index))
        return bool(reason)

    def _introduce(self, chunk: FirstChunk, events: list[ev.Event]) -> None:
        model, id = chunk.model_version, chunk.response_id
        self._id = id if isinstance(id, str) else ""
        if isinstance(model, str) and model:
            self.decode = decode_chunk
            events.append(ev.ModelReported(model, self._id))

    def _unreadable(self, frame: Frame, events: list[ev.Event]) -> Any:
        """Nothing, or what can be read after all."""
        if not frame.data.strip() or frame.event not in ("", "message"):  # events of other names are not ours to read
            return None
        try:
            return decode_again(self.decode, frame.data)
        except UNREADABLE as error:
            raise broken_frame(frame.data, events, error) from error
