"""From layers to one configuration: the last layer wins, key by key; what belongs together is checked together."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tramite.errors import ConfigError, UnknownProvider
from tramite.providers.catalogue import canonical

from .layers import Layer
from .model import (
    EACH_ADDRESS,
    Budget,
    Cache,
    Config,
    Gateway,
    Limits,
    ModelFacts,
    Retry,
    Route,
    State,
    Store,
    Timeouts,
)
from .names import nearest, target
from .pricing import check_priced
from .providers import Surroundings, build, gather
from .rules import SECTIONS, dotted

_SECTIONS: Mapping[str, type[Any]] = {
    "retry": Retry,
    "timeouts": Timeouts,
    "store": Store,
    "state": State,
    "cache": Cache,
    "gateway": Gateway,
}
_NAMED: Mapping[str, type[Any]] = {"routes": Route, "limits": Limits, "budgets": Budget, "models": ModelFacts}

_NEEDED = {
    "routes": ("targets", 'a list such as ["openai/gpt-4o-mini"]'),
    "budgets": ("limit", 'dollars such as "50/month"'),
}
"""The key without which such a table says nothing."""


def assemble(stack: list[Layer], around: Surroundings, notices: list[str]) -> Config:
    """The configuration that the layers make, the last of them first. Raises ConfigError."""
    values: dict[tuple[str, ...], Any] = {}
    origins = {dotted((table, key)): "default" for table, keys in SECTIONS.items() for key in keys}
    for layer in stack:
        values |= layer.values
        origins |= {dotted(path): layer.origin(path) for path in layer.values if path[0] != "providers"}
    sections: dict[str, Any] = {
        table: make(**{path[1]: value for path, value in values.items() if path[0] == table})
        for table, make in _SECTIONS.items()
    }
    named: dict[str, Any] = {table: _named(table, make, values, origins) for table, make in _NAMED.items()}
    provider = values.get(("default_provider",))
    config = Config(
        default_model=values.get(("default_model",)),
        default_provider=canonical(provider) if provider else None,
        providers=build(gather(stack), around, origins),
        **sections,
        **named,
        origins=origins,
        notices=tuple(notices),
        files=tuple(Path(layer.source) for layer in stack if layer.folder),
    )
    _check(config)
    return config


def _named(
    table: str, make: type[Any], values: Mapping[tuple[str, ...], Any], origins: Mapping[str, str]
) -> dict[str, Any]:
    """The tables of one kind, by name."""
    rows: dict[str, dict[str, Any]] = {}
    for path, value in values.items():
        if path[0] == table:
            rows.setdefault(path[1], {})[path[2]] = value
    needed, example = _NEEDED.get(table, ("", ""))
    for name, row in rows.items():
        if needed and needed not in row:
            where = next(origins[dotted((table, name, key))] for key in row)
            raise ConfigError(f"{where}: {dotted((table, name))} has no {needed}; expected {example}")
    return {name: make(**row) for name, row in rows.items()}


def _check(config: Config) -> None:
    """Raise ConfigError for values that are fine alone, and wrong together."""
    provider = config.default_provider
    if provider is not None and provider not in config.providers:
        raise UnknownProvider(
            f"{config.origins['default_provider']}: default_provider is {provider!r}, which is no provider"
            f"{nearest(provider, config.providers)}"
        )
    for name in config.routes:
        _check_route(config, name)
    check_priced(config)
    for table, names in (("limits", config.limits), ("models", config.models)):
        for name in names:
            _check_target_name(config, table, name)
    if config.default_model is not None and config.default_model not in config.routes:
        _check_target(config, "default_model", config.default_model)
    if config.retry.base_s > config.retry.max_s:
        raise ConfigError(
            f"{config.origins['retry.base_s']}: retry.base_s is {config.retry.base_s}; expected at most retry.max_s, "
            f"which is {config.retry.max_s} ({config.origins['retry.max_s']})"
        )
    if config.gateway.workers > 1 and config.state.url == "memory":
        raise ConfigError(
            f"{config.origins['state.url']}: state.url is 'memory', and gateway.workers "
            f"{config.gateway.workers}: each would grant the whole limit; expected file or redis://…"
        )


def _check_route(config: Config, name: str) -> None:
    key = dotted(("routes", name, "targets"))
    if "/" in name or name in config.providers:
        raise ConfigError(
            f"{config.origins[key]}: a route cannot be called {name!r}: "
            f"{'a slash separates provider and model' if '/' in name else 'that is a provider'}"
        )
    for one in config.routes[name].targets:
        if one in config.routes:
            what = "itself" if one == name else f"the route {one!r}"
            raise ConfigError(f"{config.origins[key]}: {key} names {what}; expected targets such as openai/gpt-4o-mini")
        _check_target(config, key, one)
    route = config.routes[name]
    if (route.choose == "weighted" or route.weights) and len(route.weights) != len(route.targets):
        raise ConfigError(
            f"{config.origins[key]}: routes.{name} has {len(route.targets)} targets and {len(route.weights)} weights; "
            "expected one weight for each target"
        )


def _check_target(config: Config, key: str, name: str) -> None:
    try:
        target(config, name)
    except ConfigError as error:
        raise type(error)(f"{config.origins[key]}: {key}: {error}") from None


def _check_target_name(config: Config, table: str, name: str) -> None:
    prefix = canonical(name.partition("/")[0])
    if prefix not in config.providers and (table, name) != ("limits", EACH_ADDRESS):
        where = next(origin for key, origin in config.origins.items() if key.startswith(dotted((table, name)) + "."))
        raise UnknownProvider(
            f"{where}: {dotted((table, name))} is for no provider that there is{nearest(prefix, config.providers)}; "
            f"expected provider/model{' or address (what each client address may take)' if table == 'limits' else ''}"
        )
