"""Which models a provider has, asked on the background loop and remembered for a while. Knows no page."""

from __future__ import annotations

import time
from concurrent.futures import Future, TimeoutError
from threading import Lock

import msgspec
from msgspec import Struct

from tramite.client.asynchronous import AsyncClient
from tramite.config import Config
from tramite.errors import ConnectFailed, TramiteError
from tramite.providers.rows import Provider

from .access import Access, provider_of
from .background import Generations

FRESH_S = 60.0
PATIENCE_S = 0.3
"""How long a page waits for a list; where it takes longer, it comes with a later look."""
DEADLINE_S = 10.0


class Listing(Struct, frozen=True):
    """What a provider said it has; `error` where it did not say, neither where it was not heard yet."""

    models: tuple[str, ...] = ()
    error: TramiteError | None = None
    took_s: float | None = None

    @property
    def known(self) -> bool:
        """Whether it was heard."""
        return self.took_s is not None

    @property
    def absent(self) -> bool:
        """Nobody listens there."""
        return isinstance(self.error, ConnectFailed)


class Catalogue:
    """The lists of models, by access."""

    def __init__(self, config: Config, generations: Generations) -> None:
        self._config = _quick(config)
        self._generations = generations
        self._asked: dict[Access, tuple[float, Future[Listing]]] = {}
        self._lock = Lock()

    def of(self, access: Access, patience_s: float = PATIENCE_S) -> Listing:
        """What this provider has. It is asked when the last answer is old; meanwhile nothing is known."""
        future = self.ask(access)
        try:
            return future.result(patience_s)
        except TimeoutError:
            return Listing()

    def ask(self, access: Access) -> Future[Listing]:
        """The same, for who asks several at once."""
        with self._lock:
            at, future = self._asked.get(access, (0.0, None))
            failed = future is not None and future.done() and future.result().error is not None
            if future is None or time.monotonic() - at > (5.0 if failed else FRESH_S):
                future = self._generations.run(_ask(self._config, access))
                self._asked[access] = (time.monotonic(), future)
            return future

    def forget(self) -> None:
        """Ask anew when somebody wants to know."""
        with self._lock:
            self._asked.clear()


def reachable(config: Config) -> list[Provider]:
    """Who can be asked for a list without anything being typed: those with a secret, and local servers."""
    return [row for row in config.providers.values() if row.ready and not row.in_process and "models" in row.kinds]


async def _ask(config: Config, access: Access) -> Listing:
    began = time.monotonic()
    try:
        row = provider_of(config, access)
        changed = msgspec.structs.replace(config, providers={**config.providers, access.provider: row})
        secrets = {access.provider: access.key.strip()} if access.key.strip() else None
        async with AsyncClient(changed, secrets=secrets) as client:
            found = await client.models(access.provider)
    except TramiteError as error:
        return Listing(error=error, took_s=time.monotonic() - began)
    return Listing(tuple(model.id for model in found), took_s=time.monotonic() - began)


def _quick(config: Config) -> Config:
    """Nothing is tried twice, or booked: a list costs nothing."""
    timeouts = msgspec.structs.replace(config.timeouts, connect_s=2.0, deadline_s=DEADLINE_S)
    return msgspec.structs.replace(
        config,
        timeouts=timeouts,
        retry=msgspec.structs.replace(config.retry, attempts=1),
        store=msgspec.structs.replace(config.store, url=""),
        state=msgspec.structs.replace(config.state, url="off"),
        budgets={},
    )
