"""Where the gap in a file is that a model is to fill: the text before it and after it. Asks nothing."""

from __future__ import annotations

from msgspec import Struct

from tramite.errors import InvalidCall

BEFORE, AFTER = 8_000, 4_000
"""Characters that go along at most: some 3,500 tokens, which fit in the window of any model for code."""


class Gap(Struct, frozen=True):
    """What stands on both sides of it; `cut`: there was more."""

    before: str
    after: str
    cut: bool = False


def at(text: str, line: int, column: int | None) -> Gap:
    """The gap before a line's column, both counted from 1; at the line's end where no column is named.

    Raises InvalidCall for a place that is not in the text.
    """
    if not text:
        raise InvalidCall("the file is empty: there is nothing to go on from", "file")
    lines = text.split("\n")
    if not 1 <= line <= len(lines):
        raise InvalidCall(f"there is no line {line}: the last one is {len(lines)}", "line")
    size = len(lines[line - 1].removesuffix("\r"))
    if column is not None and not 1 <= column <= size + 1:
        raise InvalidCall(f"line {line} has no column {column}: the last one, behind its end, is {size + 1}", "column")
    place = sum(len(one) + 1 for one in lines[: line - 1]) + (size if column is None else column - 1)
    before, after = _last_lines(text[:place]), _first_lines(text[place:])
    return Gap(before, after, cut=len(before) + len(after) < len(text))


def _last_lines(text: str) -> str:
    """As many whole lines as may go along; a part, where a single one is too long."""
    if len(text) <= BEFORE:
        return text
    near = text[-BEFORE - 1 :]
    return near[near.find("\n") + 1 :][-BEFORE:]


def _first_lines(text: str) -> str:
    if len(text) <= AFTER:
        return text
    return text[: text.rfind("\n", 0, AFTER) + 1] or text[:AFTER]
