"""Texts put together by their length, so that a batch has a bound in tokens. Knows no model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence


def batches(lengths: Sequence[int], most: int) -> Iterator[list[int]]:
    """Positions of texts, the short ones first, in batches of at most `most` tokens; a longer text stands alone.

    What counts is the batch filled up to its longest text. A bound in texts would be none: 256 long ones take forty
    times the memory of 256 short ones.
    """
    batch: list[int] = []
    for position in sorted(range(len(lengths)), key=lengths.__getitem__):
        if batch and (len(batch) + 1) * lengths[position] > most:
            yield batch
            batch = []
        batch.append(position)
    if batch:
        yield batch
