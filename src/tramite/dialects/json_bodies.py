"""JSON bodies of any dialect: reading and writing them, and values of the kind that is wanted. Knows no field."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from tramite.errors import InvalidCall

UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What decoding a body that is not the JSON we expect can raise; the last one for nesting without end."""

T = TypeVar("T")

_ESCAPE = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}(\\u[dD][c-fC-F][0-9a-fA-F]{2})?|\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\."
)


def decoded(decode: Callable[[bytes], T], body: bytes) -> T:
    """Decode, once more without half characters where it could not be. Raises what decoding raises (`UNREADABLE`)."""
    try:
        return decode(body)
    except UNREADABLE:
        return decode_again(decode, body)


def decode_again(decode: Callable[[bytes], T], data: bytes) -> T:
    """Decode what could not be, with each lone half of a UTF-16 pair replaced by U+FFFD; raises what `decode` raises.

    Servers that cut text between two UTF-16 units (JavaScript's do) escape each half of an emoji alone. No decoder
    of UTF-8 can take that; it is no reason to lose the answer.
    """
    return decode(_ESCAPE.sub(_mend, data))


def _mend(escape: re.Match[bytes]) -> bytes:
    """A lone half is six bytes; a pair is twelve, and of any other escape only two are matched."""
    return b"\\ufffd" if len(escape[0]) == 6 else escape[0]


def encode_json(body: object) -> bytes:
    """JSON bytes. Raises `InvalidCall` for what JSON cannot hold."""
    try:
        return msgspec.json.encode(body)
    except UnicodeEncodeError as error:
        raise InvalidCall(
            f"the call holds broken Unicode (half of a surrogate pair): {error.object[error.start - 20 : error.end]!r}"
        ) from error
    except (TypeError, ValueError, msgspec.MsgspecError, RecursionError) as error:
        raise InvalidCall(f"the call cannot be written as JSON: {error}") from error


def objects(value: object) -> list[dict[str, Any]]:
    """The objects of a list; none of anything else."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def text_of(value: object) -> str:
    """The text; empty for anything else."""
    return value if isinstance(value, str) else ""
