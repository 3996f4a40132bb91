"""OpenAI's `messages` as ours: the server's side. Strict: what cannot be understood is named, never skipped."""

from __future__ import annotations

import base64
from typing import Any

import msgspec

from tramite.dialects.json_bodies import objects
from tramite.errors import InvalidCall
from tramite.messages import (
    Audio,
    Content,
    Image,
    Message,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
)

from .assistant_out import NAME
from .parts_in import opaque_of

_KNOWN = frozenset(
    (
        *("role", "content", "name", "tool_call_id", "tool_calls", "refusal", "reasoning_content", "reasoning"),
        *("reasoning_details", "extra_content"),
    )
)
_PART_FIELDS = {
    "text": ("text",),
    "image_url": ("image_url",),
    "input_audio": ("input_audio",),
    "refusal": ("refusal",),
}


def messages_of(items: object) -> tuple[Message, ...]:
    """The messages of a request body. Raises InvalidCall, which names the place."""
    if not isinstance(items, list):
        raise InvalidCall("messages must be a list of messages", "messages")
    return tuple(_message(item, f"messages[{position}]") for position, item in enumerate(items))


def _message(item: object, where: str) -> Message:
    if not isinstance(item, dict):
        raise InvalidCall(f"{where} must be an object with role and content", where)
    role = item.get("role")
    if not isinstance(role, str):
        raise InvalidCall(f"{where}.role must be a string, got {role!r}", f"{where}.role")
    if role == "function" or item.get("function_call"):
        raise InvalidCall(f"{where} uses the old function form: use tool_calls and the role tool", where)
    content = _assistant(item, where) if role == "assistant" else _content(item, where)
    name, answers = _string(item, "name", where), _string(item, "tool_call_id", where)
    try:
        return Message(role, content, name, answers)  # type: ignore[arg-type]  # Message checks the role
    except InvalidCall as error:
        raise InvalidCall(f"{where}: {error}", where) from error


def _content(item: dict[str, Any], where: str) -> Content:
    for name, value in item.items():
        if name not in _KNOWN and value not in (None, [], {}):
            raise InvalidCall(f"{where}.{name} is not known", f"{where}.{name}")
    content = item.get("content")
    if isinstance(content, str):
        return content
    parts = _parts(content, where)
    return "".join(part.text for part in parts if isinstance(part, Text)) if _is_text(parts) else parts


def _is_text(parts: tuple[Part, ...]) -> bool:
    return all(isinstance(part, Text) for part in parts)


def _parts(content: object, where: str) -> tuple[Part, ...]:
    if not isinstance(content, list):
        raise InvalidCall(
            f"{where}.content must be a string or a list of parts, got {content!r:.60}",
            f"{where}.content",
        )
    return tuple(_part(part, f"{where}.content[{number}]") for number, part in enumerate(content))


def _part(part: object, where: str) -> Part:
    kind = part.get("type") if isinstance(part, dict) else None
    fields = _PART_FIELDS.get(kind) if isinstance(kind, str) else None
    if not isinstance(part, dict) or fields is None:
        raise InvalidCall(f"{where}: expected a part of type {', '.join(_PART_FIELDS)}, got {kind!r}", where)
    for name, value in part.items():
        if name != "type" and name not in fields and value is not None:
            raise InvalidCall(f"{where}.{name} is not known", f"{where}.{name}")
    value = part.get(fields[0])
    if kind == "image_url":
        return _image(value, f"{where}.image_url")
    if kind == "input_audio":
        return _audio(value, f"{where}.input_audio")
    if not isinstance(value, str):
        raise InvalidCall(f"{where}.{kind} must be a string, got {value!r:.60}", f"{where}.{kind}")
    return Text(value) if kind == "text" else Refusal(value)


def _image(value: object, where: str) -> Image:
    url = value.get("url") if isinstance(value, dict) else value
    detail = value.get("detail") if isinstance(value, dict) else None
    if not isinstance(url, str):
        raise InvalidCall(f"{where}.url must be a string", f"{where}.url")
    if detail not in (None, "low", "high", "auto"):
        raise InvalidCall(f"{where}.detail must be low, high or auto, got {detail!r}", f"{where}.detail")
    try:
        return Image.from_data_url(url, detail) if url.startswith("data:") else Image(url=url, detail=detail)
    except InvalidCall as error:
        raise InvalidCall(f"{where}.url: {error}", f"{where}.url") from error


def _audio(value: object, where: str) -> Audio:
    data = value.get("data") if isinstance(value, dict) else None
    kind = value.get("format") if isinstance(value, dict) else None
    if not isinstance(data, str) or kind not in ("wav", "mp3"):
        raise InvalidCall(f"{where} needs data (base64) and format (wav or mp3)", where)
    try:
        return Audio(base64.b64decode(data, validate=True), "wav" if kind == "wav" else "mp3")
    except ValueError as error:
        raise InvalidCall(f"{where}.data is not valid base64", f"{where}.data") from error


def _assistant(item: dict[str, Any], where: str) -> Content:
    """The model's own message: state and thinking first, as a reply has them."""
    content = item.get("content")
    said = () if content is None else (Text(content),) if isinstance(content, str) else _parts(content, where)
    calls, extras = _tool_calls(item.get("tool_calls"), f"{where}.tool_calls")
    parts: list[Part] = list(_state(item, extras))
    thought = _string(item, "reasoning_content", where) or _string(item, "reasoning", where)
    if thought:
        parts.append(Reasoning(thought))
    parts += [part for part in said if not (isinstance(part, Text) and not part.text)]
    refusal = _string(item, "refusal", where)
    if refusal:
        parts.append(Refusal(refusal))
    parts += calls
    if _is_text(tuple(parts)):
        return "".join(part.text for part in parts if isinstance(part, Text))
    return tuple(parts)


def _state(item: dict[str, Any], extras: dict[str, Any]) -> list[Opaque]:
    """What a server gave the client to bring back: known names as the replies' side keeps them, others as they are."""
    known = opaque_of(objects(item.get("reasoning_details")), item.get("extra_content"), extras)
    other = {name: value for name, value in item.items() if name not in _KNOWN and value not in (None, [], {})}
    parts = [known] if known else []
    return [*parts, Opaque(NAME, msgspec.json.encode(other).decode())] if other else parts


def _tool_calls(items: object, where: str) -> tuple[list[ToolCall], dict[str, Any]]:
    if items is None:
        return [], {}
    if not isinstance(items, list):
        raise InvalidCall(f"{where} must be a list", where)
    calls: list[ToolCall] = []
    extras: dict[str, Any] = {}
    for number, item in enumerate(items):
        place = f"{where}[{number}]"
        function = item.get("function") if isinstance(item, dict) else None
        if not isinstance(function, dict):
            raise InvalidCall(f"{place} must be an object with id, type 'function' and function", place)
        id, name, raw = item.get("id"), function.get("name"), function.get("arguments")
        if not (isinstance(id, str) and isinstance(name, str) and isinstance(raw, str)):
            raise InvalidCall(f"{place}: id, function.name and function.arguments must be strings", place)
        calls.append(ToolCall(id, name, raw))
        if item.get("extra_content"):
            extras[id] = item["extra_content"]
    return calls, extras


def _string(item: dict[str, Any], name: str, where: str) -> str | None:
    value = item.get(name)
    if value is not None and not isinstance(value, str):
        raise InvalidCall(f"{where}.{name} must be a string, got {value!r:.60}", f"{where}.{name}")
    return value
