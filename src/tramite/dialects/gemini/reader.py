"""Frames of a Gemini stream as events: the client's side. Says nothing of success or failure; the watcher does.

This is a hot path: one typed decode and one event for an ordinary frame.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from tramite import events as ev
from tramite.dialects.openai.bad_reply import bad_reply
from tramite.dialects.openai.reader import FRAME
from tramite.dialects.openai.shapes import UNREADABLE, decode_again
from tramite.errors import BadReply
from tramite.wire.frames import Frame

from .fields import finish_of, logprobs_of, reason_of, usage_in
from .shapes import Candidate, Chunk, FirstChunk, decode_chunk, decode_first_chunk, raw_part
from .turn import Turn


class Reader:
    """See `dialects.base.StreamReader`."""

    def __init__(self) -> None:
        self._turns: dict[int, Turn] = {}
        self._decode: Any = decode_first_chunk
        self._id = ""

    def read(self, frames: list[Frame]) -> list[ev.Event]:
        """The events of these frames, in order. Raises `BadReply` for a frame that is not JSON."""
        events: list[ev.Event] = []
        for frame in frames:
            try:
                chunk = self._decode(frame.data)
            except UNREADABLE:
                chunk = self._unreadable(frame, events)
                if chunk is None:
                    continue
            if chunk.error or frame.event == "error":
                continue  # the watcher's to report
            if self._decode is decode_first_chunk:
                self._introduce(chunk, events)
            try:
                self._candidates(chunk, frame.data, events)
            except UNREADABLE as error:  # in what was left as it came: a call's arguments, a part of another kind
                raise _broken(frame, events, error) from error
        return events

    def _candidates(self, chunk: Chunk, data: bytes, events: list[ev.Event]) -> None:
        over = not chunk.candidates
        for number, candidate in enumerate(chunk.candidates or ()):
            index = candidate.index if candidate.index.__class__ is int else 0
            turn = self._turns.get(index)
            if turn is None:
                turn = self._turns[index] = Turn(index, self._id)
            parts = candidate.content.parts if candidate.content is not None else None
            if candidate.finish_reason is None and candidate.logprobs_result is None and parts and len(parts) == 1:
                part = parts[0]
                if part.text.__class__ is str and part.text and part.thought is None and part.thought_signature is None:
                    turn.said(part.text)
                    events.append(ev.TextDelta(part.text, index))
                    continue
            over = self._rarer(candidate, number, turn, data, events) or over
        # Counts come with every frame and grow; only those beside a finish, or alone, are worth an event.
        usage = usage_in(chunk.usage_metadata) if over else None
        if usage is not None:
            events.append(ev.UsageReported(usage))

    def _rarer(self, candidate: Candidate, number: int, turn: Turn, data: bytes, events: list[ev.Event]) -> bool:
        """The events of one candidate in one frame; whether it has ended."""
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
            self._decode = decode_chunk
            events.append(ev.ModelReported(model, self._id))

    def _unreadable(self, frame: Frame, events: list[ev.Event]) -> Any:
        """Nothing, or what can be read after all."""
        if not frame.data.strip() or frame.event not in ("", "message"):  # events of other names are not ours to read
            return None
        try:
            return decode_again(self._decode, frame.data)
        except UNREADABLE as error:
            raise _broken(frame, events, error) from error


def _broken(frame: Frame, events: list[ev.Event], error: Exception) -> BadReply:
    failure = bad_reply(frame.data, FRAME, error)
    failure.events = tuple(events)
    return failure
