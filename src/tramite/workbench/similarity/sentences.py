"""Sentences as they are typed, and as they are shown where there is little room. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

MOST = 200
"""More are left out, which is said: 200 are 40,000 pairs."""
SHORT = 28


class Sentences(Struct, frozen=True):
    """Those of a text, and how many more there were."""

    kept: tuple[str, ...]
    beyond: int = 0


def read(text: str) -> Sentences:
    """One in each line; empty lines are nothing, and the same sentence twice is two."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return Sentences(tuple(lines[:MOST]), max(0, len(lines) - MOST))


def short(text: str, most: int = SHORT) -> str:
    """Its beginning."""
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def labels(texts: Sequence[str], most: int = SHORT) -> list[str]:
    """Numbered from 1, so that no two are the same."""
    return [f"{number}  {short(text, most)}" for number, text in enumerate(texts, 1)]
