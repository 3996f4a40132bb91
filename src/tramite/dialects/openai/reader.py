"""Frames of an OpenAI stream as events: the client's side. Says nothing of success or failure; the watcher does.

This is a hot path: one typed decode and one event for an ordinary frame.
"""

from __future__ import annotations

from typing import Any, Protocol

from tramite import events as ev
from tramite.dialects.frames import DONE, broken_frame
from tramite.dialects.json_bodies import UNREADABLE, decode_again
from tramite.wire.frames import Frame

from .fields import usage_of
from .shapes import ChunkChoice, FirstChunk, decode_chunk, decode_first_chunk


class Choices(Protocol):
    """What an operation makes of the choices in a frame."""

    def add(self, choice: ChunkChoice, index: int, events: list[ev.Event]) -> None: ...

    def end(self, events: list[ev.Event]) -> None:
        """Nothing more comes: hand over what was kept back."""
        ...


class Reader:
    """The frames around the choices."""

    def __init__(self, n: int, choices: Choices) -> None:
        self.decode: Any = decode_first_chunk
        self._many = n > 1
        self._choices = choices

    @property
    def introduced(self) -> bool:
        """The model's name is known: from here on nobody looks for it."""
        return self.decode is decode_chunk

    def read(self, frames: list[Frame]) -> list[ev.Event]:
        """The events of these frames, in order. Raises `BadReply` for a frame that is not JSON."""
        events: list[ev.Event] = []
        for frame in frames:
            try:
                chunk = self.decode(frame.data)
            except UNREADABLE:
                chunk = self._unreadable(frame, events)
            if chunk is not None and frame.event != "error":
                self.add(chunk, events)
        return events

    def add(self, chunk: Any, events: list[ev.Event]) -> None:
        """The events of one frame that was decoded."""
        if chunk.error:
            return  # the watcher's to report
        if self.decode is decode_first_chunk:
            self._introduce(chunk, events)
        many = self._many
        for choice in chunk.choices or ():
            # Old TGI numbers `index` by token: with one choice it is not worth reading.
            self._choices.add(choice, choice.index if many and choice.index.__class__ is int else 0, events)
        if chunk.usage is not None or chunk.x_groq is not None:
            self._usage(chunk, events)

    def _usage(self, chunk: Any, events: list[ev.Event]) -> None:
        usage = usage_of(chunk.usage, chunk.x_groq)
        if usage is None:
            return
        if not chunk.choices:
            self._choices.end(events)
        events.append(ev.UsageReported(usage))

    def _unreadable(self, frame: Frame, events: list[ev.Event]) -> Any:
        """The end, nothing, or what can be read after all."""
        data = frame.data.strip()
        if data == DONE:
            self._choices.end(events)
        if data in (DONE, b"") or frame.event not in ("", "message"):  # events of other names are not ours to read
            return None
        try:
            return decode_again(self.decode, data)
        except UNREADABLE as error:
            raise broken_frame(data, events, error) from error

    def _introduce(self, chunk: FirstChunk, events: list[ev.Event]) -> None:
        if not isinstance(chunk.model, str) or not chunk.model:
            return  # Azure's first frame has no model yet
        id, fingerprint = chunk.id, chunk.system_fingerprint
        events.append(
            ev.ModelReported(
                chunk.model,
                id if isinstance(id, str) else "",
                fingerprint if isinstance(fingerprint, str) and fingerprint else None,
            )
        )
        self.decode = decode_chunk
