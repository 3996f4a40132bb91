"""Messages and what they are made of. Knows no wire format; every value is validated where it enters."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

import msgspec
from msgspec import Struct

from .errors import InvalidCall

Role: TypeAlias = Literal["system", "developer", "user", "assistant", "tool"]
ROLES = frozenset(("system", "developer", "user", "assistant", "tool"))


def as_text(value: object, field: str) -> str:
    """A string, and no subclass of it (numpy's, an enum's), which JSON encoders refuse. Raises InvalidCall."""
    if not isinstance(value, str):
        raise InvalidCall(f"{field} must be a string, got {value!r:.80}", field)
    return str.__str__(value)


class Text(Struct, frozen=True, tag="text"):
    """Plain text."""

    text: str

    def __post_init__(self) -> None:
        if type(self.text) is not str:
            msgspec.structs.force_setattr(self, "text", as_text(self.text, "text"))


class Reasoning(Struct, frozen=True, tag="reasoning"):
    """What a reasoning model let us see of its thinking. Not part of `Message.text`."""

    text: str


class Refusal(Struct, frozen=True, tag="refusal"):
    """A refusal in the model's own words (OpenAI sends it apart from the content)."""

    text: str


class Image(Struct, frozen=True, tag="image"):
    """An image: an http(s) address, or bytes with their media type. `detail` is OpenAI's low, high or auto."""

    url: str | None = None
    data: bytes | None = None
    media_type: str | None = None
    detail: Literal["low", "high", "auto"] | None = None

    def __post_init__(self) -> None:
        if (self.url is None) == (self.data is None):
            raise InvalidCall("an image needs either url= or data=, and not both", "image")
        if self.detail not in (None, "low", "high", "auto"):
            raise InvalidCall(f"an image's detail must be low, high or auto, got {self.detail!r}", "image")
        if self.url is not None:
            _check_address(self.url)
            return
        data = _as_bytes(self.data, "an image's")
        msgspec.structs.force_setattr(self, "data", data)
        if self.media_type is None:
            msgspec.structs.force_setattr(self, "media_type", sniff_image(data))
        elif not as_text(self.media_type, "media_type").startswith("image/"):
            raise InvalidCall(f"{self.media_type!r} is not the media type of an image", "image")

    @staticmethod
    def file(path: str | Path, detail: Literal["low", "high", "auto"] | None = None) -> Image:
        """Read an image file. Raises InvalidCall when it cannot be read or is not a PNG, JPEG, GIF or WebP."""
        try:
            data = Path(path).read_bytes()
        except OSError as error:
            raise InvalidCall(f"cannot read the image {str(path)!r}: {error.strerror}", "image") from error
        return Image(data=data, detail=detail)

    @staticmethod
    def from_data_url(url: str, detail: Literal["low", "high", "auto"] | None = None) -> Image:
        """Decode a `data:image/…;base64,…` URL (RFC 2397)."""
        match = _DATA_URL.match(url)
        if match is None:
            raise InvalidCall(f"not a base64 data URL of an image: {url[:60]!r}", "image")
        try:
            data = base64.b64decode(url[match.end() :], validate=True)
        except ValueError as error:
            raise InvalidCall("the image's data URL is not valid base64", "image") from error
        return Image(data=data, media_type=match[1], detail=detail)

    def data_url(self) -> str:
        """The image as one string: its address, or a data URL."""
        if self.url is not None:
            return self.url
        return f"data:{self.media_type};base64,{base64.b64encode(self.data or b'').decode('ascii')}"


_DATA_URL = re.compile(r"data:(image/[a-z0-9.+-]+);base64,")


