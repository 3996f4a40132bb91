"""The choices of a chat's frames as events: text, thinking, refusals, tool calls, state. Knows no frame."""

from __future__ import annotations

from typing import Any

from tramite import events as ev
from tramite.dialects.json_bodies import objects
from tramite.messages import Opaque

from .fields import finish_of, logprobs_of
from .parts_in import (
    detailed_reasoning,
    merge_details,
    new_tool_id,
    opaque_of,
    spoken_reasoning,
    text_and_thinking,
    tool_parts,
)
from .shapes import ChunkChoice, Delta


class ChatChoices:
    """The choices of one stream."""

    def __init__(self) -> None:
        self._pending: dict[int, _Pending] = {}

    def add(self, choice: ChunkChoice, index: int, events: list[ev.Event]) -> None:
        """The events of one choice in one frame. Thinking comes before text, state and finish after."""
        delta = choice.delta
        if delta is not None:
            content = delta.content
            if (
                delta.reasoning_content
                or delta.reasoning
                or delta.tool_calls
                or delta.refusal
                or delta.reasoning_details
                or delta.thinking
                or delta.function_call
                or delta.extra_content
                or content.__class__ is list
            ):
                self._rarer(delta, choice.logprobs, index, events)
            elif choice.logprobs is not None:
                _put_text(content, choice.logprobs, index, events)
            elif content:
                events.append(ev.TextDelta(content, index))
        if choice.finish_reason:
            finish = finish_of(choice.finish_reason)
            if finish is not None:
                self._end(index, events)
                events.append(ev.Finished(finish, index))

    def end(self, events: list[ev.Event]) -> None:
        """Hand over the state of those choices that never got a finish (Snowflake)."""
        for index in self._pending:
            self._end(index, events)

    def _end(self, index: int, events: list[ev.Event]) -> None:
        pending = self._pending.get(index)
        part = pending.take_opaque() if pending is not None else None
        if part is not None:
            events.append(ev.OpaqueDelta(part, index))

    def _rarer(self, delta: Delta, logprobs: object, index: int, events: list[ev.Event]) -> None:
        pending = self._pending.setdefault(index, _Pending())
        text, thinking = text_and_thinking(delta.content)
        thinking = pending.thinking(delta) or thinking
        if thinking:
            events.append(ev.ReasoningDelta(thinking, index))
        _put_text(text, logprobs, index, events)
        if delta.refusal and isinstance(delta.refusal, str):
            events.append(ev.RefusalDelta(delta.refusal, index))
        if delta.tool_calls or delta.function_call:
            pending.tools(delta, index, events)
        merge_details(pending.details, objects(delta.reasoning_details))
        pending.extra = delta.extra_content or pending.extra


def _put_text(text: object, logprobs: object, index: int, events: list[ev.Event]) -> None:
    """Text that is not there may still have probabilities: a token that is half of a character."""
    said = text if isinstance(text, str) else ""
    tokens = logprobs_of(logprobs)
    if said or tokens:
        events.append(ev.TextDelta(said, index, tokens))


class _Pending:
    """What one choice has begun: its tool calls, and state to be handed over at its end."""

    __slots__ = ("details", "extra", "ids", "named", "positions", "spoken", "tool_extras")

    def __init__(self) -> None:
        self.positions: dict[int, int] = {}
        self.ids: dict[int, str] = {}
        self.named: set[int] = set()
        self.details: list[dict[str, Any]] = []
        self.extra: object = None
        self.tool_extras: dict[str, Any] = {}
        self.spoken = False
        """Thinking has come under a name of its own: then its copy in the details is no news."""

    def thinking(self, delta: Delta) -> str:
        """What this delta adds to the visible thinking."""
        said = spoken_reasoning(delta)
        self.spoken = self.spoken or bool(said)
        return said if self.spoken else detailed_reasoning(delta)

    def tools(self, delta: Delta, index: int, events: list[ev.Event]) -> None:
        """The events of a delta's tool calls, whole or in pieces."""
        entries = objects(delta.tool_calls)
        if not entries and isinstance(delta.function_call, dict):
            entries = [{"index": 0, **delta.function_call}]
        for entry in entries:
            id, name, raw = tool_parts(entry)
            position, new = self._place(entry.get("index"), id, name)
            if entry.get("extra_content"):
                self.tool_extras[self.ids[position]] = entry["extra_content"]
            name = "" if position in self.named else name
            if name:
                self.named.add(position)
            if new or name or raw:
                known = self.ids[position] if new else ""
                events.append(ev.ToolCallDelta(position, known, name, raw, index))

    def _place(self, index: object, id: str, name: str) -> tuple[int, bool]:
        """The position of a tool call's piece, and whether it is new.

        Servers without `index` are told apart by id. Those that give every call the index 0 (Ollama, Gemini's OpenAI
        face) send each whole, with an id and a name of its own.
        """
        if isinstance(index, int):
            known = self.positions.get(index)
            if known is not None and not (id and name and self.ids[known] != id):
                return known, False
        elif self.ids and (not id or id in self.ids.values()):
            return next((at for at, mine in self.ids.items() if mine == id), max(self.ids)), False
        next_free = max(self.ids, default=-1) + 1
        position = index if isinstance(index, int) and index not in self.ids else next_free
        self.ids[position] = id or new_tool_id()
        if isinstance(index, int):
            self.positions[index] = position
        return position, True

    def take_opaque(self) -> Opaque | None:
        """The state that has come, once."""
        part = opaque_of(self.details, self.extra, self.tool_extras)
        self.details, self.extra, self.tool_extras = [], None, {}
        return part
