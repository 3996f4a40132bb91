"""Our messages as Gemini's `systemInstruction` and `contents`. Knows no setting and no reply.

Thoughts that the model has shown are for us to read: Google counts them as input when they come back, and answers the
same without them, so only a target whose row says `echoes = ["thought"]` gets them. Signatures always go back.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Raw

from tramite.dialects.base import Target
from tramite.errors import Unsupported
from tramite.messages import Audio, Image, Message, Opaque, Part, Reasoning, Refusal, Text, ToolCall

from .media import media_part
from .state import NAME, marks_of, wire_parts
from .thinking import checks_signatures

STAND_IN = base64.b64encode(b"skip_thought_signature_validator").decode()
"""In place of a signature, it tells Google to accept a call that another model made
(ai.google.dev/gemini-api/docs/thought-signatures)."""


def contents_of(
    messages: Sequence[Message], target: Target, notices: list[str]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """`contents`, and the parts of `systemInstruction`. Raises `Unsupported`."""
    contents: list[dict[str, Any]] = []
    system: list[dict[str, Any]] = []
    names: dict[str, str] = {}
    results: list[dict[str, Any]] | None = None
    for message in messages:
        role, content = message.role, message.content
        if role == "user":
            said = [{"text": content}] if content.__class__ is str else _user_parts(message, target, notices)
            contents.append({"role": "user", "parts": said})
        elif role == "assistant":
            said = [{"text": content}] if content.__class__ is str else model_parts(message, target, notices)
            contents.append({"role": "model", "parts": said})
            if content.__class__ is not str:
                names.update([(call.id, call.name) for call in message.tool_calls])
        elif role == "tool":
            if results is None:  # the answers to calls that were made together must come together
                results = []
                contents.append({"role": "user", "parts": results})
            results.append(_tool_part(message, names, target, notices))
            continue
        else:
            if contents:
                _notice(notices, f"{target} has one place for what the system says: later words of it were moved there")
            system.append({"text": _only_text(message)})
        results = None
        if message.name is not None:
            _notice(notices, f"{target} has no place for the names of those who speak: they were left out")
    return contents, system


def model_parts(message: Message, target: Target | None, notices: list[str]) -> list[dict[str, Any]]:
    """What the model said, as parts; without a target (a reply of our server's), its thoughts as well."""
    if isinstance(message.content, str):
        return [{"text": message.content}]
    said: dict[type[Part], list[Any]] = {Text: [], Reasoning: [], ToolCall: [], Image: [], Opaque: []}
    for part in message.content:
        if isinstance(part, Refusal):
            _notice(notices, f"{target} has no part for a refusal: it was sent as text")
            said[Text].append(part.text)
        elif isinstance(part, Text | Reasoning):
            said[type(part)].append(part.text)
        elif isinstance(part, Audio):
            raise Unsupported("the gemini dialect has no sound in a model's message", "audio")
        else:
            said[type(part)].append(part)
    for other in sorted({part.dialect for part in said[Opaque] if part.dialect != NAME}):
        _notice(notices, f"{target}: state of the {other} dialect was left out of the history")
    marks = marks_of(said[Opaque])
    think = target is None or "thought" in target.traits.echoes
    parts = [*wire_parts("".join(said[Reasoning]), "".join(said[Text]), said[ToolCall], marks, think)]
    if not any(b'"inlineData"' in bytes(mark.part) for mark in marks):  # else they are there already
        parts += map(media_part, said[Image])
    if target is not None:
        _stand_in(parts, target, notices)
    return parts or [{"text": ""}]


def _stand_in(parts: list[dict[str, Any]], target: Target, notices: list[str]) -> None:
    """Newer models refuse a call without its signature. Of calls made together, the first alone has one."""
    first = next((part for part in parts if "functionCall" in part), None)
    if first is not None and "thoughtSignature" not in first and checks_signatures(target.model):
        first["thoughtSignature"] = STAND_IN
        _notice(notices, f"{target}: a function call that is not of its own making was marked as such")


def _user_parts(message: Message, target: Target, notices: list[str]) -> list[dict[str, Any]]:
    return [_user_part(part, message.role, target, notices) for part in message.parts]


def _user_part(part: Part, role: str, target: Target, notices: list[str]) -> dict[str, Any]:
    if isinstance(part, Text):
        return {"text": part.text}
    if isinstance(part, Image | Audio):
        kind = "images" if isinstance(part, Image) else "audio"
        if kind in target.traits.unsupported:
            raise Unsupported(f"{target} takes no {kind}", kind)
        if isinstance(part, Image) and part.detail not in (None, "auto"):
            _notice(notices, f"{target}: an image's detail has no word here and was left out")
        return media_part(part)
    raise Unsupported(
        f"a {role} message cannot carry {type(part).__name__}: only the model's own messages can", "messages"
    )


def _tool_part(message: Message, names: dict[str, str], target: Target, notices: list[str]) -> dict[str, Any]:
    id = message.tool_call_id or ""
    parts = message.parts
    response: dict[str, Any] = {
        "id": id,
        "name": names.get(id) or message.name or "",
        "response": _response(message.text),
    }
    beside = [part for part in parts if not isinstance(part, Text)]
    if beside:
        response["parts"] = [_user_part(part, "tool", target, notices) for part in beside]
    return {"functionResponse": response}


def _response(text: str) -> Any:
    """A result must be an object: one that is written in JSON goes as it is, everything else under `output`."""
    if text.startswith("{") and text.endswith("}"):
        try:
            found = msgspec.json.decode(text)
        except (msgspec.DecodeError, RecursionError, UnicodeEncodeError):
            found = None
        if isinstance(found, dict) and not is_output(found):
            return Raw(text.encode())
    return {"output": text}


def is_output(response: dict[str, Any]) -> bool:
    """Whether a result is a text under `output`, as we write those that are no objects."""
    return len(response) == 1 and isinstance(response.get("output"), str)


def _only_text(message: Message) -> str:
    if isinstance(message.content, str):
        return message.content
    for part in message.parts:
        if not isinstance(part, Text):
            kind = type(part).__name__
            raise Unsupported(f"a {message.role} message is text in the gemini dialect, not {kind}", "messages")
    return message.text


def _notice(notices: list[str], text: str) -> None:
    if text not in notices:
        notices.append(text)
