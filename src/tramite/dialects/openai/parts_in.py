"""Pieces of an answer as OpenAI-compatible servers spell them: content, thinking, tool calls, state."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from tramite.dialects.json_bodies import objects
from tramite.messages import Opaque, ToolCall

from .assistant_out import NAME, TOOL_EXTRAS
from .shapes import Delta


def text_and_thinking(content: object) -> tuple[str, str]:
    """Content that is a string, null, or Mistral's list of parts, some of which are thinking."""
    if isinstance(content, str):
        return content, ""
    text, thinking = [], []
    for part in content if isinstance(content, list) else ():
        if isinstance(part, str):
            text.append(part)
        elif isinstance(part, dict):
            if part.get("type") in ("thinking", "reasoning"):
                thinking.append(_thought(part))
            elif isinstance(part.get("text"), str):
                text.append(part["text"])
    return "".join(text), "".join(thinking)


def _thought(part: Mapping[str, Any]) -> str:
    thought = part.get("thinking", part.get("text"))
    if isinstance(thought, list):
        return "".join(
            piece["text"] for piece in thought if isinstance(piece, dict) and isinstance(piece.get("text"), str)
        )
    return thought if isinstance(thought, str) else ""


def reasoning_of(delta: Delta) -> str:
    """Thinking beside the content; where it has a name of its own, `reasoning_details` repeat it."""
    return spoken_reasoning(delta) or detailed_reasoning(delta)


def spoken_reasoning(delta: Delta) -> str:
    """Servers that send thinking under several names send the same text, so the first counts."""
    for said in (delta.reasoning_content, delta.reasoning, delta.thinking):
        if said and isinstance(said, str):
            return said
    return ""


def detailed_reasoning(delta: Delta) -> str:
    """The text in `reasoning_details` (Snowflake has it there alone)."""
    if not delta.reasoning_details:
        return ""
    return "".join(
        detail[key]
        for detail in objects(delta.reasoning_details)
        for key in ("text", "summary")
        if isinstance(detail.get(key), str)
    )


def tool_parts(entry: Mapping[str, Any]) -> tuple[str, str, str]:
    """Id, name and arguments of a tool call; empty where missing. TGI's arguments are objects, or `parameters`."""
    function = entry.get("function")
    if not isinstance(function, dict):
        function = entry
    arguments = function.get("arguments")
    if arguments is None:
        arguments = function.get("parameters")
    id, name = entry.get("id"), function.get("name")
    return (
        str(id) if id is not None else "",
        name if isinstance(name, str) else "",
        arguments if isinstance(arguments, str) else _as_json(arguments),
    )


def _as_json(arguments: object) -> str:
    return "" if arguments is None else msgspec.json.encode(arguments).decode()


def new_tool_id() -> str:
    """An id for a tool call that came without one: it must be unique in the whole conversation."""
    return f"call_{uuid.uuid4().hex[:24]}"


def tool_calls_of(message: Delta) -> tuple[list[ToolCall], dict[str, Any]]:
    """A whole message's tool calls, and what single ones of them want to get back, by their ids."""
    entries = objects(message.tool_calls)
    if not entries and isinstance(message.function_call, dict) and message.function_call.get("name"):
        entries = [message.function_call]  # OpenAI's form before tools; Snowflake sends an empty one beside them
    calls: list[ToolCall] = []
    extras: dict[str, Any] = {}
    for entry in entries:
        id, name, raw = tool_parts(entry)
        if not id or any(call.id == id for call in calls):
            id = new_tool_id()
        calls.append(ToolCall(id, name, raw or "{}"))
        if entry.get("extra_content"):
            extras[id] = entry["extra_content"]
    return calls, extras


def opaque_of(
    details: list[dict[str, Any]], extra: object = None, tool_extras: Mapping[str, Any] | None = None
) -> Opaque | None:
    """What the model's server wants to get back on the next turn, or None."""
    fields: dict[str, Any] = {}
    if details:
        fields["reasoning_details"] = details
    if isinstance(extra, dict) and extra:
        fields["extra_content"] = extra
    if tool_extras:
        fields[TOOL_EXTRAS] = tool_extras
    return Opaque(NAME, msgspec.json.encode(fields).decode()) if fields else None


def merge_details(whole: list[dict[str, Any]], pieces: Iterable[dict[str, Any]]) -> None:
    """Join the pieces of streamed `reasoning_details`: those of one index and type are one entry, its text in parts."""
    for piece in pieces:
        last = whole[-1] if whole else None
        if last is None or any(last.get(key) != piece.get(key) for key in ("index", "type")):
            whole.append(dict(piece))
            continue
        for key, value in piece.items():
            if key in ("text", "summary") and isinstance(last.get(key), str) and isinstance(value, str):
                last[key] += value
            elif value:
                last[key] = value
