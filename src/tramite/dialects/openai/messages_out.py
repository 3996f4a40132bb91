"""Our messages as OpenAI's `messages`. Knows no setting and no reply."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

from tramite.dialects.base import Target
from tramite.errors import Unsupported
from tramite.messages import Audio, Image, Message, Opaque, Text

from .assistant_out import NAME, assistant_object, put_beside


def messages_list(messages: Sequence[Message], target: Target, notices: list[str]) -> list[dict[str, Any]]:
    """The messages on the wire. What the target cannot take back is named in `notices`; raises `Unsupported`."""
    developer = "developer" if target.traits.developer_role else "system"
    wire = []
    for message in messages:
        content, role = message.content, message.role
        # `developer` is OpenAI's newer word for `system`; elsewhere the old one means the same, so no notice.
        item: dict[str, Any]
        if isinstance(content, str):
            item = {"role": developer if role == "developer" else role, "content": content}
        elif role == "assistant":
            item = _assistant(message, target, notices)
        else:
            item = {"role": developer if role == "developer" else role, "content": _parts(message, target)}
        if message.name is not None:
            item["name"] = message.name
        if message.tool_call_id is not None:
            item["tool_call_id"] = message.tool_call_id
        wire.append(item)
    return wire


def _parts(message: Message, target: Target) -> str | list[dict[str, Any]]:
    """Content of a message that is not the model's: a string where it is text only, since every server takes that."""
    parts = message.parts
    if all(isinstance(part, Text) for part in parts):
        return message.text
    return [_part(part, message.role, target) for part in parts]


def _part(part: object, role: str, target: Target) -> dict[str, Any]:
    match part:
        case Text(text):
            return {"type": "text", "text": text}
        case Image() if "images" not in target.traits.unsupported:
            image = {"url": part.data_url()}
            if part.detail is not None:
                image["detail"] = part.detail
            return {"type": "image_url", "image_url": image}
        case Audio(data, format) if "audio" not in target.traits.unsupported:
            sound = base64.b64encode(data).decode("ascii")
            return {"type": "input_audio", "input_audio": {"data": sound, "format": format}}
        case Image() | Audio():
            kind = "images" if isinstance(part, Image) else "audio"
            raise Unsupported(f"{target} takes no {kind}", kind)
        case _:
            kind = type(part).__name__
            raise Unsupported(f"a {role} message cannot carry {kind}: only the model's own messages can", "messages")


def _assistant(message: Message, target: Target, notices: list[str]) -> dict[str, Any]:
    """A message of the model's, with what this target wants to get back of its own; a strict one rejects the rest.

    Shown thinking is for us to read: servers of this dialect ignore or reject it in history, so leaving it out changes
    nothing and is no notice. The few that want it back (DeepSeek, between tool calls) say so in their traits.
    """
    item, beside = assistant_object(message)
    echoes = target.traits.echoes
    for name in [name for name in beside if name not in echoes]:
        del beside[name]
        if name != "reasoning_content":
            notices.append(f"{target}: {name} of an earlier answer was not sent back: it does not take it")
    put_beside(item, beside)
    notices.extend(
        f"{target}: state of the {part.dialect} dialect was left out of the history"
        for part in message.parts
        if isinstance(part, Opaque) and part.dialect != NAME
    )
    return item
