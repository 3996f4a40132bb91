"""How a streamed generation stands: content, success proof, failure (facts A5, A10). Makes no events.

This is a hot path: once text has come, a frame that says `"generated_text":null` is one more token and nothing else. In
JSON a quote inside of a string is escaped, so that no model's text can look like it.
"""

from __future__ import annotations

import msgspec

from tramite.dialects.bad_reply import bad_reply
from tramite.dialects.failure_shapes import error_in_text, error_inside
from tramite.dialects.frames import DONE, FRAME
from tramite.dialects.json_bodies import UNREADABLE, decoded
from tramite.dialects.stream_state import StreamState
from tramite.wire.frames import Frame

from .fields import finish_of, usage_of
from .shapes import Frame as Shape
from .shapes import decode_frame

_ONE_MORE = b'"generated_text":null'


class GenerationWatcher(StreamState):
    """See `dialects.base.Watcher`."""

    __slots__ = ()

    def note(self, frame: Frame) -> None:
        """Take one frame in."""
        if self.content and _ONE_MORE in frame.data and b'"error"' not in frame.data and not frame.event:
            return
        data = frame.data.strip()
        if data == DONE:
            self.ended = True
        elif frame.event == "error":
            self._fail(error_in_text(data))
        elif data:
            try:
                self._read(decoded(decode_frame, data), data)
            except UNREADABLE as error:
                if frame.event in ("", "message"):  # events of other names are not ours to read
                    self._fail(bad_reply(data, FRAME, error))

    def _read(self, shape: Shape, data: bytes) -> None:
        if shape.error or shape.error_type:
            self._fail(error_inside(msgspec.json.decode(data), data, required=True))
            return
        token, text = shape.token, shape.generated_text
        if token is not None and token.special is not True and token.text and isinstance(token.text, str):
            self.content = True
        if isinstance(text, str):
            self.content = self.content or bool(text)
            self.usage = usage_of(shape.details)
            self.finish = finish_of(shape.details)
            self.proof = self.error is None
            self.ended = True
