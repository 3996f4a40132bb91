"""From a name to the endpoints that may answer. Knows configuration and catalogue; sends nothing of a user's."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from math import inf
from time import monotonic
from typing import NamedTuple

from tramite.calls import Kind
from tramite.config import Config, Route
from tramite.config.pricing import price_of
from tramite.dialects import registry
from tramite.errors import ConnectFailed, ModelNotFound, NoModelConfigured, Unsupported
from tramite.providers import local_servers
from tramite.providers.catalogue import CATALOGUE
from tramite.providers.retired import explain
from tramite.providers.rows import Provider
from tramite.wire.seam import Transport

from .choosing import in_order
from .endpoint import Endpoint, Shared

MOST_KNOWN = 1024
"""Names whose endpoints are kept: whoever may name any model must not fill the memory."""
ASKED_S = 60.0
"""How long a server's own answer holds as to which model it has loaded: people load another one while we run."""
PASSING_S = 5.0
"""How long a route does without a local server that was not there to say which model it has loaded."""


class Found(NamedTuple):
    """What a name stands for: the endpoints in the order in which they are to be asked, and the route that says so."""

    endpoints: Sequence[Endpoint]
    route: Route | None = None
    """None where one target was named, or taken by default."""
    name: str = ""
    """The route's."""


class Routes:
    """Finds the endpoints of an envelope, and keeps what it has found. `shared` makes what all requests to one target
    have in common, once for each."""

    def __init__(
        self,
        config: Config,
        transport_of: Callable[[Provider], Transport],
        now: Callable[[], float] = monotonic,
        shared: Callable[[Provider, str], Shared] = lambda provider, model: Shared(),
    ) -> None:
        self._config = config
        self._now = now
        self._transport_of = transport_of
        self._make_shared = shared
        self._shared: dict[str, Shared] = {}
        self._known: dict[tuple[str | None, Kind], Found] = {}
        self._until: dict[tuple[str | None, Kind], float] = {}

    def __repr__(self) -> str:
        return f"Routes({len(self._known)} known)"

    def resting_s(self, now: float) -> dict[str, float]:
        """Seconds for which each target that failed is left alone, by its name; `now` is the loop's time."""
        return {name: rest_s for name, each in self._shared.items() if (rest_s := each.standing.rest_s(now))}

    def known(self, name: str | None, kind: Kind) -> Found | None:
        """What `find` gives, where that need not be looked for."""
        found = self._known.get((name, kind))
        if found is None or (self._until and self._until.get((name, kind), inf) < self._now()):
            return None
        return _ordered(found)

    async def find(self, name: str | None, kind: Kind) -> Found:
        """The endpoints in their order. Raises ConfigError, Unsupported, ModelNotFound for a retired model."""
        return self.known(name, kind) or _ordered(await self._look_for(name, kind))

    async def _look_for(self, name: str | None, kind: Kind) -> Found:
        targets = await self._resolve(name)
        endpoints, passing = await self._endpoints(targets, kind)
        if len(self._known) >= MOST_KNOWN:
            self._known.clear()
            self._until.clear()
            self._shared.clear()
        route = self._config.route(name)
        asked = name or (self._config.default_model or "")
        found = Found(endpoints) if route is None else Found(endpoints, route, asked)
        self._known[name, kind] = found
        if passing or (not all(model for _, model in targets) and kind != "models"):
            self._until[name, kind] = self._now() + (PASSING_S if passing else ASKED_S)
        return found

    async def _endpoints(self, targets: Sequence[tuple[Provider, str]], kind: Kind) -> tuple[list[Endpoint], bool]:
        """Those of a route that can be asked; whether one was left out that may be there again soon.

        Raises what speaks against the first where none is left.
        """
        endpoints: list[Endpoint] = []
        failures: list[Unsupported | ConnectFailed] = []
        for target in targets:
            try:
                endpoints.append(await self._endpoint(*target, kind))
            except (Unsupported, ConnectFailed) as error:
                failures.append(error)
        if not endpoints:
            raise failures[0]
        return endpoints, any(isinstance(error, ConnectFailed) for error in failures)

    async def _resolve(self, model: str | None) -> Sequence[tuple[Provider, str]]:
        found = self._config.resolve(model)
        if found:
            return found
        for provider in await local_servers.answering(self._config, self._transport_of):
            return [(provider, "")]
        raise NoModelConfigured(
            "no model was named, none is configured, no provider has a secret, and no local server answers: "
            "name one (model='provider/model'), set a variable such as OPENAI_API_KEY, or default_model in tramite.toml"
        )

    async def _endpoint(self, provider: Provider, model: str, kind: Kind) -> Endpoint:
        dialect = registry.get(provider.dialect)
        if kind not in provider.kinds or kind not in dialect.operations:
            raise Unsupported(self._no_such_operation(provider, kind), "model")
        transport = self._transport_of(provider)
        if not model and kind != "models":
            model = await local_servers.loaded_model(provider, transport, kind)
        _refuse_retired(provider, model)
        price = price_of(self._config, provider, model)
        name = f"{provider.name}/{model}"
        if name not in self._shared:
            self._shared[name] = self._make_shared(provider, model)
        return Endpoint(provider, model, dialect, transport, price, self._shared[name])

    def _no_such_operation(self, provider: Provider, kind: Kind) -> str:
        has = ", ".join(provider.kinds)
        others = ", ".join(name for name, row in sorted(self._config.providers.items()) if kind in row.kinds)
        hint = "; or say via='chat' (--via chat) to send the prompt as one user message" if kind == "completion" else ""
        return f"{provider.name} has no {kind} operation (it has {has}); these have: {others or 'none'}{hint}"


def _ordered(found: Found) -> Found:
    route = found.route
    if route is None or route.choose == "ordered":
        return found
    return Found(in_order(route, found.endpoints, random.random), route, found.name)


def _refuse_retired(provider: Provider, model: str) -> None:
    """A name that its provider has withdrawn; behind an address of the user's own it may still be alive."""
    row = CATALOGUE.get(provider.name)
    gone = explain(provider.name, model)
    if gone is not None and row is not None and row.base_url == provider.base_url:
        raise ModelNotFound(gone).at(provider.name, model)