def sniff_image(data: bytes) -> str:
    """The media type of an image by its first bytes. Raises InvalidCall for any but the four that models take."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    raise InvalidCall("these bytes are not an image: expected PNG, JPEG, GIF or WebP", "image")


def _check_address(url: object) -> None:
    if not isinstance(url, str):
        raise InvalidCall(f"an image's url must be a string, got {type(url).__name__}", "image")
    if not url.startswith(("http://", "https://")):
        how = "; Image.from_data_url(…) takes a data: URL" if url.startswith("data:") else ""
        raise InvalidCall(f"an image's url must start with http:// or https://, got {url[:60]!r}{how}", "image")


def _as_bytes(data: object, whose: str) -> bytes:
    if not isinstance(data, bytes | bytearray | memoryview):
        raise InvalidCall(f"{whose} data must be bytes, got {type(data).__name__}", "data")
    return bytes(data)


class Audio(Struct, frozen=True, tag="audio"):
    """A piece of sound; `format` is what the provider calls it (wav, mp3)."""

    data: bytes
    format: Literal["wav", "mp3"] = "wav"

    def __post_init__(self) -> None:
        msgspec.structs.force_setattr(self, "data", _as_bytes(self.data, "a sound's"))
        if self.format not in ("wav", "mp3"):
            raise InvalidCall(f"a sound's format must be wav or mp3, got {self.format!r}", "format")


class ToolCall(Struct, frozen=True, tag="tool_call"):
    """The model asks for a tool. `arguments` is the decoded object, `raw` what the model wrote."""

    id: str
    name: str
    raw: str = "{}"

    def __post_init__(self) -> None:
        if type(self.raw) is not str:
            msgspec.structs.force_setattr(self, "raw", as_text(self.raw, "raw"))

    @property
    def arguments(self) -> dict[str, Any]:
        """The arguments as an object. Raises ValueError when the model did not write a JSON object."""
        try:
            value = msgspec.json.decode(self.raw or "{}")
        except (ValueError, RecursionError) as error:
            raise ValueError(f"the arguments of {self.name} are not JSON: {self.raw[:200]!r}") from error
        if not isinstance(value, dict):
            raise ValueError(f"the arguments of {self.name} are not a JSON object: {self.raw[:200]!r}")
        return value


class Opaque(Struct, frozen=True, tag="opaque"):
    """State that only one dialect understands and must get back on the next turn, as JSON."""

    dialect: str
    json: str


Part: TypeAlias = Text | Reasoning | Refusal | Image | Audio | ToolCall | Opaque
Content: TypeAlias = str | tuple[Part, ...]
_PIECES = (str, *get_args(Part))


class Message(Struct, frozen=True, omit_defaults=True):
    """One message of a conversation. `tool_call_id` says which call a tool message answers."""

    role: Role
    content: Content = ""
    name: str | None = None
    tool_call_id: str | None = None

    def __post_init__(self) -> None:
        if self.role not in ROLES:
            raise InvalidCall(f"role must be one of {', '.join(sorted(ROLES))}, got {self.role!r}", "role")
        if self.role == "tool" and not self.tool_call_id:
            raise InvalidCall("a tool message needs the tool_call_id of the call it answers", "tool_call_id")
        if type(self.content) is not str:
            msgspec.structs.force_setattr(self, "content", _one_content(self.content))

    @property
    def parts(self) -> tuple[Part, ...]:
        """The content as parts, whatever it was given as."""
        if isinstance(self.content, str):
            return (Text(self.content),) if self.content else ()
        return self.content

    @property
    def text(self) -> str:
        """The text parts, joined."""
        if isinstance(self.content, str):
            return self.content
        return "".join(part.text for part in self.content if isinstance(part, Text))

    @property
    def tool_calls(self) -> list[ToolCall]:
        """The tools that this message asks for."""
        if isinstance(self.content, str):
            return []
        return [part for part in self.content if isinstance(part, ToolCall)]


def _one_content(given: Any) -> Content:
    """The content of a message, however it was given: a string, a part, or several of them."""
    if isinstance(given, _PIECES):
        return as_content((given,))
    if isinstance(given, Mapping | bytes) or not isinstance(given, Iterable):
        raise InvalidCall(f"a message's content is a string or parts, got {type(given).__name__}", "content")
    return as_content(given)


def system(text: str) -> Message:
    """A system message: who the model is to be."""
    return Message("system", text)


def user(*content: str | Part) -> Message:
    """A user's message: text, or text with images and audio."""
    return Message("user", as_content(content))


