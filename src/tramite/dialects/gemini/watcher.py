"""How a Gemini stream stands: content, success proof, failure (facts A4, A10). Makes no events.

The proof is a finish reason of every candidate; there is no end marker, and usage may follow alone. This is a hot path:
as in `openai.watcher`, a frame that surrounds its text with the same bytes as the one before says nothing new.
"""

from __future__ import annotations

from contextlib import suppress

from tramite.dialects.bad_reply import bad_reply
from tramite.dialects.frames import FRAME
from tramite.dialects.json_bodies import UNREADABLE, decoded
from tramite.dialects.stream_state import StreamState
from tramite.replies import Usage
from tramite.wire.frames import Frame

from .errors_in import blocked, error_in_text, error_inside, no_answer
from .fields import FAILED, finish_of, reason_of, usage_in
from .shapes import Candidate, decode_watched


class TextWatcher(StreamState):
    """See `dialects.base.Watcher`."""

    __slots__ = ("_called", "_finished", "_head", "_idle", "_latest", "_middle", "_n", "_size", "_tail", "_usage")

    def __init__(self, n: int) -> None:
        super().__init__()
        self._n = max(n, 1)
        self._finished: set[int] = set()
        self._called: set[int] = set()
        self._usage: Usage | None = None
        self._latest = b""
        self._head: bytes | tuple[()] = ()  # no frame begins with one of no beginnings
        self._size, self._middle, self._tail = 0, b"", b""
        self._idle = 0

    @property
    def usage(self) -> Usage | None:
        """The last counts. Every frame brings some, and hardly anybody asks before the end."""
        if self._latest:
            with suppress(*UNREADABLE):  # a frame that nobody has decoded yet may hold counts that are none
                self._usage = usage_in(decoded(decode_watched, self._latest).usage_metadata) or self._usage
            self._latest = b""
        return self._usage

    @usage.setter
    def usage(self, usage: Usage | None) -> None:
        self._usage, self._latest = usage, b""

    def note(self, frame: Frame) -> None:
        """Take one frame in."""
        data = frame.data
        if data.startswith(self._head):
            end = data.find(b'"', self._size)
            if data.startswith(self._middle, end) and data.endswith(self._tail) and not frame.event:
                self._idle = 0
                self._latest = data
                return
        self._look(frame)

    def close(self) -> None:
        """The body has ended, which is Gemini's only end marker."""
        self.ended = True

    def _look(self, frame: Frame) -> None:
        data = frame.data
        if frame.event == "error":
            self._fail(error_in_text(data))
            return
        try:
            watched = decoded(decode_watched, data)
        except UNREADABLE as error:
            if data.strip() and frame.event in ("", "message"):  # events of other names are not ours to read
                self._fail(bad_reply(data, FRAME, error))
            return
        if watched.error:
            self._fail(error_inside(data) or bad_reply(data, FRAME, "an error of no known form"))
            return
        if watched.usage_metadata:
            self._latest = data
        for candidate in watched.candidates or ():
            self._candidate(candidate, data)
        if watched.candidates:
            self._learn(watched.candidates, data)
        elif watched.prompt_feedback:
            refusal = blocked(watched.prompt_feedback, data)
            if refusal is not None:
                self._fail(refusal)

    def _candidate(self, candidate: Candidate, data: bytes) -> None:
        index = candidate.index if self._n > 1 and isinstance(candidate.index, int) else 0
        for part in (candidate.content.parts if candidate.content is not None else None) or ():
            self.content = self.content or bool(part.text) or part.function_call is not None
            if part.function_call is not None:
                self._called.add(index)
        reason = reason_of(candidate.finish_reason)
        if not reason:
            return
        if reason in FAILED:
            self._fail(no_answer(reason, candidate.finish_message, data))
            return
        self._finished.add(index)
        if self.finish is None or index == 0:
            self.finish = finish_of(reason, index in self._called)
        self.proof = self.error is None and len(self._finished) >= self._n

    def _learn(self, candidates: list[Candidate], data: bytes) -> None:
        """Remember what surrounds this frame's text, if it is one that says nothing but text and counts."""
        parts = candidates[0].content.parts if candidates[0].content is not None else None
        if self._idle > _PATIENCE or len(candidates) != 1 or not parts or len(parts) != 1 or not self.content:
            return
        text = parts[0].text
        if candidates[0].finish_reason is not None or not isinstance(text, str) or not text:
            return
        self._idle += 1
        start = max(data.find(b'"text": "') + 9, data.find(b'"text":"') + 8)
        end = data.find(b'"', start)
        if data[start:end] != text.encode():
            return
        counts = data.find(_COUNTS, end)
        self._head, self._size = data[:start], start
        self._middle = data[end:] if counts < 0 else data[end : counts + len(_COUNTS)]
        self._tail = data[-_END:]


_PATIENCE = 16
"""How often surroundings may be learned that the next frame does not have."""
_COUNTS = b'"usageMetadata"'
_END = 16
"""Bytes of a frame's end that are compared: what lies between is counts, which grow."""
