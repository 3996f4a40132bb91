"""What is different between two texts, word by word. No I/O.

Marked thrice, so that nobody needs the colour: `-…-` struck through for what only the first has, `+…+` in bold for
what only the second has.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import SequenceMatcher
from functools import lru_cache
from itertools import groupby
from operator import itemgetter
from typing import Literal, TypeAlias

from tramite.workbench.ui.markdown import plain

What: TypeAlias = Literal["same", "only_left", "only_right"]
Piece: TypeAlias = tuple[What, str]

MOST_WORDS = 1500
"""A longer text is compared line by line: words would take longer than a second."""
_WORD = re.compile(r"(\w+|[^\w\s]|\A(?=\s))(\s*)")
Word: TypeAlias = tuple[str, str]
"""A word, and the spaces behind it; of a line, all of it is the second."""


@lru_cache(maxsize=32)
def pieces(left: str, right: str) -> tuple[Piece, ...]:
    """The texts as pieces in order; without those only the right one has they are the left one, and the other way."""
    first, second = _WORD.findall(left), _WORD.findall(right)
    if max(len(first), len(second)) > MOST_WORDS:
        first, second = [("", line) for line in left.splitlines(True)], [("", line) for line in right.splitlines(True)]
        return tuple(_merged(_compared(first, second, [line for _, line in first], [line for _, line in second])))
    return tuple(_merged(_compared(first, second, [word for word, _ in first], [word for word, _ in second])))


def same_share(found: tuple[Piece, ...]) -> float:
    """How much of both texts is the same, from 0 to 1, by characters."""
    same = 2 * sum(len(text) for what, text in found if what == "same")
    others = sum(len(text) for what, text in found if what != "same")
    return same / (same + others) if same + others else 1.0


def marked(found: tuple[Piece, ...]) -> str:
    """As Streamlit's Markdown, every character of the texts to the letter."""
    return "".join(_inline(text) if what == "same" else _marked(what, text) for what, text in found)


def _compared(first: list[Word], second: list[Word], left: list[str], right: list[str]) -> Iterator[Piece]:
    """By what is in `left` and `right`; where they agree, the spaces may still differ."""
    matcher = SequenceMatcher(None, left, right, autojunk=False)  # which takes common words for noise
    for what, begin, end, other_begin, other_end in matcher.get_opcodes():
        if what == "equal":
            for (word, space), (_, other) in zip(first[begin:end], second[other_begin:other_end], strict=True):
                yield "same", word
                yield from _changed(space, other)
        else:
            gone, come = first[begin:end], second[other_begin:other_end]
            yield from _changed("".join(map("".join, gone)), "".join(map("".join, come)))


def _changed(gone: str, come: str) -> Iterator[Piece]:
    """The spaces that both end with stay as they are."""
    if gone == come:
        yield "same", gone
        return
    behind = len(gone) - len(gone.rstrip())
    shared = gone[len(gone) - behind :] if behind and come.endswith(gone[len(gone) - behind :]) else ""
    yield "only_left", gone.removesuffix(shared)
    yield "only_right", come.removesuffix(shared)
    yield "same", shared


def _merged(found: Iterator[Piece]) -> Iterator[Piece]:
    """Neighbours of a kind as one, and nothing that is empty."""
    for what, pieces in groupby((piece for piece in found if piece[1]), key=itemgetter(0)):
        yield what, "".join(text for _, text in pieces)


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
