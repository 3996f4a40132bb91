"""One pass over a stream's frames: its events, and how it stands. For an edge that decodes every frame anyway."""

from __future__ import annotations

from tramite.dialects.json_bodies import UNREADABLE
from tramite.errors import BadReply
from tramite.events import Event
from tramite.wire.frames import Frame

from .reader import Reader
from .watcher import TextWatcher


class TextFollower(TextWatcher):
    """Watcher and reader in one: `read` gives the events of the frames that were noted since it was asked last."""

    __slots__ = ("_events", "_reader")

    def __init__(self, n: int) -> None:
        super().__init__(n)
        self._events: list[Event] = []
        self._reader = Reader()

    def note(self, frame: Frame) -> None:
        """Take one frame in, and read it."""
        reader = self._reader
        try:
            chunk = reader.decode(frame.data)
        except UNREADABLE:
            self._look(frame)
            if self.error is None:  # an event of another name, or half an emoji
                self._events += reader.read([frame])
            return
        if self.content and reader.introduced and not frame.event and not chunk.error:
            text = reader.text_alone(chunk)
            if text is not None:
                self._latest = frame.data
                self._events.append(text)
                return
        self._look(frame)
        if self.error is None:
            try:
                reader.add(chunk, frame, self._events)
            except BadReply as error:
                self._fail(error)

    def read(self, frames: list[Frame]) -> list[Event]:
        """The events of these frames, which are those noted since the last call."""
        events, self._events = self._events, []
        return events
