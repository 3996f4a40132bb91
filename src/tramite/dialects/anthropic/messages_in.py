"""Anthropic's `system` and `messages` as ours: the server's side. Strict: what cannot be understood is named.

`cache_control` is read over wherever it stands on a block (`settings_in` keeps a mark of it): it changes what an answer
costs, not the answer.
"""

from __future__ import annotations

import base64
from typing import Any

import msgspec
from msgspec import Raw

from tramite.dialects.json_bodies import UNREADABLE
from tramite.errors import InvalidCall
from tramite.messages import Content, Image, Message, Opaque, Part, Text

from .parts_in import content_of
from .state import NAME

_READ_OVER = frozenset(("type", "cache_control", "citations"))


def messages_of(system: object, items: object) -> tuple[Message, ...]:
    """The conversation, the system's words first. Raises InvalidCall, which names the place."""
    if not isinstance(items, list):
        raise InvalidCall("messages must be a list of messages", "messages")
    messages = _system(system, "system")
    for position, item in enumerate(items):
        messages += _turn(item, f"messages[{position}]")
    return tuple(messages)


def _system(content: object, where: str) -> list[Message]:
    if content is None:
        return []
    blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
    if not isinstance(blocks, list):
        raise InvalidCall(f"{where} must be a string or a list of text blocks", where)
    said = [_text(block, f"{where}[{number}]") for number, block in enumerate(blocks)]
    return [Message("system", text) for text in said if text]


def _turn(item: object, where: str) -> list[Message]:
    if not isinstance(item, dict) or "content" not in item:
        raise InvalidCall(f"{where} must be an object with role and content", where)
    role, content = item.get("role"), item["content"]
    unknown = [name for name in item if name not in ("role", "content")]
    if unknown:
        raise InvalidCall(f"{where}.{unknown[0]} is not known", f"{where}.{unknown[0]}")
    if role == "system":
        return _system(content, f"{where}.content")
    if role not in ("user", "assistant"):
        raise InvalidCall(f"{where}.role must be user, assistant or system, got {role!r}", f"{where}.role")
    if isinstance(content, str):
        return [Message("user" if role == "user" else "assistant", content)]
    if not isinstance(content, list):
        raise InvalidCall(f"{where}.content must be a string or a list of blocks", f"{where}.content")
    if role == "user":
        return _user(content, f"{where}.content")
    return [Message("assistant", _assistant(content, f"{where}.content"))]


def _user(blocks: list[Any], where: str) -> list[Message]:
    """The results of tools are messages of their own, before what the user says."""
    results: list[Message] = []
    said: list[Part] = []
    for number, block in enumerate(blocks):
        place = f"{where}[{number}]"
        if isinstance(block, dict) and block.get("type") == "tool_result":
            results.append(_result(block, place))
        else:
            said.append(_part(block, place))
    return [*results, Message("user", _short(said))] if said else results


def _result(block: dict[str, Any], where: str) -> Message:
    """`is_error` has no word of ours: what went wrong stands in the content."""
    id, content = block.get("tool_use_id"), block.get("content", "")
    if not isinstance(id, str) or not id:
        raise InvalidCall(f"{where}.tool_use_id must be a string", f"{where}.tool_use_id")
    if isinstance(content, str):
        return Message("tool", content, tool_call_id=id)
    if not isinstance(content, list):
        raise InvalidCall(f"{where}.content must be a string or a list of blocks", f"{where}.content")
    parts = [_part(part, f"{where}.content[{number}]") for number, part in enumerate(content)]
    return Message("tool", _short(parts), tool_call_id=id)


def _short(parts: list[Part]) -> Content:
    """One text is a string."""
    return parts[0].text if len(parts) == 1 and isinstance(parts[0], Text) else tuple(parts)


def _part(block: object, where: str) -> Part:
    """Text and images; anything else is Anthropic's alone, and kept as it is."""
    kind = block.get("type") if isinstance(block, dict) else None
    if not isinstance(block, dict) or not isinstance(kind, str):
        raise InvalidCall(f"{where} must be an object with a type", where)
    if kind == "text":
        return Text(_text(block, where))
    if kind == "image" and isinstance(block.get("source"), dict) and block["source"].get("type") in ("base64", "url"):
        return _image(block["source"], f"{where}.source")
    kept = {name: value for name, value in block.items() if name != "cache_control"}
    return Opaque(NAME, msgspec.json.encode(kept).decode())


def _text(block: object, where: str) -> str:
    text = block.get("text") if isinstance(block, dict) and block.get("type") == "text" else None
    if not isinstance(text, str) or not isinstance(block, dict):
        raise InvalidCall(f"{where} must be a text block", where)
    unknown = [name for name in block if name != "text" and name not in _READ_OVER]
    if unknown:
        raise InvalidCall(f"{where}.{unknown[0]} is not known", f"{where}.{unknown[0]}")
    return text


def _image(source: dict[str, Any], where: str) -> Image:
    url, data, media_type = source.get("url"), source.get("data"), source.get("media_type")
    try:
        if source["type"] == "url" and isinstance(url, str):
            return Image(url=url)
        if isinstance(data, str) and isinstance(media_type, str):
            return Image(data=base64.b64decode(data, validate=True), media_type=media_type)
    except ValueError as error:  # InvalidCall is one, and so is what base64 raises
        raise InvalidCall(f"{where}: {error}", where) from error
    raise InvalidCall(f"{where} needs a url, or data (base64) and a media_type", where)


def _assistant(blocks: list[Any], where: str) -> Content:
    """An earlier answer, as a reply's reader would have it."""
    for number, block in enumerate(blocks):
        place = f"{where}[{number}]"
        if not isinstance(block, dict) or not isinstance(block.get("type"), str):
            raise InvalidCall(f"{place} must be an object with a type", place)
        if block["type"] == "tool_use" and not all(isinstance(block.get(name), str) for name in ("id", "name")):
            raise InvalidCall(f"{place}: id and name must be strings", place)
        if block["type"] == "text":
            _text(block, place)
        block.pop("cache_control", None)
    try:
        return content_of([Raw(msgspec.json.encode(block)) for block in blocks])
    except UNREADABLE as error:
        raise InvalidCall(f"{where}: {error}", where) from error
