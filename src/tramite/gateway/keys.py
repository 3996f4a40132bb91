"""Who asks: from a request's headers to a key of ours, what that key may do, and why it is refused.

Secrets are checked against a copy of the keys in memory, which is at most five seconds old: no request waits for the
database, but the first after a pause and those whose secret is not known. Knows no route's handler.
"""

from __future__ import annotations

import asyncio
import hmac
import os
import time
from collections.abc import Callable
from contextlib import suppress
from fnmatch import fnmatchcase
from functools import lru_cache
from hashlib import blake2b
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from math import inf

from msgspec import Struct

from tramite.config import Config
from tramite.errors import AuthenticationFailed, ConfigError, StoreFailed
from tramite.pipeline.observing import Caller
from tramite.store.keys import SECRET, SECRET_LENGTH, Key, Keys, Ring, open_keys

from .asgi import Scope

RENEW_S = 2.0
"""When the copy is this old, the next request has it renewed, and does not wait for that."""
STALE_S = 5.0
"""No secret is checked against an older one: a revoked key works no longer than this, anywhere."""
GAP_S = 0.1
"""From one reading to the next: however many unknown secrets come, the database is asked ten times a second."""
USED_S = 60.0
"""How often it is written down which keys were used."""
_NEVER_NS = 2**63 - 1
_CREDENTIALS = (b"authorization", b"x-api-key", b"api-key", b"x-goog-api-key")
"""Where clients put a secret: OpenAI's, Anthropic's, Azure's, Google's."""


class KeyRefused(AuthenticationFailed):
    """Our gateway does not let a request in: `status` is 401 (who are you?) or 403 (you may not), `code` says why."""


class _Entry(Struct, frozen=True):
    """What one digest opens, and until when, in nanoseconds since 1970."""

    key: Key
    digest: bytes
    ends_ns: int
    replaced: bool


