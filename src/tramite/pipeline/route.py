"""From a name to the endpoints that may answer. Knows configuration and catalogue; sends nothing of a user's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf
from time import monotonic

from tramite.calls import Kind
from tramite.config import Config
from tramite.dialects import registry
from tramite.errors import ModelNotFound, NoModelConfigured, Unsupported
from tramite.providers import local_servers
from tramite.providers.catalogue import CATALOGUE
from tramite.providers.retired import replacement
from tramite.providers.rows import Provider
from tramite.wire.seam import Transport

from .endpoint import Endpoint
from .envelope import Envelope
from .pricing import price_of

MOST_KNOWN = 1024
"""Names whose endpoints are kept: whoever may name any model must not fill the memory."""
ASKED_S = 60.0
"""How long a server's own answer holds as to which model it has loaded: people load another one while we run."""


class Routes:
    """Finds the endpoints of an envelope, and keeps what it has found."""

    def __init__(
        self, config: Config, transport_of: Callable[[Provider], Transport], now: Callable[[], float] = monotonic
    ) -> None:
        self._config = config
        self._now = now
        self._transport_of = transport_of
        self._known: dict[tuple[str | None, Kind], list[Endpoint]] = {}
        self._until: dict[tuple[str | None, Kind], float] = {}

    def __repr__(self) -> str:
        return f"Routes({len(self._known)} known)"

    async def __call__(self, envelope: Envelope) -> Sequence[Endpoint]:
        """See `find`."""
        return await self.find(envelope.model, envelope.kind)

    async def find(self, name: str | None, kind: Kind) -> Sequence[Endpoint]:
        """The endpoints in their order. Raises ConfigError, Unsupported, ModelNotFound for a retired model."""
        endpoints = self._known.get((name, kind))
        if endpoints is None or (self._until and self._until.get((name, kind), inf) < self._now()):
            endpoints = await self._look_for(name, kind)
        return endpoints

    async def _look_for(self, name: str | None, kind: Kind) -> list[Endpoint]:
        targets = await self._resolve(name)
        endpoints = [await self._endpoint(*target, kind) for target in targets]
        if len(self._known) >= MOST_KNOWN:
            self._known.clear()
            self._until.clear()
        self._known[name, kind] = endpoints
        if not all(model for _, model in targets) and kind != "models":
            self._until[name, kind] = self._now() + ASKED_S
        return endpoints

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
        return Endpoint(provider, model, dialect, transport, price_of(self._config, provider, model))

    def _no_such_operation(self, provider: Provider, kind: Kind) -> str:
        has = ", ".join(provider.kinds)
        others = ", ".join(name for name, row in sorted(self._config.providers.items()) if kind in row.kinds)
        hint = "; or say via='chat' (--via chat) to send the prompt as one user message" if kind == "completion" else ""
        return f"{provider.name} has no {kind} operation (it has {has}); these have: {others or 'none'}{hint}"


def _refuse_retired(provider: Provider, model: str) -> None:
    """A name that its provider has withdrawn; behind an address of the user's own it may still be alive."""
    row = CATALOGUE.get(provider.name)
    new = replacement(provider.name, model)
    if new is not None and row is not None and row.base_url == provider.base_url:
        error = ModelNotFound(f"the model {model} was retired; its replacement is {provider.name}/{new}")
        raise error.at(provider.name, model)
