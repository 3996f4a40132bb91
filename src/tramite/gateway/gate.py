"""What all handlers of one process share: the client's core, the keys, and what is served. Answers no request."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import cached_property
from typing import Any, Protocol

from tramite.client.core import Core
from tramite.client.governance import for_programs
from tramite.config import Config
from tramite.config.names import nearest
from tramite.errors import ModelNotFound
from tramite.pipeline.metrics import Metrics
from tramite.pipeline.observing import Caller, Observer
from tramite.pipeline.tracing import if_configured
from tramite.providers.catalogue import canonical
from tramite.store.keys import Key

from .access import AccessFacts
from .admin_key import is_alone, is_from_here
from .asgi import Scope, address_of
from .keys import KeyRefused, KeyRing, caller, check_address, check_model, refused, secret_of

CLOSED = frozenset(("local",))
"""Providers that would open what a name says, on this machine: only models that the configuration names are served."""

LONGEST_NAME = 256
"""Of a model that the configuration does not name: names are kept, counted and told."""


class Served:
    """What one configuration serves: worked out once, since every request asks."""

    def __init__(self, config: Config) -> None:
        self.config = config
        targets = [target for route in config.routes.values() for target in route.targets]
        default = [config.default_model] if config.default_model else []
        self.named = frozenset([*targets, *config.models, *default])
        """Every target that the configuration names."""

    def check(self, model: str | None) -> None:
        """Raise ModelNotFound for what this configuration does not name: nobody opens a folder by asking for it."""
        if model is None or model in self.config.routes or model in self.named:
            return
        if len(model) > LONGEST_NAME:
            raise ModelNotFound(f"no model has a name of {len(model):,} characters: {model[:40]!r}…", status=404)
        prefix, slash, _ = model.partition("/")
        provider = canonical(prefix) if slash else self.config.default_provider
        if provider not in self.config.providers or (not slash and f"{provider}/{model}" in self.named):
            return  # what is wrong with a name that stands for nothing, the routes say
        if provider in CLOSED or provider not in self._open:
            near = nearest(model, [*self.config.routes, *self.named])
            raise ModelNotFound(f"the gateway does not serve {model[:200]!r}{near}", status=404)

    @cached_property
    def _open(self) -> frozenset[str]:
        """Providers that somebody said something of, or that need nothing to be said."""
        said = {key.split(".")[1].strip('"') for key in self.config.origins if key.startswith("providers.")}
        rows = self.config.providers.values()
        return frozenset([row.name for row in rows if row.name in said or row.secret is not None or row.in_process])


class Stream(Protocol):
    """An answer on its way to a client."""

    def drain(self) -> None:
        """End now, and tell the client why."""
        ...


class Gate:
    """One configuration at work. A reload swaps the core; keys, counted limits and the store go on."""

    def __init__(self, config: Config) -> None:
        self.metrics = Metrics()
        tracing = if_configured()
        observers: list[Observer] = [self.metrics, AccessFacts(), *([tracing] if tracing is not None else [])]
        self._core = Core(for_programs(config), None, None, observers=observers)
        self.served = Served(self._core.config)
        self.keyring = KeyRing(self._core.config.store.url)
        self.drains = asyncio.Event()
        """Set when the process is to end: what is under way may end, nothing new begins."""
        self.streams: set[Stream] = set()
        """Those that are under way."""
        self.reload: Callable[[], Awaitable[Any]] = _no_reload
        """Read the configuration again; what has changed. Raises TramiteError."""

    def __repr__(self) -> str:
        return f"Gate({self.core.governor!r})"

    @property
    def core(self) -> Core:
        """What answers requests now."""
        return self._core

    @core.setter
    def core(self, core: Core) -> None:
        self._core, self.served = core, Served(core.config)

    @property
    def config(self) -> Config:
        """What is configured now."""
        return self._core.config

    def caller(self, key: Key | None, address: str, model: str | None) -> Caller:
        """Who asks, and may ask for this model, which is served. Raises KeyRefused, ModelNotFound.

        In this order: what there is, is not for everybody to know.
        """
        if key is not None:
            check_model(key, model, self.config)
        self.served.check(model)
        return Caller(address=address) if key is None else caller(key, address)

    async def key_of(self, scope: Scope) -> Key | None:
        """The key that asks, from where it may; None where none is needed. Raises KeyRefused, StoreFailed."""
        if not self.keyring.in_use and not await self.keyring.came_into_use():
            if not is_from_here(scope):
                raise _without_keys()
            self._check_alone()
            return None
        secret = secret_of(scope)
        key = self.keyring.find(secret) or await self.keyring.load(secret)
        check_address(key, address_of(scope))
        return key

    async def caller_of(self, key_id: str, address: str, model: str | None) -> Caller:
        """Who asks, where a ticket stands for the key. Raises KeyRefused, ModelNotFound, StoreFailed."""
        if not self.keyring.in_use:
            self._check_alone()
            return self.caller(None, address, model)
        key = await self.keyring.live(key_id)
        check_address(key, address)
        return self.caller(key, address, model)

    def _check_alone(self) -> None:
        """Before there is any key, this machine alone may ask."""
        if not is_alone(self.config.gateway):
            raise _without_keys()

    def drain(self) -> None:
        """Tell the streams under way that they are to end now."""
        for stream in list(self.streams):
            stream.drain()

    async def start(self) -> None:
        """Read the keys. Raises ConfigError, MissingExtra, StoreFailed."""
        await self.keyring.start()

    async def aclose(self) -> None:
        """Write down what is queued, and let go of connections."""
        await self.keyring.aclose()
        await self._core.aclose()


def _without_keys() -> KeyRefused:
    return refused("this gateway has no key yet, and other machines ask it: tramite keys create NAME", "no_keys")


async def _no_reload() -> None:
    """An application that nobody operates has no configuration to read again."""
