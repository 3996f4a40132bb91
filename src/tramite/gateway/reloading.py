"""Another configuration while the gateway runs: all of it, or none. Knows what is built of it; answers no request."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from msgspec import Struct

from tramite.client.core import Core
from tramite.config import Config, show

logger = logging.getLogger("tramite.gateway")

AT_START = ("gateway.host", "gateway.port", "gateway.workers")
"""What is decided when the gateway starts."""
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


class Reloader:
    """Holds the `core` that new requests take. `load` reads the configuration as it was read at the start; `use` is told
    of the new one, after nothing can fail any more."""

    def __init__(self, core: Core, load: Callable[[], Config], use: Callable[[Core], None]) -> None:
        self.core = core
        self._load = load
        self._use = use
        self._one_at_a_time = asyncio.Lock()
        self._closing: set[asyncio.Task[None]] = set()

    async def reload(self) -> Changes:
        """What has changed. Raises TramiteError, naming file, key and value; then nothing has.

        Requests that have begun end on what they began with.
        """
        async with self._one_at_a_time:
            config = await asyncio.to_thread(self._load)  # files, and perhaps commands for secrets
            old, changes = self.core, compare(self.core.config, config)
            new = old.renewed(config)
            self.core = new
            self._use(new)
            task = asyncio.get_running_loop().create_task(_close_later(old, new))
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)
            return changes

    async def aclose(self) -> None:
        """Close what is in use, and what still waited to be closed."""
        for task in list(self._closing):
            task.cancel()
        await asyncio.gather(*self._closing, return_exceptions=True)
        await self.core.aclose()


def compare(old: Config, new: Config) -> Changes:
    """What the second has otherwise than the first."""
    before, after = _settings(old), _settings(new)
    added = tuple(sorted(after.keys() - before.keys()))
    removed = tuple(sorted(before.keys() - after.keys()))
    changed = tuple(sorted(key for key in before.keys() & after.keys() if before[key] != after[key]))
    waits = tuple(key for key in AT_START if key in (*added, *removed, *changed))
    return Changes(added, removed, changed, waits)


def _settings(config: Config) -> dict[str, str]:
    """As people are shown them: where a secret comes from and how it ends, never more."""
    return {row.key: row.value for row in show.rows(config)}


async def _close_later(old: Core, new: Core) -> None:
    """Close what the new one does not go on with, when the last request of the old one must have ended."""
    try:
        await asyncio.sleep(old.config.timeouts.deadline_s + GRACE_S)
    finally:
        await old.release(new)
