"""Another configuration while the gateway runs: all of it, or none. Knows what is built of it; answers no request."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

import msgspec
from msgspec import Struct

from tramite.client.core import Core
from tramite.config import Config, show
from tramite.config.rules import dotted
from tramite.errors import TramiteError

AT_START = ("gateway.host", "gateway.port", "gateway.workers", "store.url")
"""What is decided when the gateway starts: who may ask without a key hangs on where it listens, and keys are in the
store."""
GRACE_S = 5.0


class Changes(Struct, frozen=True):
    """What is another setting now, by dotted key. No values: some are secrets."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    after_restart: tuple[str, ...] = ()
    """Of these, the ones that wait for the next start."""

    def __str__(self) -> str:
        kinds = {name: getattr(self, name) for name in self.__struct_fields__}
        told = "; ".join(f"{name.replace('_', ' ')}: {', '.join(keys)}" for name, keys in kinds.items() if keys)
        return told or "nothing changed"


class HasCore(Protocol):
    """Where new requests find their core."""

    core: Core


class Reloader:
    """Swaps the core of a `gate`. `load` reads the configuration as it was read at the start; `told` learns of the new
    one, when nothing can fail any more."""

    def __init__(self, gate: HasCore, load: Callable[[], Config], told: Callable[[Config], None]) -> None:
        self._gate = gate
        self._load = load
        self._told = told
        self._one_at_a_time = asyncio.Lock()
        self._closing: set[asyncio.Task[None]] = set()

    @property
    def closing(self) -> int:
        """How many old ones still wait for their last request to end."""
        return len(self._closing)

    async def reload(self) -> Changes:
        """What has changed. Raises TramiteError, naming file, key and value; then nothing has.

        Requests that have begun end on what they began with.
        """
        async with self._one_at_a_time:
            config = await asyncio.to_thread(self._load)  # files, and it may be a slow disk
            old = self._gate.core
            changes = compare(old.config, config)
            config = _as_started(old.config, config)
            new = old.renewed(config)
            self._gate.core = new
            self._told(config)
            task = asyncio.get_running_loop().create_task(_close_later(old, new))
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)
            return changes


def compare(old: Config, new: Config) -> Changes:
    """What the second has otherwise than the first."""
    before, after = _settings(old), _settings(new)
    added = tuple(sorted(after.keys() - before.keys()))
    removed = tuple(sorted(before.keys() - after.keys()))
    changed = tuple(sorted(key for key in before.keys() & after.keys() if before[key] != after[key]))
    waits = tuple(key for key in AT_START if key in (*added, *removed, *changed))
    return Changes(added, removed, changed, waits)


def _as_started(old: Config, new: Config) -> Config:
    """The new one with what only a restart can change as it was."""
    replace, ours = msgspec.structs.replace, old.gateway
    gateway = replace(new.gateway, host=ours.host, port=ours.port, workers=ours.workers)
    return replace(new, gateway=gateway, store=replace(new.store, url=old.store.url))


def _settings(config: Config) -> dict[str, str]:
    """As people are shown them; and the secrets that can be read at once, to be compared and never shown."""
    settings = {row.key: row.value for row in show.rows(config)}
    for provider in config.providers.values():
        key = dotted(("providers", provider.name, "api_key"))
        if key in settings and provider.secret is not None and not provider.secret.blocking:
            with suppress(TramiteError):  # one that is missing is compared as it is shown
                settings[key] = provider.secret.reveal()
    return settings


async def _close_later(old: Core, new: Core) -> None:
    """Close what the new one does not go on with, when the last request of the old one must have ended."""
    try:
        await asyncio.sleep(old.config.timeouts.deadline_s + GRACE_S)
    finally:
        await old.release(new)
