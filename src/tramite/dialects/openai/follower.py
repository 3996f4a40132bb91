"""One pass over a stream's frames: its events, and how it stands. For an edge that decodes every frame anyway."""

from __future__ import annotations

from tramite.dialects.json_bodies import UNREADABLE
from tramite.events import Event, TextDelta
from tramite.wire.frames import Frame

from .reader import Choices, Reader
from .shapes import Chunk, Delta
from .watcher import TextWatcher

_SILENT = Delta()


class TextFollower(TextWatcher):
    """See `dialects.base.Follower`. This is the client's hot path: an ordinary frame is decoded, and that is all."""

    __slots__ = ("_events", "_reader", "_under_way")

    def __init__(self, n: int, choices: Choices) -> None:
        super().__init__(n)
        self._events: list[Event] = []
        self._reader = Reader(n, choices)
        self._under_way = False

    def note(self, frame: Frame) -> None:
        """Take one frame in, and read it."""
        try:
            chunk = self._reader.decode(frame.data)
        except UNREADABLE:
            self._look(frame)
            if self.error is None:  # the end, an event of another name, or half an emoji
                self._events += self._reader.read([frame])
            return
        if self._under_way and not frame.event and (text := _text_alone(chunk)):
            self._events.append(TextDelta(text))
            return
        super().note(frame)
        if self.error is None:
            self._reader.add(chunk, self._events)
            self._under_way = self.content and self._n == 1 and self._reader.introduced

    def read(self, frames: list[Frame]) -> list[Event]:
        """The events of these frames, which are those noted since the last call."""
        events, self._events = self._events, []
        return events


def _text_alone(chunk: Chunk) -> str | None:
    """The text of a frame that says nothing else."""
    choices = chunk.choices
    if not choices or len(choices) > 1 or chunk.usage is not None or chunk.error or chunk.x_groq is not None:
        return None
    choice = choices[0]
    delta = choice.delta
    if delta is None or choice.finish_reason is not None or choice.logprobs is not None or choice.error:
        return None
    text = delta.content
    if text.__class__ is not str:
        return None
    delta.content = None
    if delta == _SILENT:
        return text
    delta.content = text
    return None
