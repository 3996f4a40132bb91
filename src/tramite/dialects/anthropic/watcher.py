"""How a Messages stream stands: content, success proof, failure (facts A3, A10). Makes no events.

This is a hot path: once content has come, a frame that adds to a block is known by its name and its closing brace, and
not decoded.
"""

from __future__ import annotations

from tramite.dialects.bad_reply import bad_reply
from tramite.dialects.frames import DONE
from tramite.dialects.json_bodies import UNREADABLE, decoded
from tramite.dialects.stream_state import StreamState
from tramite.wire.frames import Frame

from .errors_in import error_inside
from .fields import finish_of, usage_of
from .reader import EVENTS, EXPECTED
from .shapes import Block, Delta, Noted, decode_noted

_MORE = "content_block_delta"
_UNNAMED = (b'{"type":"content_block_delta"', b'{"type": "content_block_delta"')


class MessageWatcher(StreamState):
    """See `dialects.base.Watcher`. The proof is `message_stop`, after a stop reason."""

    __slots__ = ("_begun",)

    def __init__(self) -> None:
        super().__init__()
        self._begun: object = None

    def note(self, frame: Frame) -> None:
        """Take one frame in."""
        if (
            self.content
            and (frame.event == _MORE or (not frame.event and frame.data.startswith(_UNNAMED)))
            and frame.data.endswith(b"}")
        ):
            return
        self._look(frame)

    def _look(self, frame: Frame) -> None:
        data = frame.data.strip()
        if frame.event == "error":
            self._fail(error_inside(data, required=True))
        elif frame.event in EVENTS and data and data != DONE:
            try:
                self._read(decoded(decode_noted, data), data)
            except UNREADABLE as error:
                self._fail(bad_reply(data, EXPECTED, error))

    def _read(self, noted: Noted, data: bytes) -> None:
        match noted.type:
            case "message_start" if noted.message is not None:
                self._begun = noted.message.usage
                self.usage = usage_of(None, self._begun)
            case "content_block_start" if noted.content_block is not None:
                self.content = self.content or _begins(noted.content_block)
            case "content_block_delta" if noted.delta is not None:
                self.content = self.content or _visible(noted.delta)
            case "message_delta":
                self.usage = usage_of(noted.usage, self._begun) or self.usage
                if noted.delta is not None:
                    self.finish = finish_of(noted.delta.stop_reason) or self.finish
            case "message_stop":
                self.ended = True
                self.proof = self.finish is not None and self.error is None
            case _:
                self._fail(error_inside(data))


def _begins(block: Block) -> bool:
    """A thought that has begun counts: newer models do not show it, and it may take minutes."""
    return block.type in ("thinking", "tool_use") or bool(block.text)


def _visible(delta: Delta) -> bool:
    return bool(delta.text or delta.thinking)
