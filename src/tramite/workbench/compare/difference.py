"""What is different between two texts, word by word. No I/O.

Marked thrice, so that nobody needs the colour: `-…-` struck through for what only the first has, `+…+` in bold for
what only the second has.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import SequenceMatcher
from functools import lru_cache
from typing import Literal, TypeAlias

from tramite.workbench.ui.markdown import plain

What: TypeAlias = Literal["same", "only_left", "only_right"]
Piece: TypeAlias = tuple[What, str]

MOST_WORDS = 4000
"""A longer text is compared line by line: words would take too long."""
_WORD = re.compile(r"\w+|\s+|[^\w\s]")
_LINE = re.compile(r"[^\n]*\n|[^\n]+")


@lru_cache(maxsize=32)
def pieces(left: str, right: str) -> tuple[Piece, ...]:
    """The texts as pieces in order; without those only the right one has they are the left one, and the other way."""
    first, second = _WORD.findall(left), _WORD.findall(right)
    if max(len(first), len(second)) > MOST_WORDS:
        first, second = _LINE.findall(left), _LINE.findall(right)
    return tuple(_joined(_compared(first, second)))


def same_share(found: tuple[Piece, ...]) -> float:
    """How much of both texts is the same, from 0 to 1, by characters."""
    same = 2 * sum(len(text) for what, text in found if what == "same")
    others = sum(len(text) for what, text in found if what != "same")
    return same / (same + others) if same + others else 1.0


def marked(found: tuple[Piece, ...]) -> str:
    """As Streamlit's Markdown, every character of the texts to the letter."""
    return "".join(_inline(text) if what == "same" else _marked(what, text) for what, text in found)


def _compared(first: list[str], second: list[str]) -> Iterator[Piece]:
    matcher = SequenceMatcher(None, first, second, autojunk=False)
    for _, left, left_end, right, right_end in matcher.get_opcodes():
        gone, come = "".join(first[left:left_end]), "".join(second[right:right_end])
        if gone == come:
            yield "same", gone
            continue
        if gone:
            yield "only_left", gone
        if come:
            yield "only_right", come


def _joined(found: Iterator[Piece]) -> Iterator[Piece]:
    """A space between two changes is part of them: `-a-+b+ -c-+d+` is hard to read."""
    whole = list(found)
    gone = come = ""
    for place, (what, text) in enumerate(whole):
        inside = (
            what == "same" and text.isspace() and "\n" not in text and bool(gone and come) and place < len(whole) - 1
        )
        if what == "only_left" or inside:
            gone += text
        if what == "only_right" or inside:
            come += text
        if what == "same" and not inside:
            yield from _changes(gone, come)
            gone = come = ""
            yield what, text
    yield from _changes(gone, come)


def _changes(gone: str, come: str) -> Iterator[Piece]:
    if gone:
        yield "only_left", gone
    if come:
        yield "only_right", come


def _marked(what: What, text: str) -> str:
    """Line by line, for a mark cannot reach over a line's end."""
    return "  \n".join(_mark(what, line, last) for line, last in _lines(text))


def _inline(text: str) -> str:
    """To the letter; spaces before it are no indent, for it goes on where something else ended."""
    rest = text.lstrip(" ")
    return " " * (len(text) - len(rest)) + plain(rest)


def _lines(text: str) -> Iterator[tuple[str, bool]]:
    lines = text.split("\n")
    yield from ((line, place == len(lines)) for place, line in enumerate(lines, start=1))


def _mark(what: What, line: str, last: bool) -> str:
    """A change of spaces alone, or of a line's end, is shown as a sign."""
    shown = line if line.strip() else line.replace(" ", "␣").replace("\t", "⇥")
    shown += "" if last else "↵"
    if not shown:
        return ""
    if what == "only_left":
        return rf":red-background[~~\-{_inline(shown)}\-~~]"
    return rf":green-background[**\+{_inline(shown)}\+**]"
