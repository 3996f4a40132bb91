"""The items of a stream as they come: what was said of each, and state to be handed over at its end."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Raw

from tramite import events as ev

from .parts_in import (
    arguments_of,
    call_fields,
    call_id,
    gap,
    is_kept,
    joined,
    message_fields,
    said_in,
    text_of,
    thoughts_in,
)
from .shapes import Item, decode_item
from .state import At, kept_fields, kept_item, kept_message


class OpenItems:
    """What has begun, by the `output_index` that frames name.

    Deltas come first and whole items at their end; servers that send no deltas send whole items alone, and what those
    have beyond the deltas is said then.
    """

    def __init__(self) -> None:
        self.characters = 0
        self._begun: dict[int, tuple[object, At]] = {}
        """The types of the items by index, and their places."""
        self._ended: dict[int, object] = {}
        self._others = 0
        self._calls: dict[int, int] = {}
        """The tool calls by index, and their positions."""
        self._argued: set[int] = set()
        self._refused: set[int] = set()
        self._thought: tuple[object, ...] = ()
        """The piece of thinking that came last."""
        self._thinkers: set[int] = set()

    def begin(self, index: int, raw: Raw, events: list[ev.Event]) -> None:
        """An item begins. Raises what msgspec raises for one that is no object."""
        self._begin(index, decode_item(raw), events)

    def _begin(self, index: int, item: Item, events: list[ev.Event]) -> None:
        begun = self._begun.get(index)
        if begun is not None and begun[0] == item.type:
            return
        self._begun[index] = item.type, (self.characters, len(self._calls), self._others)
        if item.type == "function_call":
            self._calls[index] = len(self._calls)
            events.append(ev.ToolCallDelta(self._calls[index], call_id(item), text_of(item.name)))
        elif item.type != "message":
            self._others += 1

    def argue(self, index: int, piece: str, events: list[ev.Event]) -> None:
        """More of a tool call's arguments."""
        if index in self._calls and piece:
            self._argued.add(index)
            events.append(ev.ToolCallDelta(self._calls[index], "", "", piece))

    def refuse(self, index: int, piece: str, events: list[ev.Event]) -> None:
        """More of a refusal."""
        if piece:
            self._refused.add(index)
            events.append(ev.RefusalDelta(piece))

    def think(self, index: int, place: Sequence[object], piece: str, events: list[ev.Event]) -> None:
        """More of the visible thinking: of which item, and which piece of it."""
        if not piece:
            return
        thought = (index, *place)
        if thought != self._thought:
            piece = gap(self._thought, piece) + piece
            self._thought = thought
            self._thinkers.add(index)
        events.append(ev.ReasoningDelta(piece))

    def end(self, index: int, raw: Raw, events: list[ev.Event]) -> None:
        """An item is whole. Raises what msgspec raises for one that is no object."""
        item = decode_item(raw)
        self._begin(index, item, events)
        kind, at = self._begun[index]
        if index in self._ended and self._ended[index] == kind:
            return
        self._ended[index] = kind
        if item.type == "message":
            self._end_message(index, item, at, events)
        elif item.type == "function_call":
            if index not in self._argued:
                events.append(ev.ToolCallDelta(self._calls[index], "", "", arguments_of(item) or "{}"))
            if fields := call_fields(item):
                events.append(ev.OpaqueDelta(kept_fields(call_id(item), fields)))
        else:
            if item.type == "reasoning" and index not in self._thinkers:
                self.think(index, ("whole",), joined(thoughts_in(item)), events)
            if is_kept(item):
                events.append(ev.OpaqueDelta(kept_item(raw, at)))

    def end_all(self, output: Sequence[Raw], events: list[ev.Event]) -> None:
        """The answer is whole: what never ended on its own ends now, and what was never sent in pieces is said.

        OpenAI has left out the ends of items that began together (lists of MCP servers' tools).
        """
        nothing_came = not self._begun
        for index, raw in enumerate(output):
            begun = self._begun.get(index)
            if nothing_came or (begun is not None and begun[0] == decode_item(raw).type):
                self.end(index, raw, events)

    @property
    def called(self) -> bool:
        """Whether the model asks for a tool."""
        return bool(self._calls)

    def _end_message(self, index: int, item: Item, at: At, events: list[ev.Event]) -> None:
        text, refusal, logprobs = said_in(item.content)
        said = self.characters - at[0]
        if len(text) > said:
            self.characters += len(text) - said
            events.append(ev.TextDelta(text[said:], 0, logprobs if not said else ()))
        if index not in self._refused:
            self.refuse(index, refusal, events)
        if fields := message_fields(item):
            events.append(ev.OpaqueDelta(kept_message(fields, at, self.characters - at[0])))
