"""A Gemini request body, field by field: the server's side. Strict about names; knows no setting and no message.

Google takes every name in both spellings, `inlineData` and `inline_data`, numbers as strings, and a single object where
a list belongs. Fields stay raw until they are asked for, so that what is only passed on (arguments, results, parts of
other kinds) keeps its bytes.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, TypeVar, overload

import msgspec
from msgspec import Raw

from tramite.dialects.json_bodies import UNREADABLE
from tramite.errors import InvalidCall

_T = TypeVar("_T")
_SNAKE = re.compile(r"_([a-z0-9])")
_decode_object = msgspec.json.Decoder(dict[str, Raw]).decode
_decode_list = msgspec.json.Decoder(list[Raw]).decode


class Fields:
    """One object of the body. What is taken is gone; what is left was not understood."""

    __slots__ = ("_left", "where")

    def __init__(self, raw: bytes | Raw, where: str = "") -> None:
        self.where = where
        try:
            fields = _decode_object(raw)
        except UNREADABLE as error:
            what = where or "the request's body"
            raise InvalidCall(f"{what} must be a JSON object: {error}", where or None) from error
        self._left = {_camel(name): value for name, value in fields.items() if value != _NULL}

    def __contains__(self, name: str) -> bool:
        return name in self._left

    def place(self, name: str) -> str:
        """Where a field is, for messages."""
        return f"{self.where}.{name}" if self.where else name

    def peek(self, name: str) -> Raw:
        """A field as it came, left where it is; nothing where it is absent."""
        return self._left.get(name, _NOTHING)

    def raw(self, name: str) -> bytes | None:
        """Take a field out as it came; None where it is absent or null."""
        value = self._left.pop(name, None)
        return None if value is None else bytes(value)

    @overload
    def take(self, name: str, kind: type[_T]) -> _T | None: ...
    @overload
    def take(self, name: str, kind: Any) -> Any: ...
    def take(self, name: str, kind: Any) -> Any:
        """Take a field out, of this type or absent. Raises `InvalidCall` naming it."""
        value = self._left.pop(name, None)
        if value is None:
            return None
        try:
            return _decoder(kind).decode(value)
        except UNREADABLE as error:
            raise InvalidCall(f"{self.place(name)}: {error}", self.place(name)) from error

    def object(self, name: str) -> Fields | None:
        """Take an object out."""
        value = self._left.pop(name, None)
        return None if value is None else Fields(value, self.place(name))

    def objects(self, name: str) -> list[Fields]:
        """Take a list of objects out."""
        raw = self.raw(name)
        if raw is None:
            return []
        if raw.startswith(b"{"):
            return [Fields(raw, self.place(name))]
        try:
            items = _decode_list(raw)
        except UNREADABLE as error:
            raise InvalidCall(f"{self.place(name)} must be a list: {error}", self.place(name)) from error
        return [Fields(item, f"{self.place(name)}[{number}]") for number, item in enumerate(items)]

    def left(self) -> dict[str, Any]:
        """What nobody has taken, decoded."""
        return {name: msgspec.json.decode(value) for name, value in self._left.items()}

    def again(self) -> bytes:
        """The object as it is now, as JSON."""
        return msgspec.json.encode(self._left)


_NULL, _NOTHING = Raw(b"null"), Raw()


@lru_cache(maxsize=16)
def _decoder(kind: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind, strict=kind not in (int, float))


@lru_cache(maxsize=256)
def _camel(name: str) -> str:
    return _SNAKE.sub(lambda found: found[1].upper(), name) if "_" in name else name
