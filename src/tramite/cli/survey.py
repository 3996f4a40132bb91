"""Asks providers what they have, all at once and not for long. One that fails does not keep the others from telling."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from time import monotonic

import msgspec
from msgspec import Struct

from tramite.client.asynchronous import AsyncClient
from tramite.config import Config
from tramite.errors import ConnectFailed, MissingExtra, TramiteError
from tramite.providers.catalogue import CATALOGUE
from tramite.providers.rows import Provider
from tramite.replies import ModelInfo

CONNECT_S = 3.0
DEADLINE_S = 15.0


class Told(Struct, frozen=True):
    """What one provider has, or why that is not known."""

    provider: Provider
    models: tuple[ModelInfo, ...] = ()
    error: TramiteError | None = None
    took_s: float = 0.0

    @property
    def absent(self) -> bool:
        """A local server of the catalogue that is not running, an optional part that is not installed: no failure."""
        if self.provider.in_process:
            return isinstance(self.error, MissingExtra)
        return isinstance(self.error, ConnectFailed) and self.provider.name in CATALOGUE and self.provider.local


def reachable(config: Config) -> list[Provider]:
    """Who can be asked: providers with a secret, or that need none."""
    return [row for row in config.providers.values() if row.ready and not row.in_process and "models" in row.kinds]


def built_in(config: Config) -> list[Provider]:
    """Who answers in this process, with a model behind it. It is another question whether one can talk with it."""
    return [row for row in config.providers.values() if row.in_process and "models" in row.kinds and row.name != "demo"]


def ask(config: Config, providers: Sequence[Provider]) -> list[Told]:
    """What they have, in their order. Nothing is tried twice."""
    return asyncio.run(_ask(_quick(config), providers))


def _quick(config: Config) -> Config:
    timeouts = msgspec.structs.replace(
        config.timeouts, connect_s=min(config.timeouts.connect_s, CONNECT_S), deadline_s=DEADLINE_S
    )
    retry = msgspec.structs.replace(config.retry, attempts=1)
    return msgspec.structs.replace(config, timeouts=timeouts, retry=retry)


async def _ask(config: Config, providers: Sequence[Provider]) -> list[Told]:
    async with AsyncClient(config) as client:
        return list(await asyncio.gather(*(_one(client, provider) for provider in providers)))


async def _one(client: AsyncClient, provider: Provider) -> Told:
    began = monotonic()
    try:
        models = await client.models(provider.name)
    except TramiteError as error:
        return Told(provider, error=error, took_s=monotonic() - began)
    return Told(provider, tuple(models), took_s=monotonic() - began)


def named(told: Sequence[Told]) -> Iterator[tuple[str, ModelInfo]]:
    """Every model by its full name."""
    for one in told:
        for model in one.models:
            yield f"{one.provider.name}/{model.id}", model
