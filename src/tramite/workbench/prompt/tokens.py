"""Log probabilities for people: how likely each token was, which others there were, spaces that can be seen. No I/O."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from tramite.workbench.ui.markdown import plain

LEVELS = ((0.9, "green"), (0.5, "blue"), (0.1, "orange"), (0.0, "red"))
"""The least probability of each colour."""
_SEEN = str.maketrans({" ": "␣", "\n": "↵", "\r": "␍", "\t": "⇥"})


class Token(Struct, frozen=True):
    """A token as it is shown. `others` are alternatives with their probabilities."""

    text: str
    probability: float
    others: tuple[tuple[str, float], ...] = ()

    @property
    def colour(self) -> str:
        """By how likely it was."""
        return next(colour for least, colour in LEVELS if self.probability >= least)


def visible(text: str) -> str:
    """A token with its spaces as signs; one of nothing at all (some special ones) as ∅."""
    return text.translate(_SEEN) or "∅"


def read(logprobs: Sequence[dict[str, Any]]) -> list[Token]:
    """Tokens out of an answer's facts."""
    return [
        Token(
            one["token"],
            _probability(one["logprob"]),
            tuple((text, _probability(value)) for text, value in one.get("top") or () if text != one["token"]),
        )
        for one in logprobs
    ]


def coloured(tokens: Sequence[Token]) -> str:
    """All of them in a row, as Streamlit's Markdown; where a line ends, so does the row."""
    pieces = []
    for token in tokens:
        pieces.append(f":{token.colour}-background[{plain(visible(token.text))}]")
        if token.text.endswith("\n"):
            pieces.append("  \n")
    return "".join(pieces)


def legend() -> str:
    """What the colours mean, as Markdown."""
    return " ".join(f":{colour}-background[≥ {least:.0%}]" for least, colour in LEVELS[:-1]) + (
        f" :{LEVELS[-1][1]}-background[< {LEVELS[-2][0]:.0%}]"
    )


def percent(probability: float) -> str:
    """As precise as it takes to see something."""
    return f"{probability:.1%}" if probability >= 0.001 or not probability else f"{probability * 100:.2g}%"


def rows(tokens: Sequence[Token], names: tuple[str, str, str, str]) -> list[dict[str, Any]]:
    """A table with these names of columns: number, token, probability in percent, alternatives."""
    number, text, probability, others = names
    return [
        {
            number: place,
            text: visible(token.text),
            probability: token.probability * 100,
            others: "   ".join(f"{visible(other)} {percent(value)}" for other, value in token.others),
        }
        for place, token in enumerate(tokens, start=1)
    ]


def _probability(logprob: float) -> float:
    return min(1.0, math.exp(logprob))
