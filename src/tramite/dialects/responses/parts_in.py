"""Items as parts of a message: of whole replies, and of an earlier answer that a client sends back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
from msgspec import Raw

from tramite.dialects.json_bodies import objects
from tramite.dialects.openai.fields import logprobs_of
from tramite.dialects.openai.parts_in import new_tool_id
from tramite.messages import Content, Opaque, Part, Reasoning, Refusal, Text, ToolCall
from tramite.replies import TokenLogprob

from .shapes import Item, decode_item
from .state import kept_fields, kept_item, kept_message

GAP = "\n\n"
"""Between two pieces of thinking: each is a paragraph of its own, and they come without a line's end."""


class Answer:
    """An answer coming together, item by item."""

    __slots__ = ("calls", "characters", "logprobs", "opaque", "others", "refusals", "texts", "thoughts")

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.characters = 0
        self.refusals: list[str] = []
        self.thoughts: list[str] = []
        self.calls: list[ToolCall] = []
        self.others = 0
        self.opaque: list[Opaque] = []
        self.logprobs: list[TokenLogprob] = []

    def take(self, raw: Raw) -> None:
        """One more item. Raises what msgspec raises for one that is no object."""
        item, at = decode_item(raw), (self.characters, len(self.calls), self.others)
        if item.type == "message":
            text, refusal, logprobs = said_in(item.content)
            self.texts.append(text)
            self.characters += len(text)
            self.logprobs += logprobs
            if refusal:
                self.refusals.append(refusal)
            if fields := message_fields(item):
                self.opaque.append(kept_message(fields, at, len(text)))
        elif item.type == "function_call":
            call = ToolCall(call_id(item), text_of(item.name), arguments_of(item) or "{}")
            self.calls.append(call)
            if fields := call_fields(item):
                self.opaque.append(kept_fields(call.id, fields))
        else:
            self.others += 1
            if item.type == "reasoning":
                self.thoughts += thoughts_in(item)
            if is_kept(item):
                self.opaque.append(kept_item(raw, at))

    def content(self) -> Content:
        """The parts, in the order in which a stream's assembly has them."""
        text = "".join(self.texts)
        if not (self.opaque or self.thoughts or self.refusals or self.calls):
            return text
        parts: list[Part] = [*self.opaque]
        if self.thoughts:
            parts.append(Reasoning(joined(self.thoughts)))
        if text:
            parts.append(Text(text))
        if self.refusals:
            parts.append(Refusal("".join(self.refusals)))
        return (*parts, *self.calls)


def said_in(content: object) -> tuple[str, str, tuple[TokenLogprob, ...]]:
    """Text, refusal and log probabilities in a message's content, which a client's history may have as a string."""
    if isinstance(content, str):
        return content, "", ()
    texts, refusals = [], []
    logprobs: tuple[TokenLogprob, ...] = ()
    for part in objects(content):
        if part.get("type") == "refusal":
            refusals.append(text_of(part.get("refusal")))
        else:
            texts.append(text_of(part.get("text")))
            if part.get("logprobs"):
                logprobs += logprobs_of({"content": part["logprobs"]})
    return "".join(texts), "".join(refusals), logprobs


def thoughts_in(item: Item) -> list[str]:
    """The pieces of visible thinking: its summary, and (models with open weights) the thoughts themselves."""
    pieces = [text_of(piece.get("text")) for piece in (*objects(item.summary), *objects(item.content))]
    return [piece for piece in pieces if piece]


def joined(thoughts: Iterable[str]) -> str:
    """Pieces of thinking as one text."""
    whole = ""
    for thought in thoughts:
        whole += gap(whole, thought) + thought
    return whole


def gap(before: object, thought: str) -> str:
    """What belongs between this piece of thinking and what was thought before it."""
    return GAP if before and not thought.startswith(GAP) else ""


def is_kept(item: Item) -> bool:
    """Whether an item that is neither message nor call is to be given back.

    A thought that is neither encrypted nor open is a reference to what the server has stored, and we have it store
    nothing: then it cannot be found.
    """
    return item.type != "reasoning" or bool(item.encrypted_content or item.content)


def message_fields(item: Item) -> dict[str, Any]:
    """What must be said again of a message: its phase (API reference, output message, `phase`)."""
    return {"phase": item.phase} if item.phase else {}


def call_fields(item: Item) -> dict[str, Any]:
    """What a tool call must bring back: the namespace it was found in, who called it, where not the model itself."""
    fields: dict[str, Any] = {}
    if item.namespace:
        fields["namespace"] = item.namespace
    if isinstance(item.caller, dict) and item.caller.get("type") != "direct":
        fields["caller"] = item.caller
    if item.later:
        fields["async"] = item.later
    return fields


def call_id(item: Item) -> str:
    """What the answer to a tool call must name."""
    return text_of(item.call_id) or text_of(item.id) or new_tool_id()


def arguments_of(item: Item) -> str:
    """A tool call's arguments as JSON; empty where there are none yet."""
    given = item.arguments
    if isinstance(given, str) or given is None:
        return given or ""
    return msgspec.json.encode(given).decode()


def text_of(value: object) -> str:
    """A string, or nothing."""
    return value if isinstance(value, str) else ""
