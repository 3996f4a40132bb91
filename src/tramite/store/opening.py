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
    if url.startswith(("postgresql://", "postgres://")):
        return Postgres(url)
    path = sqlite_path(url)
    if path is not None:
        return SQLite(path)
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


def sqlite_path(url: str) -> Path | None:
    """The file at such an address; None for another one."""
    path = url.removeprefix("sqlite:///")
    return Path(path).expanduser() if path not in (url, "", ":memory:") else None
