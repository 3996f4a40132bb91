"""Frames of a Gemini stream as events: the client's side. Says nothing of success or failure; the watcher does.

This is a hot path: one typed decode and one event for an ordinary frame.
"""

from __future__ import annotations

from functools import partial

from tramite import events as ev
from tramite.dialects.openai.bad_reply import bad_reply
from tramite.dialects.openai.shapes import UNREADABLE
from tramite.wire.frames import Frame

from .fields import finish_of, logprobs_of, reason_of, usage_of
from .shapes import Answer, Candidate, decode_answer, raw_part
from .turn import Turn


class Reader:
    """See `dialects.base.StreamReader`."""

    def __init__(self) -> None:
        self._turns: dict[int, Turn] = {}
        self._introduced = False
        self._id = ""

    def read(self, frames: list[Frame]) -> list[ev.Event]:
        """The events of these frames, in order. Raises `BadReply` for a frame that is not JSON."""
        events: list[ev.Event] = []
        for frame in frames:
            try:
                answer = decode_answer(frame.data)
            except UNREADABLE as error:
                _unreadable(frame, error, events)
                continue
            if answer.error or frame.event == "error":
                continue  # the watcher's to report
            if not self._introduced:
                self._introduce(answer, events)
            over = not answer.candidates
            for number, candidate in enumerate(answer.candidates or ()):
                over = self._candidate(candidate, number, frame.data, events) or over
            # Counts come with every frame and grow; only those beside a finish, or alone, are worth an event.
            usage = usage_of(answer.usage_metadata) if over else None
            if usage is not None:
                events.append(ev.UsageReported(usage))
        return events

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
            events.append(ev.Finished(finish_of(reason, turn.called), index))
        return bool(reason)

    def _introduce(self, answer: Answer, events: list[ev.Event]) -> None:
        model, id = answer.model_version, answer.response_id
        self._id = id if isinstance(id, str) else ""
        if isinstance(model, str) and model:
            self._introduced = True
            events.append(ev.ModelReported(model, self._id))


def _unreadable(frame: Frame, error: Exception, events: list[ev.Event]) -> None:
    if frame.data.strip() and frame.event in ("", "message"):  # events of other names are not ours to read
        failure = bad_reply(frame.data, "a JSON object as a stream's frame", error)
        failure.events = tuple(events)
        raise failure from error
