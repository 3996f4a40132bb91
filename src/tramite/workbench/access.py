"""Whom to ask, with what: the configured providers, or what was typed into a page. Keys stay in this process's memory.

A configured secret goes to its configured address alone: whoever types another address types the key for it, too.
"""

from __future__ import annotations

import threading
from collections import OrderedDict

import msgspec
from msgspec import Struct

from tramite.client.asynchronous import AsyncClient
from tramite.config import Config
from tramite.errors import ConfigError
from tramite.providers import addresses, azure
from tramite.providers.addresses import is_loopback
from tramite.providers.rows import Provider

MOST_CLIENTS = 32


class Access(Struct, frozen=True, kw_only=True):
    """What a page says of a provider; what is empty is as configured. The key is never stored, and never shown."""

    provider: str = ""
    endpoint: str = ""
    api_version: str = ""
    key: str = ""

    def __repr__(self) -> str:
        return f"Access({self.provider!r}, endpoint={self.endpoint!r}, key={'***' if self.key else ''!r})"

    @property
    def configured(self) -> bool:
        """Whether nothing of it was typed."""
        return not (self.endpoint or self.api_version or self.key)


def kept(access: Access) -> dict[str, str]:
    """As it may be stored: without its key."""
    return {"provider": access.provider, "endpoint": access.endpoint, "api_version": access.api_version}


class Clients:
    """A client for each access, made when it is first wanted; those that were not wanted for longest are let go."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self._clients: OrderedDict[Access, AsyncClient] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, access: Access) -> AsyncClient:
        """The client for this access. Raises ConfigError."""
        wanted = Access() if access.configured else access
        with self._lock:
            client = self._clients.get(wanted)
            if client is None:
                client = self._clients[wanted] = _client(self.config, wanted)
            self._clients.move_to_end(wanted)
            if len(self._clients) > MOST_CLIENTS:
                self._clients.popitem(last=False)  # whoever still reads from it keeps it alive
            return client

    async def aclose(self) -> None:
        """Close them all."""
        with self._lock:
            clients = list(self._clients.values())
            self._clients.clear()
        for client in clients:
            await client.aclose()


def provider_of(config: Config, access: Access) -> Provider:
    """The provider as it would be asked. Raises ConfigError for an address that a key must not be sent to."""
    row = config.providers[access.provider]
    endpoint = _endpoint(row, access.endpoint.strip())
    changes: dict[str, object] = {}
    if endpoint and endpoint not in (row.base_url, azure_root(row)):
        changes = {"base_url": endpoint, "secret": None, "needs_secret": row.needs_secret or row.secret is not None}
        if access.key and not endpoint.startswith("https://") and not is_loopback(endpoint):
            raise ConfigError(f"the endpoint {endpoint!r:.100} is not https: a key would travel in the open")
    if access.api_version.strip() and access.api_version.strip() != row.api_version:
        changes["api_version"] = access.api_version.strip()
    row = msgspec.structs.replace(row, **changes) if changes else row
    if row.azure and changes:
        row = azure.addressed(row, frozenset())
        azure.check(row)
    return row


def _endpoint(row: Provider, typed: str) -> str:
    """What was typed, in one form. Raises ConfigError for what is no address, and does not repeat it: people err."""
    try:
        return addresses.tidy(typed.partition("/openai")[0] if row.azure else typed) if typed else ""
    except ValueError as error:
        raise ConfigError(f"the endpoint cannot be used: expected {error}") from None


def azure_root(row: Provider) -> str:
    """A resource's endpoint, as people know it."""
    return row.base_url.partition("/openai")[0] if row.azure else row.base_url


def _client(config: Config, access: Access) -> AsyncClient:
    if access.configured:
        return AsyncClient(config)
    row = provider_of(config, access)
    changed = msgspec.structs.replace(config, providers={**config.providers, access.provider: row})
    return AsyncClient(changed, secrets={access.provider: access.key.strip()} if access.key.strip() else None)
