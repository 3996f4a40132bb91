"""Whether memory grows: samples of it over many requests and aborted streams, and the line through them. No I/O."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Sample(NamedTuple):
    """What was resident after so many requests and aborted streams."""

    requests: int
    aborted: int
    resident_bytes: int


def growth(samples: Sequence[Sample]) -> tuple[float, float]:
    """Bytes that 100,000 requests add (aborted streams counted), and the standard error of that: the least-squares
    line through the second half of the samples, since pools and caches fill in the first."""
    late = samples[len(samples) // 2 :]
    xs = [(one.requests + one.aborted) / 1e5 for one in late]
    ys = [float(one.resident_bytes) for one in late]
    mean_x, mean_y = sum(xs) / len(xs), sum(ys) / len(ys)
    spread = sum((x - mean_x) ** 2 for x in xs)
    slope = sum((x - mean_x) * (y - mean_y) for x, y in zip(xs, ys, strict=True)) / spread
    rest = sum((y - mean_y - slope * (x - mean_x)) ** 2 for x, y in zip(xs, ys, strict=True))
    return slope, (rest / (len(xs) - 2) / spread) ** 0.5