def assistant(*content: str | Part) -> Message:
    """What the model said on an earlier turn."""
    return Message("assistant", as_content(content))


def tool_result(call: ToolCall | str, text: str) -> Message:
    """The answer to a tool call (the call itself, or its id)."""
    return Message("tool", text, tool_call_id=call if isinstance(call, str) else call.id)


def as_content(pieces: Iterable[str | Part]) -> Content:
    """Strings and parts as the content of one message; a single string stays a string."""
    parts = list(pieces)
    if len(parts) == 1 and isinstance(parts[0], str):
        return as_text(parts[0], "content")
    for part in parts:
        if not isinstance(part, _PIECES):
            raise InvalidCall(f"a message is made of strings and parts, got {type(part).__name__}", "content")
    return tuple([Text(part) if isinstance(part, str) else part for part in parts])


Prompt: TypeAlias = str | Message | Mapping[str, Any] | Sequence[str | Part] | Sequence[Message | Mapping[str, Any]]


def as_messages(prompt: Prompt) -> tuple[Message, ...]:
    """A string, a message, messages, or the parts of one user message, as messages.

    Mappings in OpenAI's form (`{"role": …, "content": "text"}`) are accepted too. Raises InvalidCall.
    """
    if isinstance(prompt, str):
        return (Message("user", prompt),)
    if type(prompt) is list and {type(item) for item in prompt} <= {Message}:
        return tuple(prompt)
    if isinstance(prompt, Message):
        return (prompt,)
    if isinstance(prompt, Mapping):
        return (_from_mapping(prompt),)
    items = _several(prompt)
    if items and all(isinstance(item, _PIECES) for item in items):
        return (user(*items),)
    return tuple([_as_message(item) for item in items])


def _several(given: Any) -> list[Any]:
    if isinstance(given, bytes) or not isinstance(given, Iterable):
        raise _no_messages(given)
    return list(given)


def _as_message(item: object) -> Message:
    if isinstance(item, Message):
        return item
    if isinstance(item, Mapping):
        return _from_mapping(item)
    raise _no_messages(item)


def _no_messages(given: object) -> InvalidCall:
    return InvalidCall(
        f"expected messages, got {type(given).__name__}: use system(…), user(…), assistant(…)",
        "messages",
    )


def _from_mapping(item: Mapping[str, Any]) -> Message:
    unknown = set(item) - {"role", "content", "name", "tool_call_id"}
    if unknown or "role" not in item or not isinstance(item.get("content"), str):
        raise InvalidCall(
            "a message given as a mapping needs role and a string as content; for anything else use system(…), user(…)",
            "messages",
        )
    return Message(**item)


def check_order(messages: Sequence[Message]) -> None:
    """Raise InvalidCall for what no provider accepts: no messages, nothing to answer, an unasked tool result."""
    if not messages:
        raise InvalidCall("messages is empty: there is nothing to answer", "messages")
    asked: set[str] = set()
    for position, message in enumerate(messages):
        if message.role == "assistant":
            asked.update(call.id for call in message.tool_calls)
        elif message.role == "tool":
            if message.tool_call_id not in asked:
                raise InvalidCall(
                    f"message {position} answers the tool call {message.tool_call_id!r}, which no earlier message made",
                    "messages",
                )
        elif not message.content:
            raise InvalidCall(f"message {position} ({message.role}) is empty", "messages")
    if {message.role for message in messages} <= {"system", "developer"}:
        raise InvalidCall("there are only system messages: add a user message to answer", "messages")
