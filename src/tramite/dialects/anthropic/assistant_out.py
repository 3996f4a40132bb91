"""The model's own messages as content blocks, in history and in replies: what was state stands where it stood."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
from msgspec import Raw

from tramite.errors import Unsupported
from tramite.messages import Message, Opaque, Part, Reasoning, Refusal, Text, ToolCall

from .state import NAME, State, state_of

Blocks = list[Any]
"""Content blocks: objects of ours, or raw JSON that goes out as it came."""

UNREADABLE_INPUT = "unreadable_arguments"
"""Under this name the arguments of a tool call travel that are no JSON object; an `input` must be one."""


def history_blocks(message: Message, target: object, notices: list[str]) -> Blocks:
    """An earlier answer, for the model to read again.

    Shown thinking is for us to read and is not among them: what the model needs of it is in its state, signed, and
    thinking without a signature is refused. What other dialects have kept is named in `notices`.
    """
    parts: list[Part] = []
    for part in message.parts:
        if isinstance(part, Opaque) and part.dialect != NAME:
            notices.append(f"{target}: state of the {part.dialect} dialect was left out of the history")
        elif isinstance(part, Refusal):
            parts.append(Text(part.text))
        elif isinstance(part, ToolCall):
            if arguments(part) is None:
                notices.append(f"{target}: the arguments of the call of {part.name} are no JSON object: sent as text")
            parts.append(part)
        elif not isinstance(part, Reasoning):
            parts.append(part)
    return blocks_of(parts)


def reply_blocks(message: Message) -> Blocks:
    """An answer, for a client. Thinking that nobody signed (another dialect's) is shown before the rest."""
    own = [part for part in message.parts if not isinstance(part, Opaque) or part.dialect == NAME]
    states = [state_of(part).block for part in own if isinstance(part, Opaque)]
    shown = "" if any(_is_thinking(block) for block in states) else _reasoning(own)
    if not shown:
        return blocks_of(own)
    first = next((n for n, part in enumerate(own) if not isinstance(part, Opaque)), len(own))
    block = msgspec.json.encode({"type": "thinking", "thinking": shown, "signature": ""})
    return blocks_of([*own[:first], Opaque(NAME, block.decode()), *own[first:]])


def _reasoning(parts: Iterable[Part]) -> str:
    return "".join(part.text for part in parts if isinstance(part, Reasoning))


class _Type(msgspec.Struct, gc=False):
    type: str = ""


def _is_thinking(block: Raw) -> bool:
    return bool(block) and msgspec.json.decode(block, type=_Type).type == "thinking"


def blocks_of(parts: Iterable[Part]) -> Blocks:
    """Text, tool calls and our own state as blocks. Raises `Unsupported` for what a model cannot have said."""
    texts: list[str] = []
    calls: list[ToolCall] = []
    states: list[State] = []
    in_place: list[Part | State] = []
    for part in parts:
        match part:
            case Text(text):
                texts.append(text)
                in_place.append(part)
            case ToolCall():
                calls.append(part)
                in_place.append(part)
            case Opaque():
                states.append(state_of(part))
                in_place.append(states[-1])
            case Reasoning() | Refusal():
                pass  # the reply says a refusal elsewhere, and thinking is in the state
            case _:
                kind = type(part).__name__.lower()
                raise Unsupported(f"the anthropic dialect has no {kind} in an assistant's message", kind)
    fields = {state.tool: state.fields for state in states if state.fields}
    if any(state.at is not None for state in states):
        return _by_place("".join(texts), calls, states, fields)
    blocks: Blocks = []
    for piece in in_place:
        if isinstance(piece, State):
            blocks += [piece.block] if piece.block else []
        elif isinstance(piece, ToolCall):
            blocks.append(tool_use(piece, fields))
        elif isinstance(piece, Text) and piece.text:  # an empty block is refused
            blocks.append({"type": "text", "text": piece.text})
    return blocks


def _by_place(text: str, calls: list[ToolCall], states: list[State], fields: dict[str, Any]) -> Blocks:
    """The blocks in the order in which they came; a place past the end is the end."""
    blocks: Blocks = []
    said = asked = 0

    def up_to(characters: int, number: int) -> None:
        nonlocal said, asked
        if text[said:characters]:
            blocks.append({"type": "text", "text": text[said:characters]})
        blocks.extend(tool_use(call, fields) for call in calls[asked:number])
        said, asked = max(said, characters), max(asked, number)

    for state in sorted(states, key=lambda state: state.at or (0, 0)):
        characters, number = state.at or (0, 0)
        if state.block:
            up_to(characters, number)
            blocks.append(state.block)
        elif state.citations and said <= characters and characters + state.length <= len(text):
            up_to(characters, number)
            cited = text[characters : characters + state.length]
            blocks.append({"type": "text", "text": cited, "citations": state.citations})
            said = characters + state.length
    up_to(len(text), len(calls))
    return blocks


def arguments(call: ToolCall) -> Raw | None:
    """What the model wrote, when it is a JSON object."""
    raw = call.raw.strip() or "{}"
    try:
        msgspec.json.decode(raw, type=dict[str, Raw])
    except (msgspec.MsgspecError, RecursionError):
        return None
    return Raw(raw.encode())


def tool_use(call: ToolCall, fields: dict[str, Any]) -> dict[str, Any]:
    """A `tool_use` block."""
    given = arguments(call)
    block: dict[str, Any] = {
        "type": "tool_use",
        "id": call.id,
        "name": call.name,
        "input": {UNREADABLE_INPUT: call.raw} if given is None else given,
    }
    return {**block, **fields[call.id]} if call.id in fields else block
