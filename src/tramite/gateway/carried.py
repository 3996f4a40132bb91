"""One dialect's state inside of another's messages, so that a client gives it back and it works again (opaque parts).

A client keeps what its own dialect tells it to keep. So the state of an answer travels as one token in the place where
that dialect has state of its own:

    openai              an entry of `reasoning_details` (OpenRouter's form)
    anthropic           a `redacted_thinking` block
    openai-responses    the `encrypted_content` of a reasoning item
    gemini              the `thoughtSignature` of an empty text part

The token is base64, since Google's SDKs decode it, and begins with the same letters always. Knows no state.
"""

from __future__ import annotations

import base64
import re
import uuid
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from tramite.errors import InvalidCall
from tramite.messages import Message, Opaque

_HEAD = b"tramite:1"
_MARK = base64.b64encode(_HEAD)
_TOKEN = re.compile(_MARK.decode() + "[A-Za-z0-9+/_-]*={0,2}")
_UNSIGNED = (b'"signature":""', b'"signature": ""')
"""Thinking of another dialect's, as we have shown it to a client of Anthropic's; Anthropic would refuse it."""

_pairs = msgspec.json.Decoder(list[tuple[str, str]])
_object = msgspec.json.Decoder(dict[str, msgspec.Raw])


def is_mixed(body: bytes) -> bool:
    """Whether a request's history has what another dialect's target left there: then it must be decoded, and encoded
    anew even for a target of the client's own dialect, which would refuse it. A cheap test."""
    return body.find(_MARK) >= 0 or body.find(_UNSIGNED[0]) >= 0 or body.find(_UNSIGNED[1]) >= 0


def carrier(parts: Sequence[Opaque], dialect: str, thought: str | None) -> Opaque:
    """These parts as one that this dialect's clients give back. `thought` is the thinking that is shown beside them;
    None where it was shown before (a stream's)."""
    pairs = [(part.dialect, part.json) for part in parts]
    token = base64.b64encode(_HEAD + msgspec.json.encode(pairs)).decode()
    return Opaque(dialect, msgspec.json.encode(_PLACES[dialect](token, thought)).decode())


def restored(message: Message) -> Message:
    """The message with the state that it carries for other dialects. Raises InvalidCall for a token that was cut."""
    if isinstance(message.content, str) or message.role != "assistant":
        return message
    content = tuple(found for part in message.content for found in (_opened(part) if _is_carrier(part) else (part,)))
    return message if content == message.content else msgspec.structs.replace(message, content=content)


def _is_carrier(part: object) -> bool:
    return isinstance(part, Opaque) and _MARK.decode() in part.json


def _opened(part: Any) -> list[Opaque]:
    opened: list[Opaque] = []
    for token in _TOKEN.findall(part.json):
        try:
            inside = base64.b64decode(token.replace("-", "+").replace("_", "/"), validate=True)
            for dialect, json in _pairs.decode(inside.removeprefix(_HEAD)):
                _object.decode(json)
                opened.append(Opaque(dialect, json))
        except (ValueError, RecursionError) as error:
            raise InvalidCall(
                "the state of an earlier answer was changed on its way: send it back as it came, or without",
                "messages",
            ) from error
    return opened


def _in_openai(token: str, thought: str | None) -> Any:
    return {"reasoning_details": [{"type": "reasoning.encrypted", "format": "tramite", "index": 0, "data": token}]}


def _in_anthropic(token: str, thought: str | None) -> Any:
    return {"type": "redacted_thinking", "data": token}


def _in_responses(token: str, thought: str | None) -> Any:
    item: dict[str, Any] = {"type": "reasoning", "id": f"rs_{uuid.uuid4().hex}", "encrypted_content": token}
    if thought is not None:
        item["summary"] = [{"type": "summary_text", "text": thought}] if thought else []
    return item


def _in_gemini(token: str, thought: str | None) -> Any:
    return {"parts": [{"text": 0, "thoughtSignature": token}]}


_PLACES: dict[str, Callable[[str, str | None], Any]] = {
    "openai": _in_openai,
    "anthropic": _in_anthropic,
    "openai-responses": _in_responses,
    "gemini": _in_gemini,
}
