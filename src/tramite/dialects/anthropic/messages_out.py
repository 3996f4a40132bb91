"""Our messages as Anthropic's `system` and `messages`. Knows no setting and no reply.

The API wants turns: what follows in the same role is one message, tool results open a user's message, and the system's
words stand apart (API reference, Messages; "Handle tool calls").
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

from msgspec import Raw

from tramite.dialects.base import Target
from tramite.errors import Unsupported
from tramite.messages import Image, Message, Opaque, Text

from .abilities import Abilities
from .assistant_out import Blocks, fitting_id, history_blocks
from .state import NAME, state_of

Content = str | Blocks
_SYSTEM = ("system", "developer")
MEDIA_TYPES = ("image/jpeg", "image/png", "image/gif", "image/webp")


class Conversation:
    """The messages on the wire, as they come together."""

    __slots__ = ("_able", "_notices", "_system", "_target", "turns")

    def __init__(self, target: Target, able: Abilities, notices: list[str]) -> None:
        self.turns: list[dict[str, Any]] = []
        self._system: list[str] = []
        self._target = target
        self._able = able
        self._notices = notices

    @property
    def system(self) -> Content | None:
        """The system's words: one text, or several in their order."""
        if len(self._system) < 2:
            return self._system[0] if self._system else None
        return [{"type": "text", "text": text} for text in self._system]

    def take(self, messages: Sequence[Message]) -> None:
        """Take the messages in. What cannot be said is named in the notices; raises `Unsupported`."""
        turns = self.turns
        last = ""
        for position, message in enumerate(messages):
            role, content = message.role, message.content
            if role == "user" or role == "assistant":
                if message.name is not None:
                    self._notices.append(f"{self._target}: messages carry no name there: {message.name!r} was left out")
                said = content if content.__class__ is str else self._blocks(message)
                if role == last:
                    _join(turns[-1], said)
                elif said:  # an empty answer in the history says nothing, and is refused
                    turns.append({"role": role, "content": said})
                    last = role
            elif role == "tool":
                self._result(message)
                last = "user"
            elif last == "system":
                _join(turns[-1], message.text)
            elif self._in_place(messages, position):
                turns.append({"role": "system", "content": message.text})
                last = "system"
            else:
                self._say_above(message)

    def _blocks(self, message: Message) -> Blocks:
        if message.role == "assistant":
            return history_blocks(message, self._target, self._notices)
        return [self._part(part, message.role) for part in message.parts]

    def _result(self, message: Message) -> None:
        """Results go before anything else that the user says in that turn."""
        content: Content = message.content if isinstance(message.content, str) else self._blocks(message)
        id = fitting_id(message.tool_call_id or "")
        result = {"type": "tool_result", "tool_use_id": id, "content": content}
        if not self.turns or self.turns[-1]["role"] != "user":
            self.turns.append({"role": "user", "content": [result]})
            return
        turn = self.turns[-1]
        blocks = turn["content"] = _listed(turn["content"])
        ahead = 0
        while ahead < len(blocks) and isinstance(blocks[ahead], dict) and blocks[ahead]["type"] == "tool_result":
            ahead += 1
        blocks.insert(ahead, result)

    def _in_place(self, messages: Sequence[Message], position: int) -> bool:
        """Newer models take a system message after a user's turn, where the model speaks next."""
        turns = self.turns
        if not self._able.mid_system or not turns or turns[-1]["role"] != "user":
            return False
        roles = (message.role for message in messages[position:])
        return next((role for role in roles if role not in _SYSTEM), "assistant") == "assistant"

    def _say_above(self, message: Message) -> None:
        if self.turns:
            self._notices.append(f"{self._target}: a {message.role} message in mid-conversation was moved to the top")
        self._system.append(message.text)

    def _part(self, part: object, role: str) -> dict[str, Any] | Raw:
        """A part of a message that is not the model's."""
        match part:
            case Text(text):
                return {"type": "text", "text": text}
            case Image() if "images" not in self._target.traits.unsupported:
                return self._image(part)
            case Opaque(dialect) if dialect == NAME:
                block = state_of(part).block
                if block:
                    return block
        kind = type(part).__name__.lower()
        raise Unsupported(f"{self._target} takes no {kind} in a {role} message", "images" if kind == "image" else kind)

    def _image(self, image: Image) -> dict[str, Any]:
        if image.detail not in (None, "auto"):
            self._notices.append(f"{self._target}: images have no detail there: {image.detail!r} was left out")
        if image.url is not None:
            return {"type": "image", "source": {"type": "url", "url": image.url}}
        if image.media_type not in MEDIA_TYPES:
            raise Unsupported(f"{self._target} takes images as JPEG, PNG, GIF or WebP, not {image.media_type}", "image")
        data = base64.b64encode(image.data or b"").decode("ascii")
        return {"type": "image", "source": {"type": "base64", "media_type": image.media_type, "data": data}}


def _listed(content: Content) -> Blocks:
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def _join(turn: dict[str, Any], content: Content) -> None:
    """More of the same turn."""
    if content:
        turn["content"] = [*_listed(turn["content"]), *_listed(content)]
