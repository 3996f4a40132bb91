"""Our messages as the `input` of a request. Knows no setting and no reply.

System and developer messages stay where they are, under their own roles, and `instructions` is not used: it can say one
text in one place, and some servers of this API do not take it. Whoever wants it has `extra`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tramite.dialects.base import Target
from tramite.errors import Unsupported
from tramite.messages import Image, Message, Opaque, Text

from .items_out import Items, history_items
from .state import NAME, state_of


def input_items(messages: Sequence[Message], target: Target, notices: list[str]) -> Items:
    """The messages on the wire. What cannot be said is named in `notices`; raises `Unsupported`."""
    items: Items = []
    for message in messages:
        role, content = message.role, message.content
        if message.name is not None:
            notices.append(f"{target}: messages carry no name there: {message.name!r} was left out")
        if role == "tool":
            output = content if isinstance(content, str) else [_part(part, role, target) for part in content]
            items.append({"type": "function_call_output", "call_id": message.tool_call_id, "output": output})
        elif isinstance(content, str):
            if content or role != "assistant":  # an empty answer in the history says nothing
                items.append({"role": role, "content": content})
        elif role == "assistant":
            items += history_items(message, target, notices)
        else:
            items += _spoken(message, target)
    return items


def _spoken(message: Message, target: Target) -> Items:
    """A message that is not the model's, and the items that a client had put into its history at this place."""
    items: Items = []
    content: list[Any] = []
    for part in message.parts:
        if isinstance(part, Opaque) and part.dialect == NAME and not state_of(part).type.startswith("input_"):
            if content:
                items.append({"role": message.role, "content": content})
                content = []
            items.append(state_of(part).item)
        else:
            content.append(_part(part, message.role, target))
    return [*items, {"role": message.role, "content": content}] if content else items


def _part(part: object, role: str, target: Target) -> Any:
    match part:
        case Text(text):
            return {"type": "input_text", "text": text}
        case Image() if "images" not in target.traits.unsupported:
            image = {"type": "input_image", "image_url": part.data_url()}
            if part.detail is not None:
                image["detail"] = part.detail
            return image
        case Opaque(dialect) if dialect == NAME:
            return state_of(part).item
    kind = type(part).__name__.lower()
    raise Unsupported(f"{target} takes no {kind} in a {role} message", "images" if kind == "image" else kind)
