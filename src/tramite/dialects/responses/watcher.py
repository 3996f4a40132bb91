"""How a Responses stream stands: content, success proof, failure (facts A10). Makes no events.

The proof is `response.completed`, and `response.incomplete` where it tells a reason that we know: that is an end of the
model's own, as the finish reason `length` of a chat is. `[DONE]`, which some servers send, ends and proves nothing.

This is a hot path: once content has come, a frame that adds to it is known by its name and its closing brace, and not
decoded.
"""

from __future__ import annotations

import msgspec
from msgspec import Raw

from tramite.dialects.bad_reply import bad_reply
from tramite.dialects.failure_shapes import error_in_text
from tramite.dialects.json_bodies import UNREADABLE, decode_again
from tramite.dialects.openai.fields import usage_of
from tramite.errors import ProviderError
from tramite.replies import Finish, Usage
from tramite.wire.frames import Frame

from .errors_in import error_of, not_finished
from .fields import finish_of
from .parts_in import said_in, thoughts_in
from .reader import EXPECTED, is_ours
from .shapes import Judged, Noted, decode_item, decode_judged, decode_noted

_MORE = frozenset(
    (
        "response.output_text.delta",
        "response.reasoning_summary_text.delta",
        "response.reasoning_text.delta",
        "response.refusal.delta",
        "response.function_call_arguments.delta",
    )
)
_UNNAMED = tuple(b'{"type":%s"%b"' % (space, name.encode()) for name in sorted(_MORE) for space in (b"", b" "))


class ResponseWatcher:
    """See `dialects.base.Watcher`. Thinking that cannot be seen yet is no content: it may still be tried again."""

    __slots__ = ("_called", "content", "ended", "error", "finish", "proof", "usage")

    def __init__(self) -> None:
        self.content = False
        self.proof = False
        self.ended = False
        self.finish: Finish | None = None
        self.usage: Usage | None = None
        self.error: ProviderError | None = None
        self._called = False

    def note(self, frame: Frame) -> None:
        """Take one frame in."""
        if (
            self.content
            and (frame.event in _MORE or (not frame.event and frame.data.startswith(_UNNAMED)))
            and frame.data.endswith(b"}")
        ):
            return
        self._look(frame)

    def close(self) -> None:
        """The body has ended; there is nothing that only the end decides."""

    def _look(self, frame: Frame) -> None:
        data = frame.data.strip()
        if data == b"[DONE]":
            self.ended = True
        elif data and (frame.event == "error" or is_ours(frame.event)):
            try:
                self._read(_noted(data), data, frame.event)
            except UNREADABLE as error:
                self._fail(error_in_text(data) if frame.event == "error" else bad_reply(data, EXPECTED, error))

    def _read(self, noted: Noted, data: bytes, name: str) -> None:
        kind = noted.type or name
        if name == "error" or kind == "error" or (noted.error and not noted.type):
            self._fail(error_of(noted.error or msgspec.json.decode(data), data))
        elif kind in _MORE:
            self.content = self.content or bool(noted.delta)
        elif kind in ("response.output_item.added", "response.output_item.done") and noted.item:
            self._note_item(noted.item)
        elif kind in ("response.completed", "response.incomplete", "response.failed"):
            self._end(kind.removeprefix("response."), noted.response, data)

    def _note_item(self, raw: Raw) -> None:
        """A call is seen when it begins; text and thinking that come without deltas when they are whole."""
        item = decode_item(raw)
        self._called = self._called or item.type == "function_call"
        if not self.content:
            seen = item.type == "message" and any(said_in(item.content)[:2])
            self.content = self._called or seen or (item.type == "reasoning" and bool(thoughts_in(item)))

    def _end(self, status: str, raw: Raw, data: bytes) -> None:
        self.ended = True
        response = decode_judged(raw) if raw else Judged()
        self.usage = usage_of(response.usage) or self.usage
        called = self._called or any(item.type == "function_call" for item in response.output or ())
        named = status if response.status is None else response.status
        finish = None if response.error else finish_of(named, response.incomplete_details, called)
        if finish is None or status == "failed":
            ending = status if status == "failed" else named
            self._fail(not_finished(ending, response.error, response.incomplete_details, data))
        elif self.error is None:
            self.finish, self.proof = finish, True

    def _fail(self, error: ProviderError) -> None:
        """The first failure counts, and nothing that comes after it proves success."""
        self.error = self.error or error
        self.proof = False


def _noted(data: bytes) -> Noted:
    try:
        return decode_noted(data)
    except UNREADABLE:
        return decode_again(decode_noted, data)
