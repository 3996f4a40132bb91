"""What a benchmark must reach, and the table that says whether it does."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

R = TypeVar("R")


@dataclass(frozen=True)
class Target(Generic[R]):
    """What must be reached; `measure` gives the figure in words, and whether it is. It raises KeyError, by the name of
    what was not measured."""

    what: str
    measure: Callable[[R], tuple[str, bool]]


def rows(targets: Iterable[Target[R]], results: R) -> Sequence[tuple[str, str, str]]:
    """A row for each: target, figure, whether it is reached."""
    found = []
    for target in targets:
        try:
            figure, reached = target.measure(results)
        except KeyError as missing:
            found.append((target.what, f"not measured: no {missing.args[0]}", "–"))
        else:
            found.append((target.what, figure, "reached" if reached else "**missed**"))
    return found
