"""Gemini's `systemInstruction` and `contents` as our messages: the server's side.

Strict: what is not known is named, never skipped.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from msgspec import Struct

from tramite import events as ev
from tramite.assembly import Assembler
from tramite.dialects.json_bodies import UNREADABLE
from tramite.errors import InvalidCall
from tramite.messages import Audio, Content, Image, Message, Part, Text

from . import shapes
from .asked import Fields
from .media import file_media, inline_media
from .messages_out import is_output
from .turn import Turn

_decode_part = msgspec.json.Decoder(shapes.Part).decode


class _TextPart(Struct, forbid_unknown_fields=True, gc=False):
    text: str


class _TextContent(Struct, forbid_unknown_fields=True, gc=False):
    parts: list[_TextPart]
    role: Literal["user", "model"] = "user"


_decode_texts = msgspec.json.Decoder(list[_TextContent]).decode
"""For conversations of nothing but text, which most are: they are read at once."""


def messages_of(body: Fields) -> tuple[Message, ...]:
    """The messages of a request body. Raises `InvalidCall`, which names the place."""
    messages: list[Message] = []
    system = body.object("systemInstruction")
    if system is not None:
        messages += [Message("system", _text(part)) for part in system.objects("parts")]
    if "contents" not in body:
        raise InvalidCall("contents is missing", "contents")
    try:
        texts = _decode_texts(body.peek("contents"))
    except UNREADABLE:
        messages += _contents(body.objects("contents"))
    else:
        body.raw("contents")
        messages += [_spoken(content) for content in texts]
    return tuple(messages)


def _spoken(content: _TextContent) -> Message:
    parts = content.parts
    if len(parts) == 1:
        return Message("user" if content.role == "user" else "assistant", parts[0].text)
    if content.role == "model":
        return Message("assistant", "".join([part.text for part in parts]))
    return Message("user", tuple([Text(part.text) for part in parts]))


def _contents(contents: list[Fields]) -> list[Message]:
    messages: list[Message] = []
    unanswered: list[tuple[str, str]] = []
    for number, content in enumerate(contents):
        role = content.take("role", str) or "user"
        parts = content.objects("parts")
        if role == "model":
            messages.append(_model(parts, number))
            unanswered += [(call.name, call.id) for call in messages[-1].tool_calls]
        elif role in ("user", "function"):
            messages += _user(parts, unanswered)
        else:
            raise InvalidCall(f"{content.where}.role must be user or model, got {role!r}", content.place("role"))
    return messages


def _text(part: Fields) -> str:
    text = part.take("text", str)
    if text is None:
        raise InvalidCall(f"{part.where} must have a text", part.where)
    return text


def _model(parts: list[Fields], number: int) -> Message:
    """What the model is said to have said. Its calls need ids: those without get the same ones in every turn."""
    turn, assembler = Turn(0, str(number)), Assembler()
    events: list[ev.Event] = []
    images: list[Image] = []
    for part in parts:
        raw = part.again()
        if "inlineData" in part and "thoughtSignature" not in part:
            images.append(_image(part))
            continue
        try:
            shape = _decode_part(raw)
        except msgspec.MsgspecError as error:
            raise InvalidCall(f"{part.where}: {error}", part.where) from error
        if shape.function_call is not None and not isinstance(shape.function_call.name, str):
            raise InvalidCall(f"{part.where}.functionCall needs a name", part.where)
        turn.add((shape,), lambda _, raw=raw: raw, events)  # type: ignore[misc]  # mypy cannot type a default
    turn.end(events)
    assembler.feed(events)
    message = assembler.reply().message
    return Message("assistant", (*message.parts, *images)) if images else message


def _image(part: Fields) -> Image:
    media = _media(part)
    if not isinstance(media, Image):
        raise InvalidCall(f"{part.where}: a model's message holds no sound", part.where)
    return media


def _user(parts: list[Fields], unanswered: list[tuple[str, str]]) -> list[Message]:
    """The results in it first, each as a message of its own, then the rest as one."""
    messages = [_result(part.object("functionResponse"), unanswered) for part in parts if "functionResponse" in part]
    said = tuple(_part(part) for part in parts if part.left())
    if said or not messages:
        content: Content = said[0].text if len(said) == 1 and isinstance(said[0], Text) else said
        messages.append(Message("user", content))
    return messages


def _part(part: Fields) -> Part:
    text = part.take("text", str)
    if text is not None:
        return Text(text)
    found = _media(part)
    rest = [name for name in part.left() if name not in ("thoughtSignature", "partMetadata", "mediaResolution")]
    if rest:
        raise InvalidCall(f"{part.place(rest[0])} is not known", part.place(rest[0]))
    return found


def _media(part: Fields) -> Image | Audio:
    for name, read in (("inlineData", inline_media), ("fileData", file_media)):
        fields = part.object(name)
        if fields is not None:
            return read(fields.left(), fields.where)
    raise InvalidCall(f"{part.where} must have text, inlineData, fileData or functionResponse", part.where)


def _result(fields: Fields | None, unanswered: list[tuple[str, str]]) -> Message:
    """A tool's message. A result without an id answers the first call of its name that is still open."""
    if fields is None:
        raise InvalidCall("a functionResponse is empty", "contents")
    name = fields.take("name", str) or ""
    id = fields.take("id", str) or next((id for called, id in unanswered if called == name), "")
    if not id:
        raise InvalidCall(f"{fields.where} answers {name!r}, which no earlier content called", fields.where)
    unanswered[:] = [entry for entry in unanswered if entry[1] != id]
    text = _result_text(fields)
    media = tuple(_media(part) for part in fields.objects("parts"))
    content: Content = (Text(text), *media) if media else text
    return Message("tool", content, tool_call_id=id)


def _result_text(fields: Fields) -> str:
    raw = fields.raw("response") or b"{}"
    response: Any = msgspec.json.decode(raw)
    if not isinstance(response, dict):
        raise InvalidCall(f"{fields.place('response')} must be an object", fields.place("response"))
    output = response.get("output")
    return output if isinstance(output, str) and is_output(response) else raw.decode()
