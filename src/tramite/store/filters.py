"""Which entries of the ledger are meant. Makes conditions; asks no database."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from . import searching
from .database import Engine

FAILED = "(outcome IS NOT NULL AND outcome NOT IN ('ok', 'left'))"
"""It ended with an error."""


class Filter(Struct, frozen=True, kw_only=True):
    """Entries that are all of this; None is anything. Times are when an attempt began, in nanoseconds since 1970."""

    since_ns: int | None = None
    until_ns: int | None = None
    """The first moment that is too late."""
    key: str | None = None
    """The empty one is nobody's."""
    model: str | None = None
    """`provider/model`, `provider/`, or what the caller wrote: a model's name, or a route's."""
    route: str | None = None
    outcome: str | None = None
    """`ok`, `left`, or the name of an error's class."""
    failed: bool = False
    """Those alone that ended with an error."""
    search: str | None = None
    """Words in the prompt, the answer or the error; all of them."""

    def where(self, engine: Engine) -> tuple[str, list[Any]]:
        """The condition, and its parameters. Raises InvalidCall for a search without words."""
        said = {
            "at_ns >= ?": self.since_ns,
            "at_ns < ?": self.until_ns,
            "key = ?": self.key,
            "route = ?": self.route,
            "outcome = ?": self.outcome,
        }
        conditions = [condition for condition, value in said.items() if value is not None]
        values: list[Any] = [value for value in said.values() if value is not None]
        if self.failed:
            conditions.append(FAILED)
        for condition, more in self._about_texts(engine):
            conditions.append(condition)
            values += more
        return " AND ".join(conditions) or "1 = 1", values

    def _about_texts(self, engine: Engine) -> list[tuple[str, tuple[str, ...]]]:
        found: list[tuple[str, tuple[str, ...]]] = []
        if self.model is not None:
            found.append(_named(self.model))
        if self.search is not None:
            found.append(searching.condition(self.search, engine))
        return found


EVERYTHING = Filter()


def _named(name: str) -> tuple[str, tuple[str, ...]]:
    provider, slash, model = name.partition("/")
    if slash and not model:
        return "provider = ?", (provider,)
    if slash:
        return "((provider = ? AND model = ?) OR asked = ?)", (provider, model, name)
    return "(model = ? OR asked = ? OR route = ?)", (name, name, name)
