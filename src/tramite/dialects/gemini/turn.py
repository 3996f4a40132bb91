"""The parts of one candidate as events, and at its end the state that Gemini wants back. Knows no frame."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable

from msgspec import Raw

from tramite import events as ev
from tramite.messages import Image
from tramite.replies import TokenLogprob

from .media import image_in
from .shapes import Call, Part
from .state import Mark, Marker

RawPart = Callable[[int], bytes]
"""The part of this number, as it came."""

_UNSHOWN = "the answer holds an image, which a stream cannot show: ask for a whole reply"


class Turn:
    """One candidate, as far as it has come."""

    __slots__ = ("_marker", "_prefix", "called", "images", "index")

    def __init__(self, index: int, answer_id: str = "") -> None:
        self.called = False
        self.images: list[Image] = []
        self.index = index
        self._marker = Marker()
        # Where the model gives its calls no ids, ours must be the same however often the reply is read.
        self._prefix = f"call_{answer_id or uuid.uuid4().hex[:24]}_{f'{index}_' if index else ''}"

    def said(self, text: str) -> None:
        """More text, of which the reader has made the event itself."""
        self._marker.text += len(text)

    def add(
        self, parts: Iterable[Part], raw: RawPart, events: list[ev.Event], logprobs: tuple[TokenLogprob, ...] = ()
    ) -> None:
        """The events of some more parts. Probabilities go with the first text of them."""
        marker = self._marker
        for number, part in enumerate(parts):
            text = part.text
            if part.function_call is not None:
                self._call(part.function_call, part.thought_signature, events)
            elif text.__class__ is not str:
                self._other(part, raw(number), events)
            elif part.thought:
                marker.thought += len(text)
                if part.thought_signature:
                    marker.note(Mark(thought=len(text), signature=str(part.thought_signature)))
                if text:
                    events.append(ev.ReasoningDelta(text, self.index))
            else:
                marker.text += len(text)
                if part.thought_signature:
                    marker.note(Mark(text=len(text), signature=str(part.thought_signature)))
                if text or logprobs:
                    events.append(ev.TextDelta(text, self.index, logprobs))
                    logprobs = ()
        if logprobs:
            events.append(ev.TextDelta("", self.index, logprobs))

    def end(self, events: list[ev.Event]) -> None:
        """Nothing more comes: hand the state over."""
        opaque = self._marker.take()
        if opaque is not None:
            events.append(ev.OpaqueDelta(opaque, self.index))

    def _call(self, call: Call, signature: object, events: list[ev.Event]) -> None:
        marker = self._marker
        self.called = True
        position = marker.calls
        marker.calls += 1
        id = call.id if call.id and isinstance(call.id, str) else f"{self._prefix}{position}"
        if signature:
            marker.note(Mark(call=id, signature=str(signature)))
        name = call.name if isinstance(call.name, str) else ""
        raw = bytes(call.args)
        events.append(ev.ToolCallDelta(position, id, name, raw.decode() if raw not in _NOTHING else "{}", self.index))

    def _other(self, part: Part, raw: bytes, events: list[ev.Event]) -> None:
        """Code that Google ran, its own tools, an image: they are not ours to show, but must go back as they came."""
        self._marker.note(Mark(part=Raw(raw)))
        image = image_in(raw)
        if image is not None:
            self.images.append(image)
            events.append(ev.Noticed(_UNSHOWN))


_NOTHING = (b"", b"null")
