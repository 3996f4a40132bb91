"""An assistant's message as OpenAI's object, in history and in replies. Knows no target."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from tramite.errors import Unsupported
from tramite.messages import Message, Opaque, Reasoning, Refusal, Text, ToolCall

NAME = "openai"

TOOL_EXTRAS = "tool_calls.extra_content"
"""Under this name an opaque part keeps what belongs to single tool calls (Gemini's thought signatures), by id."""


def assistant_object(message: Message) -> tuple[dict[str, Any], dict[str, Any]]:
    """The message, and apart from it what only some servers take: thinking and state, by the names of their fields.

    Raises `Unsupported` for a part that a model cannot have said here.
    """
    said: dict[str, list[str]] = {"text": [], "refusal": [], "reasoning_content": []}
    calls: list[dict[str, Any]] = []
    beside: dict[str, Any] = {}
    for part in message.parts:
        match part:
            case Text(text):
                said["text"].append(text)
            case ToolCall(id, name, raw):
                function = {"name": name, "arguments": raw}
                calls.append({"id": id, "type": "function", "function": function})
            case Refusal(text):
                said["refusal"].append(text)
            case Reasoning(text):
                said["reasoning_content"].append(text)
            case Opaque(dialect, json):
                beside.update(msgspec.json.decode(json) if dialect == NAME else {})
            case _:
                kind = type(part).__name__.lower()
                raise Unsupported(f"the openai dialect has no {kind} in an assistant's message", kind)
    whole: dict[str, Any] = {"role": "assistant"}
    whole["content"] = "".join(said["text"]) if said["text"] or not (calls or said["refusal"]) else None
    if calls:
        whole["tool_calls"] = calls
    if said["refusal"]:
        whole["refusal"] = "".join(said["refusal"])
    if said["reasoning_content"]:
        beside["reasoning_content"] = "".join(said["reasoning_content"])
    return whole, beside


def put_beside(whole: dict[str, Any], beside: Mapping[str, Any]) -> None:
    """Put thinking and state where they belong."""
    for name, value in beside.items():
        if name == TOOL_EXTRAS:
            for call in whole.get("tool_calls", ()):
                if isinstance(value, dict) and call["id"] in value:  # a client may have put anything there
                    call["extra_content"] = value[call["id"]]
        else:
            whole[name] = value
