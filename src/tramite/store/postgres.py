"""Postgres as a store's database, for several machines: psycopg 3, one connection. Knows no table."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from importlib import import_module
from typing import Any

from tramite.errors import ConfigError, MissingExtra

from .database import Engine, Row

CONNECT_S, SILENCE_MS = 10, 20_000
"""How long connecting may take, and how long a server may be silent before its connection counts as lost."""

_HOST = r"(?:[\w.%-]*|\[[0-9A-Fa-f:.]+\])(?::\d+)?"
_ADDRESS = re.compile(
    r"postgres(?:ql)?://(?:[^@:/?#\s]*(?::(?P<password>[^@:/?#\s]*))?@)?"
    rf"(?P<place>{_HOST}(?:,{_HOST})*(?:/[^@?#\s]*)?)(?:\?(?P<settings>[^@#\s]*))?"
)
"""Stricter than the library, which would take a part of a password for a host, and ask for its address."""
EXPECTED = "postgresql://USER:PASSWORD@HOST:PORT/DATABASE, with @ : / ? and # in the password written as %40 and so on"

_LOCK = 0x7472616D697465
"""What writers take in turns, so that the same statements are as safe here as in SQLite."""
_BEGIN = f"""
BEGIN; SET LOCAL lock_timeout = '5s'; SET LOCAL idle_in_transaction_session_timeout = '20s';
SELECT pg_advisory_xact_lock({_LOCK}); {{now}}"""
_BEGIN_READING = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; {now}"
_NOW = "SELECT (extract(epoch FROM clock_timestamp()) * 1000000000)::bigint"
"""The server's clock: those of several machines differ."""


class Postgres:
    """A connection to `postgresql://…`. Raises ConfigError, MissingExtra."""

    engine: Engine = "postgres"

    def __init__(self, url: str) -> None:
        parts = _ADDRESS.fullmatch(url)
        if parts is None:
            raise ConfigError(f"[store] url is no address of a Postgres database: expected {EXPECTED}")
        self.name = f"postgresql://{parts['place']}"
        try:
            self._psycopg = psycopg = import_module("psycopg")
        except ImportError:
            raise MissingExtra(f"{self.name} needs psycopg: pip install 'tramite[postgres]'") from None
        self.errors: type[Exception] = psycopg.Error
        try:
            settings = {"connect_timeout": CONNECT_S, "tcp_user_timeout": SILENCE_MS}
            settings |= psycopg.conninfo.conninfo_to_dict(url)
            self._connection = psycopg.connect(**settings, autocommit=True)
        except psycopg.Error as error:
            raise ConfigError(f"cannot open the store at {self.name}: {_told(error, parts)}") from None

    def __repr__(self) -> str:
        return f"<Postgres {self.name}>"

    def begin(self, write: bool = True) -> int:
        cursor = self._connection.execute((_BEGIN if write else _BEGIN_READING).format(now=_NOW))
        while cursor.nextset():
            pass
        now_ns: int = cursor.fetchone()[0]
        return now_ns

    def commit(self) -> None:
        self._connection.execute("COMMIT")

    def rollback(self) -> None:
        with suppress(self.errors):
            self._connection.execute("ROLLBACK")

    def execute(self, sql: str, row: Sequence[Any] = ()) -> list[Row]:
        cursor = self._connection.execute(_own(sql), row or None)
        return list(cursor.fetchall()) if cursor.description else []

    def each(self, sql: str, rows: Iterable[Sequence[Any]]) -> list[Row]:
        """In one round trip, however many."""
        found: list[Row] = []
        if listed := list(rows):
            with self._connection.cursor() as cursor:
                cursor.executemany(_own(sql), listed, returning=True)
                found += cursor.fetchall()
                while cursor.nextset():
                    found += cursor.fetchall()
        return found

    def many(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        with self._connection.cursor() as cursor:
            cursor.executemany(_own(sql), rows)

    def has_table(self, name: str) -> bool:
        return self.execute("SELECT to_regclass(?) IS NOT NULL", (name,)) == [(True,)]

    def may_pass(self, error: Exception) -> bool:
        """Its OperationalErrors are lost connections, servers that restart, locks and deadlocks; a full disk too."""
        return isinstance(error, self._psycopg.OperationalError) or bool(self._connection.closed)

    def close(self) -> None:
        self._connection.close()


def _own(sql: str) -> str:
    return sql.replace("?", "%s")


def _told(error: Exception, parts: re.Match[str]) -> str:
    """What the library says, without what may hold a password."""
    text = " ".join(str(error).split())
    for secret in (parts["password"], parts["settings"]):
        text = text.replace(secret, "…") if secret else text
    return text
