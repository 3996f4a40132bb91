"""The model's own messages as items, in history and in replies: what was state stands where it stood."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable
from typing import Any

import msgspec
from msgspec import Raw

from tramite.dialects.openai.fields import logprobs_object
from tramite.errors import Unsupported
from tramite.messages import Message, Opaque, Part, Reasoning, Refusal, Text, ToolCall
from tramite.replies import Choice, TokenLogprob

from .shapes import decode_item
from .state import NAME, At, State, state_of

Items = list[Any]
"""Objects of ours, or raw JSON that goes out as it came."""

MakeMessage = Callable[[str, str, dict[str, Any]], dict[str, Any]]
"""Text, refusal and further fields as a message item."""
MakeCall = Callable[[ToolCall, dict[str, Any]], dict[str, Any]]
"""A tool call and further fields as an item."""


def history_items(message: Message, target: object, notices: list[str]) -> Items:
    """An earlier answer, for the model to read again.

    Shown thinking is for us to read and is not among them: what the model needs of it is in its state. A thought at the
    very end, where an answer was cut off, stays behind too: OpenAI refuses one without what it led to. What other
    dialects have kept is named in `notices`.
    """
    parts: list[Part] = []
    for part in message.parts:
        if isinstance(part, Opaque) and part.dialect != NAME:
            notices.append(f"{target}: state of the {part.dialect} dialect was left out of the history")
        elif not isinstance(part, Reasoning):
            parts.append(part)
    items = _items_of(parts, _past_message, _past_call)
    while items and isinstance(items[-1], Raw) and decode_item(items[-1]).type == "reasoning":
        items.pop()
    return [_without_name(item) if isinstance(item, Raw) else item for item in items]


def _without_name(item: Raw) -> Raw | dict[str, Raw]:
    """An encrypted thought goes back without its id, as messages and calls do: OpenAI refuses one with an id whose
    next item has none ("provided without its required following item"), and takes all of them without.
    """
    read = decode_item(item)
    if read.type != "reasoning" or not read.encrypted_content or read.id is None:
        return item
    fields = msgspec.json.decode(item, type=dict[str, Raw])
    del fields["id"]
    return fields


def reply_items(choice: Choice, status: str) -> Items:
    """An answer, for a client. Thinking that no kept item shows (another dialect's) precedes what was said of it."""
    parts = [part for part in choice.message.parts if not isinstance(part, Opaque) or part.dialect == NAME]
    logprobs = [choice.logprobs]

    def said(text: str, refusal: str, fields: dict[str, Any]) -> dict[str, Any]:
        return message_item(text, refusal, fields, status, logprobs.pop() if logprobs else ())

    items = _items_of(parts, said, call_item)
    if choice.logprobs and logprobs:
        items.append(said("", "", {}))  # tokens that are half of a character have probabilities and no text
    thought = "".join(part.text for part in parts if isinstance(part, Reasoning))
    if thought and not any(shows_thinking(part) for part in parts if isinstance(part, Opaque)):
        ahead = next((number for number, item in enumerate(items) if not isinstance(item, Raw)), len(items))
        items.insert(ahead, thinking_item(thought))
    return items or [said("", "", {})]


def shows_thinking(part: Opaque) -> bool:
    """Whether this state is a thought that can be read in it."""
    raw = state_of(part).item
    if not raw:
        return False
    item = decode_item(raw)
    return item.type == "reasoning" and bool(item.summary or item.content)


def _items_of(parts: Iterable[Part], message: MakeMessage, call: MakeCall) -> Items:
    """Text, refusals, tool calls and our own state as items. Raises `Unsupported` for what a model cannot have said."""
    texts, refusals, calls = _Texts(), [], []
    states: list[tuple[At, State]] = []
    for part in parts:
        match part:
            case Text(text):
                texts.add(text)
            case ToolCall():
                calls.append(part)
            case Opaque():
                state = state_of(part)
                states.append((state.at or (texts.length, len(calls), len(states)), state))
            case Refusal(text):
                refusals.append(text)
            case Reasoning():
                pass
            case _:
                kind = type(part).__name__.lower()
                raise Unsupported(f"the {NAME} dialect has no {kind} in an assistant's message", kind)
    row = _Row("".join(texts.pieces), "".join(refusals), calls, message, call)
    row.fields = {state.call: state.fields for _, state in states if state.fields}
    for at, state in sorted(states, key=lambda placed: placed[0]):
        row.put(at, state)
    return row.rest()


class _Texts:
    def __init__(self) -> None:
        self.pieces: list[str] = []
        self.length = 0

    def add(self, text: str) -> None:
        self.pieces.append(text)
        self.length += len(text)


class _Row:
    """The items in the order in which they came; a place past the end is the end."""

    def __init__(self, text: str, refusal: str, calls: list[ToolCall], message: MakeMessage, call: MakeCall) -> None:
        self.fields: dict[str, dict[str, Any]] = {}
        self._items: Items = []
        self._text, self._refusal, self._calls = text, refusal, calls
        self._message, self._call = message, call
        self._said = self._asked = 0

    def put(self, at: At, state: State) -> None:
        """One piece of state, after what came before it."""
        characters, number, _ = at
        if state.item:
            self._up_to(characters, number)
            self._items.append(state.item)
        elif state.message and self._said <= characters and characters + state.length <= len(self._text):
            self._up_to(characters, number)
            self._say(characters + state.length, state.message)

    def rest(self) -> Items:
        """What comes after all state; a refusal is the last that was said."""
        if self._refusal or self._said < len(self._text):
            self._say(len(self._text), {}, self._refusal)
        self._up_to(0, len(self._calls))
        return self._items

    def _up_to(self, characters: int, number: int) -> None:
        if self._text[self._said : characters]:
            self._say(characters, {})
        for call in self._calls[self._asked : number]:
            self._items.append(self._call(call, self.fields.get(call.id, {})))
        self._asked = max(self._asked, number)

    def _say(self, end: int, fields: dict[str, Any], refusal: str = "") -> None:
        self._items.append(self._message(self._text[self._said : end], refusal, fields))
        self._said = max(self._said, end)


def _past_message(text: str, refusal: str, fields: dict[str, Any]) -> dict[str, Any]:
    content = [{"type": "output_text", "text": text}] if text or not refusal else []
    if refusal:
        content.append({"type": "refusal", "refusal": refusal})
    return {"type": "message", "role": "assistant", "content": content, **fields}


def _past_call(call: ToolCall, fields: dict[str, Any]) -> dict[str, Any]:
    return {"type": "function_call", "call_id": call.id, "name": call.name, "arguments": call.raw, **fields}


def message_item(
    text: str, refusal: str, fields: dict[str, Any], status: str, logprobs: tuple[TokenLogprob, ...] = ()
) -> dict[str, Any]:
    """A message of a reply."""
    content: list[dict[str, Any]] = []
    if text or logprobs or not refusal:
        content.append(text_part(text, logprobs))
    if refusal:
        content.append({"type": "refusal", "refusal": refusal})
    return {**message_head(status), "content": content, **fields}


def message_head(status: str) -> dict[str, Any]:
    """A message of a reply without its content."""
    return {"type": "message", "id": f"msg_{uuid.uuid4().hex}", "status": status, "role": "assistant"}


def text_part(text: str, logprobs: tuple[TokenLogprob, ...] = ()) -> dict[str, Any]:
    """Text in the content of a message."""
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": token_list(logprobs)}


def token_list(logprobs: tuple[TokenLogprob, ...]) -> list[dict[str, Any]]:
    """Log probabilities as a part of the content, or a frame, has them."""
    said = logprobs_object(logprobs)
    return [] if said is None else said["content"]


def call_item(call: ToolCall, fields: dict[str, Any], status: str = "completed") -> dict[str, Any]:
    """A tool call of a reply."""
    return {
        "type": "function_call",
        "id": f"fc_{uuid.uuid4().hex}",
        "call_id": call.id,
        "name": call.name,
        "arguments": call.raw,
        "status": status,
        **fields,
    }


def thinking_item(thought: str, status: str = "completed") -> dict[str, Any]:
    """Thinking that nobody needs back."""
    summary = [{"type": "summary_text", "text": thought}] if thought else []
    return {"type": "reasoning", "id": f"rs_{uuid.uuid4().hex}", "summary": summary, "status": status}