class KeyRing:
    """The keys of the store at this address, for one process and one event loop. `clock` is for tests.

    Where the store cannot be read, keys stop working after `STALE_S` seconds: nobody knows which are revoked.
    """

    def __init__(self, url: str, clock: Callable[[], int] = time.time_ns) -> None:
        self._url = url
        self._clock = clock
        self._keys: Keys | None = None
        self._ring: Ring | None = None
        self._entries: dict[bytes, _Entry] = {}
        self._met: dict[bytes, _Entry] = {}
        """Those whose secrets came since the keys last changed, by a digest that only this process can make."""
        self._salt = os.urandom(32)
        self._read_s = -inf
        self._next_s = 0.0
        self._reading: asyncio.Task[None] | None = None
        self._used: dict[str, int] = {}
        self._told_s = 0.0

    def __repr__(self) -> str:
        return f"<KeyRing: {len(self._ring.issued) if self._ring else 'not read'} keys>"

    @property
    def in_use(self) -> bool:
        """Whether a key was ever made here: from then on every request needs one, also when all are revoked."""
        return self._ring is None or bool(self._ring.issued)

    async def came_into_use(self) -> bool:
        """`in_use` of a copy that is new enough, for who found it False: no secret is looked up then that would renew
        it. Raises as `start` does."""
        now_s = asyncio.get_running_loop().time()
        if now_s > self._read_s + STALE_S:
            await self._renewed(now_s)
        elif now_s > self._read_s + RENEW_S:
            self._renew_behind(now_s)
        return self.in_use

    async def start(self) -> None:
        """Read the keys. Raises ConfigError, MissingExtra, StoreFailed."""
        await self._renewed(asyncio.get_running_loop().time())

    def find(self, secret: str) -> Key | None:
        """The key that this secret opens now; None where that is not known: ask `load`, which says why not."""
        now_s = asyncio.get_running_loop().time()
        if now_s > self._read_s + RENEW_S:
            if now_s > self._read_s + STALE_S:
                return None
            self._renew_behind(now_s)
        entry = self._entry(secret)
        if entry is None:
            return None
        now_ns = self._clock()
        if now_ns >= entry.ends_ns:
            return None
        self._used[entry.key.id] = now_ns
        return entry.key

    async def load(self, secret: str) -> Key:
        """The key that this secret opens, as the store has it now. Raises KeyRefused, StoreFailed, ConfigError."""
        key = self.find(secret)
        if key is None and SECRET.fullmatch(secret):
            await self._renewed(asyncio.get_running_loop().time())
            key = self.find(secret)
        if key is None:
            raise self._refusal(secret)
        return key

    async def live(self, key_id: str) -> Key:
        """The key of this id, which was let in before. Raises KeyRefused where it is not good any more, StoreFailed."""
        await self._renewed(asyncio.get_running_loop().time() - RENEW_S)  # a WebSocket may be all that asks, for hours
        now_ns = self._clock()
        for entry in self._entries.values():
            if entry.key.id == key_id and not entry.replaced and now_ns < entry.ends_ns:
                return entry.key
        raise refused("the API key of this ticket is revoked or has expired: ask for another", "revoked_api_key")

    async def renew(self) -> None:
        """Take notice of a change that was made just now. Raises as `start` does."""
        await self._renewed(asyncio.get_running_loop().time())

    async def aclose(self) -> None:
        """Write down which keys were used, and close the connection. It may be used again."""
        if self._reading is not None:
            await asyncio.wait([self._reading])
        await asyncio.to_thread(self._close)

    def _entry(self, secret: str) -> _Entry | None:
        ring = self._ring
        if ring is None or ring.pepper is None or len(secret) != SECRET_LENGTH:
            return None
        mark = blake2b(secret.encode(), key=self._salt, digest_size=32).digest()  # takes a tenth of the pepper's time
        met = self._met.get(mark)
        if met is not None:
            return met
        digest = ring.pepper.digest(secret)
        entry = self._entries.get(digest)
        if entry is None or not hmac.compare_digest(entry.digest, digest):
            return None
        self._met[mark] = entry
        return entry

    def _refusal(self, secret: str) -> KeyRefused:
        if not secret:
            how = "send one as authorization: Bearer sk-tramite-…, x-api-key or api-key"
            return refused(f"this gateway needs an API key: {how}", "missing_api_key")
        entry = self._entry(secret)
        if entry is None:
            return refused("there is no such API key: is it copied whole, and one of this gateway?", "invalid_api_key")
        name = entry.key.name
        if entry.key.revoked_ns is not None:
            return refused(f"the API key {name!r} is revoked: ask for another", "revoked_api_key")
        if entry.replaced and entry.key.state(self._clock()) == "live":
            return refused(f"the API key {name!r} was rotated: use its new secret", "revoked_api_key")
        return refused(f"the API key {name!r} has expired: ask for it to be extended", "expired_api_key")

    def _renew_behind(self, now_s: float) -> None:
        if self._reading is None and now_s >= self._next_s:
            self._reading = asyncio.create_task(self._read())
            self._reading.add_done_callback(_heard)

    async def _renewed(self, since_s: float) -> None:
        """Return once there is a copy that was begun then or later. All who wait share one reading."""
        while self._read_s < since_s:
            if self._reading is None:
                self._reading = asyncio.create_task(self._read())
                self._reading.add_done_callback(_heard)
            await asyncio.shield(self._reading)

    async def _read(self) -> None:
        try:
            loop = asyncio.get_running_loop()
            await asyncio.sleep(self._next_s - loop.time())
            began_s = loop.time()
            self._next_s = began_s + GAP_S
            used: dict[str, int] = {}
            if self._used and began_s >= self._told_s + USED_S:
                used, self._used, self._told_s = self._used, used, began_s
            ring = await asyncio.to_thread(self._ask, used)
            if ring is not None:
                self._ring, self._entries, self._met = ring, _entries(ring), {}
            self._read_s = began_s
        finally:
            self._reading = None

    def _ask(self, used: dict[str, int]) -> Ring | None:
        """In a thread, one at a time: what has changed. Raises as `start` does."""
        try:
            if self._keys is not None:
                with suppress(StoreFailed):  # a database that was started anew: another connection may do
                    return self._asked(self._keys, used)
            return self._asked(open_keys(self._url), used)
        except ConfigError as error:
            if self._ring is None:
                raise
            raise StoreFailed(str(error)) from error  # it could be opened before

    def _asked(self, keys: Keys, used: dict[str, int]) -> Ring | None:
        """A connection that failed is not used again."""
        self._keys = None
        try:
            if used:
                keys.used(used)
            ring = keys.ring(self._ring.changes if self._ring else -1)
        except BaseException:
            keys.close()
            raise
        self._keys = keys
        return ring

    def _close(self) -> None:
        if self._keys is None:
            return
        keys, self._keys = self._keys, None
        with keys:
            if self._used:
                used, self._used = self._used, {}
                keys.used(used)


