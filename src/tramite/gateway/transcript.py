"""The text of a stream that passes to its client unread, for a ledger that keeps texts. Changes no frame."""

from __future__ import annotations

from typing import Any

from tramite import events as ev
from tramite.dialects.base import Operation, StreamReader
from tramite.errors import BadReply
from tramite.wire.frames import Frame


class Transcript:
    """What has come of one answer, whoever gave it."""

    def __init__(self, call: Any) -> None:
        self.text: list[str] = []
        self._call = call
        self._reader: StreamReader | None = None

    def follow(self, operation: Operation) -> None:
        """From here on the frames are this operation's."""
        self._reader = operation.reader(self._call)

    def note(self, frames: list[Frame]) -> None:
        """Take these frames in. Never raises: whether the stream is sound is for others to say."""
        if self._reader is None:
            return
        try:
            events = self._reader.read(frames)
        except BadReply as error:
            events, self._reader = list(error.events), None
        self.text += [event.text for event in events if isinstance(event, ev.TextDelta)]
