"""One connection to a database, and the few things that are done with it. Knows no table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal, Protocol, TypeAlias

Engine: TypeAlias = Literal["sqlite", "postgres"]
Row: TypeAlias = tuple[Any, ...]


class Database(Protocol):
    """A connection. Statements are written with `?` for their parameters."""

    engine: Engine
    name: str
    """Where it is, for messages: without a password."""
    errors: type[Exception]
    """What its library raises."""

    def begin(self, write: bool = True) -> int:
        """Begin a transaction, the only writing one at that time (or one that reads a steady picture).

        The moment, in nanoseconds since 1970, by the one clock that all processes of this database share.
        """
        ...

    def commit(self) -> None: ...

    def rollback(self) -> None:
        """Undo what was begun; nothing where nothing was, or where the connection is gone. Never raises."""
        ...

    def execute(self, sql: str, row: Sequence[Any] = ()) -> list[Row]:
        """One statement; the rows that it gives."""
        ...

    def each(self, sql: str, rows: Iterable[Sequence[Any]]) -> list[Row]:
        """A query once for each of these parameters; all the rows that they give, in order."""
        ...

    def many(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        """A statement that gives nothing, once for each of these parameters."""
        ...

    def has_table(self, name: str) -> bool: ...

    def may_pass(self, error: Exception) -> bool:
        """Whether the same may succeed later: somebody else's lock, a connection that was lost."""
        ...

    def close(self) -> None: ...


def shown(url: str) -> str:
    """A store's address without user, password and settings. Whatever the password holds, it is not in there."""
    scheme, _, rest = url.partition("://")
    place = rest.rpartition("@")[2]
    return f"{scheme}://{place if scheme == 'sqlite' else place.partition('?')[0]}"
