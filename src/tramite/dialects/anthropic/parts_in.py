"""Content blocks as parts of a message: of whole replies, and of an earlier answer that a client sends back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import Raw

from tramite.messages import Content, Opaque, Part, Reasoning, Refusal, Text, ToolCall

from .shapes import Block, decode_block
from .state import kept_block, kept_citations, kept_fields

_NOTHING = (b"", b"null", b"[]")


def content_of(blocks: Sequence[Raw], refusal: str = "") -> Content:
    """The parts of an answer, in the order in which a stream's assembly has them.

    Raises what msgspec raises for a block that is none.
    """
    pieces = Pieces()
    for raw in blocks:
        pieces.take(decode_block(raw), raw)
    return pieces.content(refusal)


class Pieces:
    """An answer coming together, block by block."""

    __slots__ = ("calls", "characters", "opaque", "reasoning", "texts")

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.characters = 0
        self.calls: list[ToolCall] = []
        self.reasoning: list[str] = []
        self.opaque: list[Opaque] = []

    def take(self, block: Block, raw: Raw) -> None:
        """One more block."""
        at = self.characters, len(self.calls)
        if block.type == "text":
            text = block.text or ""
            self.texts.append(text)
            self.characters += len(text)
            if bytes(block.citations) not in _NOTHING:
                self.opaque.append(kept_citations(block.citations, at, len(text)))
        elif block.type == "tool_use":
            self.calls.append(ToolCall(block.id or "", block.name or "", input_of(block)))
            if fields := call_fields(block):
                self.opaque.append(kept_fields(block.id or "", fields))
        else:
            if block.type == "thinking":
                if block.thinking:
                    self.reasoning.append(block.thinking)
                if not block.signature:
                    return  # another dialect's, shown by a server of ours: nobody needs it back
            self.opaque.append(kept_block(raw, at))

    def content(self, refusal: str) -> Content:
        """The parts."""
        text = "".join(self.texts)
        if not (self.opaque or self.reasoning or self.calls or refusal):
            return text
        parts: list[Part] = [*self.opaque]
        if self.reasoning:
            parts.append(Reasoning("".join(self.reasoning)))
        if text:
            parts.append(Text(text))
        if refusal:
            parts.append(Refusal(refusal))
        return (*parts, *self.calls)


def input_of(block: Block) -> str:
    """The arguments of a tool call, as they were written."""
    given = bytes(block.input)
    return "{}" if given in _NOTHING else given.decode()


def call_fields(block: Block) -> dict[str, Any]:
    """What a tool call must bring back: who called it, where that was not the model itself."""
    fields: dict[str, Any] = {}
    if isinstance(block.caller, dict) and block.caller.get("type") != "direct":
        fields["caller"] = block.caller
    if block.toolset_name is not None:
        fields["toolset_name"] = block.toolset_name
    return fields
