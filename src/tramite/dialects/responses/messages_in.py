"""A request's `instructions` and `input` as ours: the server's side. Strict: what cannot be understood is named.

Items that only this API knows are kept as they are: the model's among its parts, a client's (files, results of tools
of the provider's) in user messages. What refers to something stored is refused, since nothing is.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Raw

from tramite.dialects.json_bodies import UNREADABLE
from tramite.errors import InvalidCall
from tramite.messages import Content, Image, Message, Opaque, Part, Text

from .parts_in import Answer
from .state import NAME

_ROLES = frozenset(("system", "developer", "user", "assistant"))
_MESSAGE = frozenset(("type", "role", "content", "id", "status", "phase"))
_DETAILS = (None, "low", "high", "auto")
_ANSWERS = ("_output", "_response")
"""How the types of those items end that a client has made, beside messages."""


def messages_of(instructions: object, given: object) -> tuple[Message, ...]:
    """The conversation, the instructions first. Raises InvalidCall, which names the place."""
    messages: list[Message] = []
    if instructions is not None and not isinstance(instructions, str):
        raise InvalidCall("instructions must be a string", "instructions")
    if instructions:
        messages.append(Message("system", instructions))
    if isinstance(given, str):
        return (*messages, Message("user", given))
    if not isinstance(given, list):
        raise InvalidCall("input must be a string or a list of items", "input")
    answer: list[dict[str, Any]] = []
    for position, item in enumerate(given):
        where = f"input[{position}]"
        if not isinstance(item, dict):
            raise InvalidCall(f"{where} must be an object", where)
        if _is_answer(item, where):
            answer.append(item)
            continue
        if answer:
            messages.append(_answer(answer))
            answer = []
        messages.append(_asked(item, where))
    return (*messages, _answer(answer)) if answer else tuple(messages)


def _is_answer(item: dict[str, Any], where: str) -> bool:
    """Whether an item is the model's. Checks what must be checked of one that is."""
    kind = item.get("type", "message")
    if not isinstance(kind, str):
        raise InvalidCall(f"{where}.type must be a string", f"{where}.type")
    if kind == "item_reference":
        raise InvalidCall(f"{where} refers to a stored item, and nothing is stored here: send the item itself", where)
    if kind == "function_call":
        for name in ("call_id", "name", "arguments"):
            if not isinstance(item.get(name), str):
                raise InvalidCall(f"{where}.{name} must be a string", f"{where}.{name}")
        return True
    if kind != "message":
        return not kind.endswith(_ANSWERS)
    role = item.get("role")
    if not isinstance(role, str) or role not in _ROLES:
        raise InvalidCall(f"{where}.role must be one of {', '.join(sorted(_ROLES))}, got {role!r}", f"{where}.role")
    for name in item:
        if name not in _MESSAGE:
            raise InvalidCall(f"{where}.{name} is not known", f"{where}.{name}")
    if role == "assistant":
        _check_said(item.get("content"), f"{where}.content")
    return bool(role == "assistant")


def _check_said(content: object, where: str) -> None:
    if isinstance(content, str):
        return
    if not isinstance(content, list):
        raise InvalidCall(f"{where} must be a string or a list of parts", where)
    for number, part in enumerate(content):
        kind = part.get("type") if isinstance(part, dict) else None
        text = part.get("refusal" if kind == "refusal" else "text") if isinstance(part, dict) else None
        if kind not in ("output_text", "refusal") or not isinstance(text, str):
            place = f"{where}[{number}]"
            raise InvalidCall(f"{place} must be of type output_text or refusal, as the model's own words are", place)


def _answer(items: list[dict[str, Any]]) -> Message:
    """An earlier answer, as a reply's reader would have it."""
    answer = Answer()
    try:
        for item in items:
            answer.take(Raw(msgspec.json.encode({"type": "message", **item})))
    except UNREADABLE as error:
        raise InvalidCall(f"an item of an earlier answer cannot be read: {error}", "input") from error
    return Message("assistant", answer.content())


def _asked(item: dict[str, Any], where: str) -> Message:
    """An item that is not the model's."""
    kind = item.get("type", "message")
    if kind == "message":
        return Message(item["role"], _content(item.get("content"), f"{where}.content"))
    if kind != "function_call_output":
        return Message("user", (_kept(item),))
    id = item.get("call_id")
    if not isinstance(id, str) or not id:
        raise InvalidCall(f"{where}.call_id must be a string", f"{where}.call_id")
    return Message("tool", _content(item.get("output"), f"{where}.output"), tool_call_id=id)


def _content(content: object, where: str) -> Content:
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        raise InvalidCall(f"{where} must be a string or a list of parts", where)
    parts = tuple([_part(part, f"{where}[{number}]") for number, part in enumerate(content)])
    texts = [part.text for part in parts if isinstance(part, Text)]
    return "".join(texts) if len(texts) == len(parts) else parts


def _part(part: object, where: str) -> Part:
    """Text and images; anything else that may be put in is this API's alone, and kept as it is."""
    kind = part.get("type") if isinstance(part, dict) else None
    if not isinstance(part, dict) or not isinstance(kind, str) or not kind.startswith("input_"):
        raise InvalidCall(f"{where} must be an object of type input_text, input_image or input_file", where)
    if kind == "input_text" and part.keys() == {"type", "text"}:
        if not isinstance(part["text"], str):
            raise InvalidCall(f"{where}.text must be a string", f"{where}.text")
        return Text(part["text"])
    if kind == "input_image" and _is_image(part):
        return _image(part["image_url"], part.get("detail"), f"{where}.image_url")
    return _kept(part)


def _is_image(part: dict[str, Any]) -> bool:
    """Whether there is nothing about an image that our word for one cannot say."""
    rest = part.keys() - {"type", "image_url", "detail"}
    plain = not any(part[name] is not None for name in rest)
    return plain and isinstance(part.get("image_url"), str) and part.get("detail") in _DETAILS


def _image(url: str, detail: Any, where: str) -> Image:
    try:
        return Image.from_data_url(url, detail) if url.startswith("data:") else Image(url=url, detail=detail)
    except InvalidCall as error:
        raise InvalidCall(f"{where}: {error}", where) from error


def _kept(item: dict[str, Any]) -> Opaque:
    return Opaque(NAME, msgspec.json.encode(item).decode())
