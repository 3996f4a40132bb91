"""Which providers answer: all asked at once, in the background, for nothing but the list of their models.

Only what is configured is asked: a key that was typed into a page belongs to the address that was typed beside it.
Knows no page.
"""

from __future__ import annotations

import time
from concurrent.futures import Future
from typing import Any, Literal, TypeAlias

from msgspec import Struct

from tramite.config import Config
from tramite.errors import AuthenticationFailed, MissingExtra, MissingSecret
from tramite.providers.catalogue import CATALOGUE
from tramite.providers.rows import Provider
from tramite.workbench import facts
from tramite.workbench.access import Access
from tramite.workbench.house import House
from tramite.workbench.models import Listing

State: TypeAlias = Literal[
    "answers", "empty", "asking", "demo", "unlisted", "no_key", "refused", "absent", "not_installed", "failed"
]
STALE_S = 60.0
"""After this long, whoever looks wants to know anew."""


class Health(Struct, frozen=True):
    """How one provider does."""

    provider: Provider
    state: State
    models: int = 0
    took_s: float = 0.0
    failure: dict[str, Any] | None = None


class Check:
    """One look at all providers of a configuration."""

    def __init__(self, house: House) -> None:
        self._config = house.config
        self._began = time.monotonic()
        house.models.forget()
        self._asked = [(row, _ask(house, row)) for row in sorted(house.config.providers.values(), key=_rank)]

    def __repr__(self) -> str:
        return f"<Check: {sum(one.state == 'asking' for one in self.found)} still asked>"

    @property
    def done(self) -> bool:
        """Whether all have answered, or will not."""
        return all(future is None or future.done() for _, future in self._asked)

    @property
    def found(self) -> list[Health]:
        """What is known now: who was configured first, then local servers, then what is in this process."""
        return [_health(row, future) for row, future in self._asked]

    def holds(self, config: Config) -> bool:
        """Whether it is about this configuration, and not long ago."""
        return self._config is config and time.monotonic() - self._began < STALE_S


def _rank(row: Provider) -> int:
    own = row.secret is not None or row.name not in CATALOGUE
    return 0 if own else 2 if row.in_process else 1


def _ask(house: House, row: Provider) -> Future[Listing] | None:
    asked = row.ready and "models" in row.kinds and row.name != "demo"
    return house.models.ask(Access(provider=row.name)) if asked else None


def _health(row: Provider, future: Future[Listing] | None) -> Health:
    if future is None:
        return Health(row, "demo" if row.name == "demo" else "unlisted" if row.ready else "no_key")
    if not future.done():
        return Health(row, "asking")
    listing = future.result()
    took_s = listing.took_s or 0.0
    if listing.error is None:
        return Health(row, "answers" if listing.models else "empty", len(listing.models), took_s)
    return Health(row, _failed(row, listing), took_s=took_s, failure=facts.failure(listing.error))


def _failed(row: Provider, listing: Listing) -> State:
    """A local server of the catalogue that is not running is no failure, nor is a part that is not installed."""
    if isinstance(listing.error, AuthenticationFailed):
        return "refused"
    if isinstance(listing.error, MissingSecret):
        return "no_key"
    if isinstance(listing.error, MissingExtra):
        return "not_installed"
    return "absent" if listing.absent and row.local and row.name in CATALOGUE else "failed"
