"""The keys that our gateway issues: made, listed, changed, replaced, revoked. Keeps digests of secrets, never a secret.

Knows no request, and decides nothing about one.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Literal, NamedTuple, TypeAlias

import msgspec
from msgspec import Struct

from tramite.config import Budget, Limits
from tramite.config.names import nearest
from tramite.errors import ConfigError, InvalidCall, StoreFailed

from .database import Database, Row
from .opening import connect_migrated
from .pepper import VARIABLE, Pepper, find, find_or_make
from .rows import Allowance, Standing
from .transaction import standings

State: TypeAlias = Literal["live", "expired", "revoked"]

SECRET = re.compile(r"sk-tramite-[A-Za-z0-9_-]{43}")
"""What a secret looks like: 256 bits, so that guessing one is hopeless and a search for leaks finds it."""
SECRET_LENGTH = 54
_ID = re.compile(r"k_[0-9a-f]{10}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")
_COLUMNS = "id, name, terms, created_ns, revoked_ns, used_ns, old_until_ns"


class Terms(Struct, frozen=True, kw_only=True):
    """What a key may do; what is empty or None is not restricted."""

    models: tuple[str, ...] = ()
    """Routes and `provider/model`, with `*` for any text."""
    addresses: tuple[str, ...] = ()
    """Where it may be used from: networks such as 10.0.0.0/8."""
    limits: Limits | None = None
    budget: Budget | None = None
    expires_ns: int | None = None


class Key(Struct, frozen=True, kw_only=True):
    """A key without its secret, which was shown once. Moments are nanoseconds since 1970."""

    id: str
    name: str
    """No two keys that are not revoked have the same."""
    terms: Terms
    created_ns: int
    revoked_ns: int | None = None
    used_ns: int | None = None
    """When it was last used, to the minute; None for never."""
    old_until_ns: int | None = None
    """Until when the secret that was replaced last is good too."""

    def state(self, now_ns: int) -> State:
        """Whether it may be used at this moment."""
        if self.revoked_ns is not None:
            return "revoked"
        ends = self.terms.expires_ns
        return "expired" if ends is not None and ends <= now_ns else "live"


class Made(NamedTuple):
    """A key and its secret, which nothing can show a second time."""

    key: Key
    secret: str


class Issued(NamedTuple):
    """A key as whoever checks secrets needs it."""

    key: Key
    digest: bytes
    old_digest: bytes | None


class Ring(NamedTuple):
    """All keys that there ever were, as of one moment."""

    changes: int
    """Another number where anything is different."""
    issued: tuple[Issued, ...]
    pepper: Pepper | None
    """None where there is no key yet."""


class NoSuchKey(InvalidCall):
    """No key has this name or id."""


class NameTaken(InvalidCall):
    """Another key has this name, and is not revoked."""


class Keys:
    """The keys of one store, with a connection of its own; for one thread at a time. `clock` is for tests."""

    def __init__(
        self, database: Database, clock: Callable[[], int] | None = None, environ: Mapping[str, str] = os.environ
    ) -> None:
        self._database = database
        self._clock = clock
        self._environ = environ

    def __enter__(self) -> Keys:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Keys({self._database.name!r})"

    def close(self) -> None:
        """Close the connection."""
        self._database.close()

    def create(self, name: str, terms: Terms) -> Made:
        """A new key. Raises InvalidCall, NameTaken, ConfigError, StoreFailed."""
        if not _NAME.fullmatch(name) or _ID.fullmatch(name) or name == "global" or name.startswith("sk-"):
            raise InvalidCall(
                f"{name:.40} cannot be a key's name: it takes letters, digits and . _ @ -, at most 64, "
                "and neither global nor what looks like an id or a secret",
                "name",
            )
        secret, digest = self._secret()
        with self._transaction() as now_ns:
            if self._rows("name = ? AND revoked_ns IS NULL", name):
                raise NameTaken(f"there is a key {name!r} already: revoke it first, or rotate it", "name")
            key = Key(id=f"k_{secrets.token_hex(5)}", name=name, terms=terms, created_ns=now_ns)
            self._database.many(
                "INSERT INTO keys (id, name, digest, terms, created_ns) VALUES (?, ?, ?, ?, ?)",
                [(key.id, name, digest, _written(terms), now_ns)],
            )
        return Made(key, secret)

    def all(self) -> list[Key]:
        """Every key, in the order in which they were made. Raises StoreFailed."""
        with self._transaction(write=False):
            return self._rows("1 = 1")

    def get(self, which: str) -> Key:
        """The key of this id, or of this name: the one that is not revoked, else the last. Raises NoSuchKey."""
        with self._transaction(write=False):
            return self._get(which)

    def standings(self, key: Key) -> list[Standing]:
        """How each cap of its budget stands. Raises StoreFailed."""
        if key.terms.budget is None:
            return []
        allowance = Allowance(f"key:{key.name}", key.terms.budget.limit)  # as the pipeline's ledger calls it
        try:
            return standings(self._database, [allowance], self._clock and self._clock())
        except self._database.errors as error:
            raise self._failed(error) from error

    def change(self, which: str, terms: Terms) -> Key:
        """Other terms for a key; its secret stays. Raises NoSuchKey, InvalidCall, StoreFailed."""
        with self._transaction():
            key = self._live(which)
            self._database.many("UPDATE keys SET terms = ? WHERE id = ?", [(_written(terms), key.id)])
        return msgspec.structs.replace(key, terms=terms)

    def rotate(self, which: str, grace_s: float = 0.0) -> Made:
        """Another secret for a key; for `grace_s` the old one is good too. Raises as `change` does."""
        secret, digest = self._secret()
        with self._transaction() as now_ns:
            key = self._live(which)
            until_ns = now_ns + int(grace_s * 1e9)
            self._database.many(
                "UPDATE keys SET old_digest = digest, old_until_ns = ?, digest = ? WHERE id = ?",
                [(until_ns, digest, key.id)],
            )
        return Made(msgspec.structs.replace(key, old_until_ns=until_ns), secret)

    def revoke(self, which: str) -> Key:
        """End a key, for good. One that is revoked stays as it is. Raises NoSuchKey, StoreFailed."""
        with self._transaction() as now_ns:
            key = self._get(which)
            if key.revoked_ns is None:
                self._database.many("UPDATE keys SET revoked_ns = ? WHERE id = ?", [(now_ns, key.id)])
                key = msgspec.structs.replace(key, revoked_ns=now_ns)
        return key

    def used(self, ids: Mapping[str, int]) -> None:
        """When these keys were last used. It is no change of the keys. Raises StoreFailed."""
        rows = [(at_ns, key_id, at_ns) for key_id, at_ns in sorted(ids.items())]
        with self._transaction(counted=False):
            self._database.many("UPDATE keys SET used_ns = ? WHERE id = ? AND coalesce(used_ns, 0) < ?", rows)

    def ring(self, known: int = -1) -> Ring | None:
        """All that is needed to check secrets; None where nothing has changed since `known`.

        Raises StoreFailed; ConfigError where the keys were made with another pepper.
        """
        with self._transaction(write=False):
            [(mark, changes)] = self._database.execute("SELECT pepper, changes FROM keyring")
            if changes == known:
                return None
            rows = self._database.execute(f"SELECT digest, old_digest, {_COLUMNS} FROM keys ORDER BY seq")
        found = None
        if mark:
            found = find(self._environ)
            self._check(mark, found)
        issued = [Issued(_key(row[2:]), bytes(row[0]), row[1] and bytes(row[1])) for row in rows]
        return Ring(changes, tuple(issued), found)

    def _secret(self) -> tuple[str, bytes]:
        """A new one, and its digest; the first of all says which pepper it is."""
        pepper = find_or_make(self._environ)
        with self._transaction(counted=False):
            [(mark,)] = self._database.execute("SELECT pepper FROM keyring")
            if not mark:
                self._database.execute("UPDATE keyring SET pepper = ?", (pepper.mark,))
        self._check(mark or pepper.mark, pepper)
        secret = f"sk-tramite-{secrets.token_urlsafe(32)}"
        return secret, pepper.digest(secret)

    def _check(self, mark: str, found: Pepper | None) -> None:
        if found is None or found.mark != mark:
            what = "with another pepper" if found else "elsewhere, and their pepper is not here"
            raise ConfigError(
                f"the keys in {self._database.name} were made {what}: set {VARIABLE} to the same text on every "
                "machine (where it was not set, that is what stands in the file `pepper` of the data directory there)"
            )

    def _get(self, which: str) -> Key:
        found = self._rows("id = ? OR name = ?", which, which)
        if not found:
            names = [key.name for key in self._rows("revoked_ns IS NULL")]
            raise NoSuchKey(f"there is no key {which[:80]!r}{nearest(which[:80], names)}", "name")
        return max(found, key=lambda key: (key.id == which, key.revoked_ns is None, key.created_ns))

    def _live(self, which: str) -> Key:
        key = self._get(which)
        if key.revoked_ns is not None:
            raise InvalidCall(f"the key {key.name!r} is revoked, and stays so: create another", "name")
        return key

    def _rows(self, where: str, *values: Any) -> list[Key]:
        return list(
            map(_key, self._database.execute(f"SELECT {_COLUMNS} FROM keys WHERE {where} ORDER BY seq", values))
        )

    @contextmanager
    def _transaction(self, write: bool = True, counted: bool = True) -> Iterator[int]:
        """One transaction, at this moment. A writing one is a change that is counted. Raises StoreFailed."""
        try:
            now_ns = self._database.begin(write)
            yield self._clock() if self._clock else now_ns
            if write and counted:
                self._database.execute("UPDATE keyring SET changes = changes + 1")
            self._database.commit()
        except BaseException as error:
            self._database.rollback()
            if isinstance(error, self._database.errors):
                raise self._failed(error) from error
            raise

    def _failed(self, error: Exception) -> StoreFailed:
        return StoreFailed(f"the keys in {self._database.name} cannot be had: {error}")


def open_keys(url: str, clock: Callable[[], int] | None = None) -> Keys:
    """The keys in the store at this address, which is made where it is missing. Raises ConfigError, MissingExtra."""
    return Keys(connect_migrated(url), clock)


def _key(row: Row) -> Key:
    key_id, name, terms, *moments = row
    known = dict(zip(("created_ns", "revoked_ns", "used_ns", "old_until_ns"), moments, strict=True))
    return Key(id=key_id, name=name, terms=msgspec.json.decode(terms, type=Terms), **known)


def _written(terms: Terms) -> str:
    return msgspec.json.encode(terms).decode()
