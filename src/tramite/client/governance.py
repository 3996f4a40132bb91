"""Makes of a configuration what governs a client: limits, budgets, ledger, observers. Sends nothing.

The library counts limits in this process and keeps no ledger, unless it was configured. Programs that start several
processes (the command line, the gateway, the workbench) ask for `for_programs`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import partial

import msgspec

from tramite.config import EACH_ADDRESS, Config, Limits
from tramite.config.places import ledger_file, limits_dir
from tramite.pipeline.endpoint import Shared
from tramite.pipeline.governing import Governor
from tramite.pipeline.limits import counted
from tramite.pipeline.limits.limiter import Limiter
from tramite.pipeline.limits.memory import MemoryState
from tramite.pipeline.limits.scope import Scope
from tramite.pipeline.limits.state import State
from tramite.pipeline.observing import Observer
from tramite.providers.rows import Provider
from tramite.providers.token_counts import TokenRatios

_NONE = Limits()


def for_programs(config: Config) -> Config:
    """The configuration with what programs keep on disk unless told otherwise: a ledger, and shared limits."""
    store = config.store if config.store.url else msgspec.structs.replace(config.store, url=_default_store())
    state = config.state if config.state.url else msgspec.structs.replace(config.state, url="file")
    return msgspec.structs.replace(config, store=store, state=state)


def governor(
    config: Config, observers: Sequence[Observer] = (), earlier: tuple[Config, Governor] | None = None
) -> Governor:
    """Nothing is opened before the first request. Of an `earlier` one it goes on with the limits that are counted and
    the store, where they are in the same place. Raises ConfigError, MissingExtra."""
    if earlier is not None and earlier[0].state == config.state:
        limiter = earlier[1].limiter
    else:
        limiter = None if config.state.url == "off" else Limiter(open_state(config))
    each_address = config.limits.get(EACH_ADDRESS) if EACH_ADDRESS not in config.providers else None
    if not (config.store.url or config.budgets):
        return Governor(limiter, None, observers, each_address)
    from tramite.pipeline.ledger import Ledger
    from tramite.store import open_store

    url = config.store.url or _default_store()
    before = earlier and earlier[1].ledger
    store = before.store if before and before.store.url == url else open_store(url)
    ledger = Ledger(store, config.budgets, keep_text=config.store.keep_text)
    return Governor(limiter, ledger, observers, each_address)


def shared(config: Config, ratios: TokenRatios, provider: Provider, model: str) -> Shared:
    """What all requests to one target have in common. What runs in this process is limited only where that is asked."""
    name = f"{provider.name}/{model}"
    whole, own = config.limits.get(provider.name), config.limits.get(name)
    scopes: list[Scope] = []
    account = _account(provider)
    if whole is not None:
        scopes.append(Scope(f"{provider.name}{account}", whole))
    if own is not None or not provider.in_process:
        scopes.append(Scope(f"{name}{account}", own or _NONE, learns=not provider.in_process))
    return Shared(tuple(scopes), partial(_estimate, ratios, name))


def _estimate(ratios: TokenRatios, name: str, size: int) -> int:
    return ratios.estimate(name, size).tokens


def _account(provider: Provider) -> str:
    """Whose limits they are: another address or secret has others. A digest, from which neither can be told."""
    secret = provider.secret
    if secret is None:
        told = provider.base_url
    else:
        told = f"{provider.base_url} {secret.origin if secret.blocking else secret.reveal()}"
    return "@" + hashlib.blake2b(told.encode(), digest_size=4, key=b"tramite limits").hexdigest()


def open_state(config: Config) -> State:
    """Where limits are counted. Raises ConfigError, MissingExtra."""
    url = config.state.url
    if url == "file":
        from tramite.pipeline.limits.file import FileState

        return FileState(limits_dir())
    if url.startswith(("redis://", "rediss://")):
        from tramite.pipeline.limits.redis import RedisState

        return RedisState(url, if_unreachable=config.state.if_unreachable)
    return MemoryState()


async def limits_in_use(config: Config) -> list[counted.Counted]:
    """How much of each limit is used now, by whichever process. Raises ConfigError, MissingExtra, TramiteError."""
    state = open_state(config)
    try:
        return counted.buckets(config, await state.read())
    finally:
        await state.aclose()


def _default_store() -> str:
    from tramite.store import sqlite_url

    return sqlite_url(ledger_file())
