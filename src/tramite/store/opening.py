"""From a store's address to a connection whose tables are up to date. Knows no table."""

from __future__ import annotations

from pathlib import Path

from tramite.errors import ConfigError

from .database import Database, shown
from .postgres import Postgres
from .schema import migrate
from .sqlite import SQLite

EXPECTED = "sqlite:///PATH or postgresql://USER:PASSWORD@HOST:PORT/DATABASE"


def connect(url: str) -> Database:
    """A connection, as the database is. Raises ConfigError, MissingExtra."""
    scheme, separator, rest = url.partition("://")
    if separator and scheme in ("postgresql", "postgres"):
        return Postgres(url)
    path = rest.removeprefix("/")
    if separator and scheme == "sqlite" and rest.startswith("/") and path and path != ":memory:":
        return SQLite(Path(path).expanduser())
    raise ConfigError(f"[store] url is {shown(url)!r}: expected {EXPECTED}")


def connect_migrated(url: str) -> Database:
    """A connection to a database whose tables are those of this code. Raises ConfigError, MissingExtra."""
    database = connect(url)
    try:
        migrate(database)
    except database.errors as error:
        database.close()
        raise ConfigError(f"cannot make the tables of the store at {database.name}: {error}") from error
    except BaseException:
        database.close()
        raise
    return database


def sqlite_url(path: Path) -> str:
    """The address of a file."""
    return f"sqlite:///{path}"
