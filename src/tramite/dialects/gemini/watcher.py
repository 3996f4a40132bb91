"""How a Gemini stream stands: content, success proof, failure (facts A4, A10). Makes no events.

The proof is a finish reason of every candidate; there is no end marker, and usage may follow alone.
"""

from __future__ import annotations

from tramite.dialects.openai.bad_reply import bad_reply
from tramite.dialects.openai.shapes import UNREADABLE
from tramite.errors import ProviderError
from tramite.replies import Finish, Usage
from tramite.wire.frames import Frame

from .errors_in import blocked, error_in_text, error_inside, no_answer
from .fields import FAILED, finish_of, reason_of, usage_of
from .shapes import Counts, Judged, JudgedCandidate, decode_answer, decode_judged


class TextWatcher:
    """See `dialects.base.Watcher`."""

    __slots__ = ("_called", "_counts", "_finished", "_n", "_usage", "content", "ended", "error", "finish", "proof")

    def __init__(self, n: int) -> None:
        self.content = False
        self.proof = False
        self.ended = False
        self.finish: Finish | None = None
        self.error: ProviderError | None = None
        self._n = max(n, 1)
        self._finished: set[int] = set()
        self._called: set[int] = set()
        self._counts: Counts | None = None
        self._usage: Usage | None = None

    @property
    def usage(self) -> Usage | None:
        """The last counts, which every frame brings and hardly anybody asks for before the end."""
        if self._counts is not None:
            self._usage, self._counts = usage_of(self._counts) or self._usage, None
        return self._usage

    @usage.setter
    def usage(self, usage: Usage | None) -> None:
        self._usage, self._counts = usage, None

    def note(self, frame: Frame) -> None:
        """Take one frame in."""
        data = frame.data
        try:
            judged = decode_judged(data)
        except UNREADABLE as error:
            if frame.event == "error":
                self._fail(error_in_text(data))
            elif data.strip() and frame.event in ("", "message"):  # events of other names are not ours to read
                self._fail(bad_reply(data, "a JSON object as a stream's frame", error))
            return
        if judged.error or frame.event == "error":
            self._fail(error_in_text(data) if frame.event == "error" else _inside(data))
            return
        if judged.usage_metadata is not None:
            self._counts = judged.usage_metadata
        for candidate in judged.candidates or ():
            self._candidate(candidate, judged, data)
        if not judged.candidates and judged.prompt_feedback:
            refusal = blocked(judged.prompt_feedback, data)
            if refusal is not None:
                self._fail(refusal)

    def close(self) -> None:
        """The body has ended, which is Gemini's only end marker."""
        self.ended = True

    def _candidate(self, candidate: JudgedCandidate, judged: Judged, data: bytes) -> None:
        index = candidate.index if self._n > 1 and candidate.index.__class__ is int else 0
        parts = candidate.content.parts if candidate.content is not None else None
        if parts:
            if not self.content:
                self._see(data)
            if any(part.function_call is not None for part in parts):
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

    def _see(self, data: bytes) -> None:
        """Whether a frame holds something that a caller can see: text, thinking, a call."""
        try:
            answer = decode_answer(data)
        except UNREADABLE as error:
            self._fail(bad_reply(data, "a JSON object as a stream's frame", error))
            return
        self.content = any(
            part.text or part.function_call is not None
            for candidate in answer.candidates or ()
            if candidate.content is not None
            for part in candidate.content.parts or ()
        )

    def _fail(self, error: ProviderError) -> None:
        """The first failure counts, and nothing that comes after it proves success."""
        self.error = self.error or error
        self.proof = False


def _inside(data: bytes) -> ProviderError:
    return error_inside(data) or bad_reply(data, "a JSON object as a stream's frame", "an error of no known form")