def secret_of(scope: Scope) -> str:
    """The secret that a request brings along; empty where it brings none. A query is never looked at: it is logged."""
    found: dict[bytes, bytes] = {}
    for name, value in scope["headers"]:
        if name in _CREDENTIALS:
            found.setdefault(name, value)
    for name in _CREDENTIALS:
        text = str(found.get(name, b""), "latin-1").strip()
        if name == b"authorization":
            scheme, _, text = text.partition(" ")
            text = text.strip() if scheme.lower() == "bearer" else ""
        if text:
            return text
    return ""


def allows(key: Key, model: str | None, config: Config) -> bool:
    """Whether a key may use this model: by the name that was asked for, or by all that it stands for.

    Raises ConfigError for a name that stands for nothing.
    """
    patterns = key.terms.models
    if not patterns or (model is not None and _matches(patterns, model)):
        return True
    choice = config.default if model is None else None
    if choice is not None and _matches(patterns, choice.model):
        return True
    targets = config.resolve(model)
    return bool(targets) and all(_matches(patterns, f"{provider.name}/{name}") for provider, name in targets)


def check_model(key: Key, model: str | None, config: Config) -> None:
    """Raises KeyRefused where a key may not use this model.

    What stands for nothing is refused in the same words: whoever may not use a model is not told whether it is there.
    """
    try:
        allowed = allows(key, model, config)
    except ConfigError:
        allowed = False
    if not allowed:
        asked = "the default model" if model is None else repr(model[:80])
        may = ", ".join(key.terms.models)
        raise refused(f"the API key {key.name!r} may not use {asked}; it may use {may}", "model_not_allowed", 403)


def check_address(key: Key, address: str) -> None:
    """Raises KeyRefused where a key may not be used from this address."""
    allowed = key.terms.addresses
    if allowed and not _within(allowed, address):
        raise refused(f"the API key {key.name!r} may not be used from {address}", "address_not_allowed", 403)


def caller(key: Key, address: str) -> Caller:
    """Who asks, as the pipeline knows them."""
    return Caller(key=key.name, address=address, limits=key.terms.limits, budget=key.terms.budget)


def _matches(patterns: tuple[str, ...], name: str) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


@lru_cache(maxsize=4096)
def _within(networks: tuple[str, ...], address: str) -> bool:
    try:
        at = ip_address(address)
    except ValueError:
        return False  # a socket without one
    if isinstance(at, IPv6Address) and at.ipv4_mapped is not None:
        at = at.ipv4_mapped
    return any(at in network for network in map(_network, networks))


@lru_cache(maxsize=4096)
def _network(text: str) -> IPv4Network | IPv6Network:
    return ip_network(text)


def _entries(ring: Ring) -> dict[bytes, _Entry]:
    """By digest. Of secrets that are not good any more too, so that it can be said why."""
    found: dict[bytes, _Entry] = {}
    for key, digest, old_digest in ring.issued:
        ends_ns = 0 if key.revoked_ns is not None else key.terms.expires_ns or _NEVER_NS
        found[digest] = _Entry(key, digest, ends_ns, replaced=False)
        if old_digest is not None:
            found[old_digest] = _Entry(key, old_digest, min(ends_ns, key.old_until_ns or 0), replaced=True)
    return found


def _heard(reading: asyncio.Task[None]) -> None:
    """A failure that nobody waits for is told to the next who does."""
    if not reading.cancelled():
        reading.exception()


def refused(message: str, code: str, status: int = 401) -> KeyRefused:
    """In the words that every dialect's clients know."""
    kind = "authentication_error" if status == 401 else "permission_error"
    return KeyRefused(message, status=status, code=code, type=kind)
