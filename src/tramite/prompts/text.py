"""Texts with variables: `{name}` stands for a value, `{{` and `}}` for braces. Knows no file.

There is nothing else in it: no attributes, no indexes, no formats, so that a text can do no more than hold values. A
value is data: braces in it are never looked at.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TypeAlias

from msgspec import Struct

_BRACE = re.compile(r"\{\{|\}\}|\{([A-Za-z_][A-Za-z0-9_]*)\}|[{}]")


class Variable(Struct, frozen=True):
    """The place of a value."""

    name: str


Pieces: TypeAlias = tuple[str | Variable, ...]


def parse(text: str) -> Pieces:
    """A text's pieces, in order. Raises ValueError, with the place, for a brace that is neither escaped nor paired."""
    pieces: list[str | Variable] = []
    end = 0
    for found in _BRACE.finditer(text):
        brace, name = found[0], found[1]
        if brace in ("{", "}"):
            raise ValueError(_alone(text, found.start()))
        pieces += [text[end : found.start()], Variable(name) if name else brace[0]]
        end = found.end()
    return tuple(piece for piece in (*pieces, text[end:]) if piece != "")


def variables(pieces: Pieces) -> tuple[str, ...]:
    """The names of its variables, each once, in order."""
    return tuple(dict.fromkeys(piece.name for piece in pieces if isinstance(piece, Variable)))


def fill(pieces: Pieces, values: Mapping[str, str]) -> str:
    """The text with its values, every one of which must be there."""
    return "".join([piece if isinstance(piece, str) else values[piece.name] for piece in pieces])


def escape(text: str) -> str:
    """A text that stands for itself."""
    return text.replace("{", "{{").replace("}", "}}")


def _alone(text: str, at: int) -> str:
    line, column = text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)
    return (
        f"the {text[at]} in line {line}, column {column} begins or ends no variable: write {{name}} (letters, digits, "
        f"_), or {text[at] * 2} for the brace itself"
    )
