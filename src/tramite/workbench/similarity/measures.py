"""How near vectors are to each other, by three measures, and what follows from it. Pure; knows no text and no model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple, TypeAlias, get_args

import numpy as np
import numpy.typing as npt

Measure: TypeAlias = Literal["cosine", "dot", "euclidean"]
MEASURES: tuple[Measure, ...] = get_args(Measure)
Floats: TypeAlias = npt.NDArray[np.float64]


class Nearness(NamedTuple):
    """A square of numbers for each measure; NaN where there is none, as the cosine of a vector of zeros."""

    cosine: Floats
    """From -1 (opposite) over 0 (nothing in common) to 1 (the same direction)."""
    dot: Floats
    """The cosine, times both lengths."""
    euclidean: Floats
    """The distance: 0 is the same place."""

    def by(self, measure: Measure) -> Floats:
        """That measure's square."""
        square: Floats = getattr(self, measure)
        return square


class Contrast(NamedTuple):
    """How well a measure tells groups apart. None: there is no such pair."""

    same: float | None
    """The mean over pairs of one group."""
    other: float | None
    """The mean over pairs of two groups."""
    near: int
    """How many have their nearest in their own group."""
    of: int


def nearness(vectors: Sequence[Sequence[float]]) -> Nearness:
    """All three for each pair. Raises ValueError for vectors of different lengths."""
    rows = np.asarray(vectors, dtype=np.float64).reshape(len(vectors), len(vectors[0]) if vectors else 0)
    rows = np.where(np.isfinite(rows).all(axis=1, keepdims=True), rows, np.nan)
    with np.errstate(all="ignore"):  # what is too large for a number comes out as none
        return Nearness(_cosine(rows), _dot(rows), _euclidean(rows))


def neighbours(found: Nearness, place: int, measure: Measure) -> list[int]:
    """The places of the others, the nearest first; what cannot be compared last."""
    row = found.by(measure)[place]
    far = row if measure == "euclidean" else -row
    return [int(other) for other in np.argsort(far, kind="stable") if other != place]  # which puts NaN last


def contrast(found: Nearness, groups: Sequence[int], measure: Measure = "cosine") -> Contrast:
    """Whether those of one group (its number, for each place) are nearer to each other than to the rest."""
    of = np.asarray(groups)
    alike = of[:, None] == of[None, :]
    pairs = np.triu(np.isfinite(found.by(measure)), 1)
    near = sum(bool(alike[place, neighbours(found, place, measure)[0]]) for place in range(len(of)) if len(of) > 1)
    return Contrast(_mean(found, measure, pairs & alike), _mean(found, measure, pairs & ~alike), near, len(of))


def _mean(found: Nearness, measure: Measure, chosen: npt.NDArray[np.bool_]) -> float | None:
    return float(found.by(measure)[chosen].mean()) if chosen.any() else None


def _cosine(rows: Floats) -> Floats:
    largest = np.abs(rows).max(axis=1, keepdims=True, initial=0.0)
    units = rows / largest  # so that no square is too large or too small; zeros become NaN
    units /= np.sqrt((units * units).sum(axis=1, keepdims=True))
    square: Floats = np.clip(_dot(units), -1.0, 1.0)
    diagonal = np.arange(len(square))
    square[diagonal, diagonal] = np.where(np.isnan(square.diagonal()), np.nan, 1.0)
    return square


def _dot(rows: Floats) -> Floats:
    square = rows @ rows.T
    return _known((square + square.T) / 2)


def _euclidean(rows: Floats) -> Floats:
    """Of the differences themselves: what is nearly the same has few digits left in a difference of squares."""
    square = np.empty((len(rows), len(rows)))
    for place, row in enumerate(rows):
        apart = rows - row
        square[place] = np.sqrt((apart * apart).sum(axis=1))
    return _known(square)


def _known(square: Floats) -> Floats:
    square[~np.isfinite(square)] = np.nan
    return square
