"""The model's own messages as content blocks, in history and in replies: what was state stands where it stood."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
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

_decode_object = msgspec.json.Decoder(dict[str, Raw]).decode
_PLAIN = frozenset((Text, ToolCall))
_UNFIT = re.compile(r"[^A-Za-z0-9_-]")
_NO_FIELDS: dict[str, Mapping[str, Any]] = {}


def history_blocks(message: Message, target: object, notices: list[str]) -> Blocks:
    """An earlier answer, for the model to read again.

    Shown thinking is for us to read and is not among them: what the model needs of it is in its state, signed, and
    thinking without a signature is refused. What other dialects have kept is named in `notices`.
    """
    blocks = _simple(message.parts)
    if blocks is None:
        kept: list[Part] = []
        for part in message.parts:
            if isinstance(part, Opaque) and part.dialect != NAME:
                notices.append(f"{target}: state of the {part.dialect} dialect was left out of the history")
            elif not isinstance(part, Reasoning):
                kept.append(Text(part.text) if isinstance(part, Refusal) else part)
        blocks = blocks_of(kept)
    for block in blocks:
        if block.__class__ is dict and "input" in block:
            block["id"] = fitting_id(block["id"])
            if block["input"].__class__ is dict:
                notices.append(
                    f"{target}: the arguments of the call of {block['name']} are no JSON object: sent as text"
                )
    return blocks


def fitting_id(id: str) -> str:
    """A tool call's id in the characters that the API takes; other servers' have dots and colons (Kimi's)."""
    return _UNFIT.sub("_", id)


def _simple(parts: Iterable[Part]) -> Blocks | None:
    """The blocks of an answer without state, in its own order; None where there is anything else."""
    blocks: Blocks = []
    for part in parts:
        kind = part.__class__
        if kind is Text or kind is Refusal:
            if part.text:  # type: ignore[union-attr]  # the line above knows; an empty block is refused
                blocks.append({"type": "text", "text": part.text})  # type: ignore[union-attr]  # the same
        elif kind is ToolCall:
            blocks.append(_tool_use(part, _NO_FIELDS))  # type: ignore[arg-type]  # the line above knows
        elif kind is not Reasoning:
            return None
    return blocks


def reply_blocks(message: Message) -> Blocks:
    """An answer, for a client. Thinking that nobody signed (another dialect's) is shown before the rest."""
    content = message.content
    if isinstance(content, str):
        return [{"type": "text", "text": content}] if content else []
    if _PLAIN.issuperset([part.__class__ for part in content]):
        return _simple(content) or []
    own = [part for part in content if not isinstance(part, Opaque) or part.dialect == NAME]
    shown = "".join(part.text for part in own if isinstance(part, Reasoning))
    if not shown or any(_is_thinking(part) for part in own):
        return blocks_of(own)
    first = next((n for n, part in enumerate(own) if not isinstance(part, Opaque)), len(own))
    block = msgspec.json.encode({"type": "thinking", "thinking": shown, "signature": ""})
    return blocks_of([*own[:first], Opaque(NAME, block.decode()), *own[first:]])


def _is_thinking(part: Part) -> bool:
    block = state_of(part).block if isinstance(part, Opaque) else Raw()
    return bool(block) and msgspec.json.decode(block, type=State).type == "thinking"


def blocks_of(parts: Sequence[Part]) -> Blocks:
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
            blocks.append(_tool_use(piece, fields))
        elif isinstance(piece, Text) and piece.text:
            blocks.append({"type": "text", "text": piece.text})
    return blocks


def _by_place(text: str, calls: list[ToolCall], states: list[State], fields: Mapping[str, Mapping[str, Any]]) -> Blocks:
    """The blocks in the order in which they came; a place past the end is the end."""
    blocks: Blocks = []
    said = asked = 0

    def up_to(characters: int, number: int) -> None:
        nonlocal said, asked
        if text[said:characters]:
            blocks.append({"type": "text", "text": text[said:characters]})
        blocks.extend(_tool_use(call, fields) for call in calls[asked:number])
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


def _tool_use(call: ToolCall, fields: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """A `tool_use` block. Arguments that can be read go out as the model wrote them."""
    raw = call.raw.strip() or "{}"
    given: Raw | dict[str, str]
    try:
        _decode_object(raw)
        given = Raw(raw.encode())
    except (msgspec.MsgspecError, RecursionError, UnicodeEncodeError):
        given = {UNREADABLE_INPUT: call.raw}
    block = {"type": "tool_use", "id": call.id, "name": call.name, "input": given}
    return {**block, **fields[call.id]} if call.id in fields else block
