"""What all handlers of one process share: the client's core, the keys, and what is served. Answers no request."""

from __future__ import annotations

import asyncio

from tramite.client.core import Core
from tramite.client.governance import for_programs
from tramite.config import Config
from tramite.config.names import nearest
from tramite.errors import ModelNotFound
from tramite.pipeline.metrics import Metrics
from tramite.pipeline.observing import Caller
from tramite.providers.catalogue import canonical
from tramite.store import Store

from .asgi import Scope, address_of

CLOSED = ("local",)
"""Providers that would open what a name says, on this machine: only models that the configuration names are served."""


class Gate:
    """One configuration at work. A reload makes another one of it and swaps them (`core`)."""

    def __init__(self, config: Config, metrics: Metrics | None = None) -> None:
        self.metrics = metrics or Metrics()
        self.core = self._made(config)
        self.drains = asyncio.Event()
        """Set when the process is to end: what is under way may end, nothing new begins."""

    def __repr__(self) -> str:
        return f"Gate({self.core.governor!r})"

    @property
    def config(self) -> Config:
        """What is configured now."""
        return self.core.config

    @property
    def store(self) -> Store:
        """Where keys and ledger are."""
        ledger = self.core.governor.ledger
        if ledger is None:
            raise RuntimeError("a gateway always has a store")
        return ledger.store

    def _made(self, config: Config) -> Core:
        return Core(for_programs(config), None, None, observers=[self.metrics])

    def caller(self, scope: Scope, model: str | None) -> Caller:
        """Who asks. Raises AuthenticationFailed, ModelNotFound."""
        return self.caller_of(self.authenticate(scope), address_of(scope), model)

    def authenticate(self, scope: Scope) -> str:
        """The name of the key that asks; empty where none is needed. Raises AuthenticationFailed."""
        return ""

    def caller_of(self, key: str, address: str, model: str | None) -> Caller:
        """Who asks, where a ticket stands for the key. Raises AuthenticationFailed, ModelNotFound."""
        return Caller(key=key, address=address)

    def check_served(self, model: str | None) -> None:
        """Raise ModelNotFound for what this configuration does not name: nobody opens a folder by asking for it."""
        if model is None or model in self.config.routes:
            return
        prefix, slash, _ = model.partition("/")
        provider = canonical(prefix)
        if not slash or provider not in self.config.providers:
            return  # a bare name, or one that is wrong: the routes say what is
        if model in self.named:
            return
        if provider in CLOSED or not self._is_configured(provider):
            known = [*self.config.routes, *self.named]
            raise ModelNotFound(f"the gateway does not serve {model!r}{nearest(model, known)}", status=404)

    @property
    def named(self) -> frozenset[str]:
        """Every target that the configuration names."""
        config = self.config
        targets = [target for route in config.routes.values() for target in route.targets]
        return frozenset([*targets, *config.models, *([config.default_model] if config.default_model else [])])

    def _is_configured(self, provider: str) -> bool:
        """Whether somebody said something of it, or it needs nothing to be said."""
        row = self.config.providers[provider]
        said = any(key.startswith(f"providers.{provider}.") for key in self.config.origins)
        return said or row.secret is not None or row.in_process

    async def aclose(self) -> None:
        """Write down what is queued, and let go of connections."""
        await self.core.aclose()
