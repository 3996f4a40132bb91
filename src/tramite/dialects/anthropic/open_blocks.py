"""The content blocks of a stream that are still open: tool calls, sources, and state to be handed over at their end."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Raw

from tramite import events as ev

from .parts_in import call_fields, input_of
from .shapes import decode_block
from .state import At, kept_block, kept_citations, kept_fields


class OpenBlocks:
    """What has begun. Blocks are known by the `index` that their frames name."""

    def __init__(self) -> None:
        self.characters = 0
        self.calls: dict[int, int] = {}
        """The tool calls by index, and their positions."""
        self._argued: set[int] = set()
        self._inputs: dict[int, str] = {}
        self._texts: dict[int, tuple[At, list[Any]]] = {}
        self._kept: dict[int, tuple[At, dict[str, Any]]] = {}
        self._written: dict[int, list[str]] = {}

    def begin(self, index: int, raw: Raw, events: list[ev.Event]) -> None:
        """A block begins; what it has already is said. Raises what msgspec raises for one that is none."""
        block, at = decode_block(raw), (self.characters, len(self.calls))
        if block.type == "text":
            self._texts[index] = at, []
            if block.text:
                self.characters += len(block.text)
                events.append(ev.TextDelta(block.text))
        elif block.type == "tool_use":
            self.calls[index] = len(self.calls)
            self._inputs[index] = input_of(block)
            if fields := call_fields(block):
                events.append(ev.OpaqueDelta(kept_fields(block.id or "", fields)))
            events.append(ev.ToolCallDelta(self.calls[index], block.id or "", block.name or ""))
        else:
            if block.thinking:
                events.append(ev.ReasoningDelta(block.thinking))
            self._kept[index] = at, msgspec.json.decode(raw)

    def argue(self, index: int, piece: str, events: list[ev.Event]) -> None:
        """More of a tool call's arguments."""
        if piece:
            self._argued.add(index)
            events.append(ev.ToolCallDelta(self.calls[index], "", "", piece))

    def more(self, index: int, delta: dict[str, Any]) -> None:
        """More of a block that is not text and no call: sources, thinking, signatures, what the future brings."""
        if delta.get("type") == "citations_delta" and index in self._texts:
            self._texts[index][1].append(delta.get("citation"))
        elif index in self._kept:
            if delta.get("type") == "input_json_delta":
                self._written.setdefault(index, []).append(str(delta.get("partial_json", "")))
            else:
                _merge(self._kept[index][1], delta)

    def end(self, index: int, events: list[ev.Event]) -> None:
        """A block is whole: what is to be given back is handed over."""
        if index in self._texts:
            at, citations = self._texts.pop(index)
            if citations:
                part = kept_citations(citations, at, self.characters - at[0])
                events.append(ev.OpaqueDelta(part))
        elif index in self.calls and index not in self._argued:
            events.append(ev.ToolCallDelta(self.calls[index], "", "", self._inputs[index]))
        elif index in self._kept:
            at, block = self._kept.pop(index)
            if "".join(self._written.get(index, ())):
                block["input"] = msgspec.json.decode("".join(self._written.pop(index)))
            if block.get("type") != "thinking" or block.get("signature"):
                events.append(ev.OpaqueDelta(kept_block(block, at)))


def _merge(block: dict[str, Any], delta: dict[str, Any]) -> None:
    """Text grows; a signature, which comes whole, and anything else is set."""
    for name, value in delta.items():
        before = block.get(name)
        grows = isinstance(before, str) and isinstance(value, str) and name != "signature"
        if name != "type":
            block[name] = before + value if grows else value
