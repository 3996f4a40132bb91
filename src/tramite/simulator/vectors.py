"""Vectors out of words, by hashing: equal texts are equal, shared words are near. No model, no meaning."""

from __future__ import annotations

import math
import re
from itertools import pairwise
from zlib import crc32

DIMENSIONS = 64

_WORD = re.compile(r"\w+")


def vector(text: str, dimensions: int = DIMENSIONS) -> tuple[float, ...]:
    """A vector of length 1. Each word and each pair of neighbours adds to one coordinate (the hashing trick)."""
    words = _WORD.findall(text.lower()) or [text]
    values = [0.0] * dimensions
    for feature in words:
        _add(values, feature, 1.0)
    for left, right in pairwise(words):
        _add(values, f"{left} {right}", 0.5)
    norm = math.sqrt(sum(value * value for value in values))
    if norm == 0.0:
        values[crc32(text.encode()) % dimensions] = norm = 1.0
    return tuple(value / norm for value in values)


def _add(values: list[float], feature: str, weight: float) -> None:
    mixed = crc32(feature.encode())
    sign = 1.0 if mixed & 0x80000000 else -1.0
    values[(mixed & 0x7FFFFFFF) % len(values)] += sign * weight
