"""The tables of the store, as numbered migrations, and how a database is brought up to date. Knows no row's meaning."""

from __future__ import annotations

from msgspec import Struct

from tramite.errors import ConfigError

from . import retention, searching, word_search
from .database import Database


class Migration(Struct, frozen=True):
    """The statements that bring a database from one version to the next, all in one transaction."""

    sqlite: tuple[str, ...]
    postgres: tuple[str, ...]


def _alike(*statements: str) -> Migration:
    """For both databases; `{serial}` is a primary key that counts up, `{bytes}` the type for them."""
    serial = "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY"
    return Migration(
        sqlite=tuple(t.replace("{serial}", "INTEGER PRIMARY KEY").replace("{bytes}", "BLOB") for t in statements),
        postgres=tuple(t.replace("{serial}", serial).replace("{bytes}", "BYTEA") for t in statements),
    )


def _with(both: Migration, sqlite: tuple[str, ...], postgres: tuple[str, ...]) -> Migration:
    """And what each of them does in its own way."""
    return Migration((*both.sqlite, *sqlite), (*both.postgres, *postgres))


_ATTEMPTS = """
CREATE TABLE attempts (
    seq {serial},
    id TEXT NOT NULL UNIQUE,
    call_id TEXT NOT NULL,
    number INTEGER NOT NULL,
    at_ns BIGINT NOT NULL,
    key TEXT NOT NULL,
    address TEXT NOT NULL,
    kind TEXT NOT NULL,
    asked TEXT,
    route TEXT NOT NULL,
    provider TEXT NOT NULL,
    model TEXT NOT NULL,
    dialect TEXT NOT NULL,
    stream BOOLEAN NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('held', 'sent', 'settled', 'released', 'charged', 'recorded')),
    held_nanousd BIGINT,
    cost_nanousd BIGINT,
    lease_expires_ns BIGINT,
    windows TEXT,
    status INTEGER,
    outcome TEXT,
    error TEXT,
    finish TEXT,
    request_id TEXT,
    input_tokens BIGINT,
    output_tokens BIGINT,
    cached_tokens BIGINT,
    cache_write_tokens BIGINT,
    reasoning_tokens BIGINT,
    usage_source TEXT,
    maybe_billed BOOLEAN NOT NULL,
    first_token_s DOUBLE PRECISION,
    total_s DOUBLE PRECISION,
    waited_s DOUBLE PRECISION
)"""

_TEXTS = """
CREATE TABLE texts (
    seq {serial},
    attempt_id TEXT NOT NULL UNIQUE REFERENCES attempts (id) ON DELETE CASCADE,
    prompt TEXT,
    answer TEXT
)"""

_WINDOWS = """
CREATE TABLE windows (
    budget TEXT NOT NULL,
    period TEXT NOT NULL,
    start_ns BIGINT NOT NULL,
    spent_nanousd BIGINT NOT NULL,
    held_nanousd BIGINT NOT NULL,
    PRIMARY KEY (budget, period, start_ns)
)"""

_RESPONSES = """
CREATE TABLE responses (
    key TEXT PRIMARY KEY,
    created_ns BIGINT NOT NULL,
    expires_ns BIGINT NOT NULL,
    size INTEGER NOT NULL,
    reply {bytes} NOT NULL
)"""

_KEYS = """
CREATE TABLE keys (
    seq {serial},
    id TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    digest {bytes} NOT NULL UNIQUE,
    old_digest {bytes} UNIQUE,
    old_until_ns BIGINT,
    terms TEXT NOT NULL,
    created_ns BIGINT NOT NULL,
    revoked_ns BIGINT,
    used_ns BIGINT
)"""

_KEYRING = """
CREATE TABLE keyring (
    pepper TEXT NOT NULL,
    changes BIGINT NOT NULL
)"""

MIGRATIONS = (
    _alike(
        _ATTEMPTS,
        "CREATE INDEX attempts_by_lease ON attempts (lease_expires_ns) WHERE lease_expires_ns IS NOT NULL",
        "CREATE INDEX attempts_by_time ON attempts (at_ns)",
        "CREATE INDEX attempts_by_key ON attempts (key, at_ns)",
        _TEXTS,
        _WINDOWS,
    ),
    _alike(_RESPONSES, "CREATE INDEX responses_by_end ON responses (expires_ns, size)"),
    Migration((*searching.SQLITE, retention.SCHEMA), (*searching.POSTGRES, retention.SCHEMA)),
    _alike(
        _KEYS,
        "CREATE UNIQUE INDEX keys_by_name ON keys (name) WHERE revoked_ns IS NULL",
        _KEYRING,
        "INSERT INTO keyring (pepper, changes) VALUES ('', 0)",
    ),
    _with(_alike(*word_search.TABLES), word_search.SQLITE, word_search.POSTGRES),
)
"""In their order: the first makes version 1. Those that were released never change."""


def migrate(database: Database) -> None:
    """Bring it to the newest version, step by step; of several processes one does each. Raises ConfigError."""
    while version(database) < len(MIGRATIONS):
        database.begin()
        try:
            database.execute("CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL)")
            number = version(database)  # as nobody can change it any more
            if number < len(MIGRATIONS):
                _step(database, number)
            database.commit()
        except BaseException:
            database.rollback()
            raise


def version(database: Database) -> int:
    """The version of its tables; 0 for an empty database. Raises ConfigError for one that is newer than this code."""
    if not database.has_table("schema_version"):
        return 0
    found = database.execute("SELECT version FROM schema_version")
    number = int(found[0][0]) if found else 0
    if number > len(MIGRATIONS):
        raise ConfigError(
            f"the store at {database.name} has version {number}, made by a newer tramite; this one knows "
            f"{len(MIGRATIONS)}: upgrade tramite, or name another store in [store] url"
        )
    return number


def _step(database: Database, number: int) -> None:
    for statement in getattr(MIGRATIONS[number], database.engine):
        database.execute(statement)
    if number == 0:
        database.execute("INSERT INTO schema_version (version) VALUES (1)")
    else:
        database.execute("UPDATE schema_version SET version = ?", (number + 1,))
