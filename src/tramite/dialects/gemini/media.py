"""Images and sound as Gemini's parts, both ways: bytes in `inlineData`, addresses in `fileData`. Knows no message.

An address may be any public or signed https one, which Google fetches (blog.google, "Increased file size limits and
expanded inputs support in Gemini API"), or a file's that was uploaded to Google before.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

import msgspec

from tramite.dialects.json_bodies import UNREADABLE
from tramite.errors import InvalidCall
from tramite.messages import Audio, Image

_SOUNDS = {
    **dict.fromkeys(("audio/wav", "audio/x-wav", "audio/wave"), "wav"),
    **dict.fromkeys(("audio/mp3", "audio/mpeg"), "mp3"),
}


def media_part(part: Image | Audio) -> dict[str, Any]:
    """The part on the wire."""
    if isinstance(part, Audio):
        return {"inlineData": _inline(f"audio/{part.format}", part.data)}
    if part.url is None:
        return {"inlineData": _inline(part.media_type or "", part.data or b"")}
    file = {"fileUri": part.url}
    if part.media_type is not None:
        file["mimeType"] = part.media_type
    return {"fileData": file}


def _inline(media_type: str, data: bytes) -> dict[str, str]:
    return {"mimeType": media_type, "data": base64.b64encode(data).decode("ascii")}


def inline_media(fields: Mapping[str, Any], where: str) -> Image | Audio:
    """What `inlineData` holds. Raises `InvalidCall` for what is neither an image nor sound that we have words for."""
    media_type, text = fields.get("mimeType"), fields.get("data")
    if not isinstance(media_type, str) or not isinstance(text, str):
        raise InvalidCall(f"{where} needs mimeType and data (base64)", where)
    try:
        data = base64.b64decode(text.replace("-", "+").replace("_", "/") + "=" * (-len(text) % 4), validate=True)
    except binascii.Error as error:
        raise InvalidCall(f"{where}.data is not valid base64", where) from error
    if media_type.startswith("image/"):
        return Image(data=data, media_type=media_type)
    if media_type in _SOUNDS:
        return Audio(data, "wav" if _SOUNDS[media_type] == "wav" else "mp3")
    raise InvalidCall(f"{where}.mimeType must be an image's, audio/wav or audio/mp3, got {media_type!r:.60}", where)


def file_media(fields: Mapping[str, Any], where: str) -> Image:
    """What `fileData` points to. Raises `InvalidCall` for what is no image."""
    address, media_type = fields.get("fileUri"), fields.get("mimeType")
    if not isinstance(address, str) or not isinstance(media_type, str | None):
        raise InvalidCall(f"{where} needs fileUri, and mimeType as a string", where)
    if media_type is not None and not media_type.startswith("image/"):
        raise InvalidCall(f"{where}.mimeType must be an image's, got {media_type!r:.60}", where)
    try:
        return Image(url=address, media_type=media_type)
    except InvalidCall as error:
        raise InvalidCall(f"{where}.fileUri: {error}", where) from error


def image_in(raw: bytes) -> Image | None:
    """The image that a part of the model's holds, if it holds one."""
    if b'"inlineData"' not in raw:
        return None
    try:
        part: Any = msgspec.json.decode(raw)
        fields = part.get("inlineData") if isinstance(part, dict) else None
        found = inline_media(fields, "inlineData") if isinstance(fields, dict) else None
    except (InvalidCall, *UNREADABLE):
        return None
    return found if isinstance(found, Image) else None
