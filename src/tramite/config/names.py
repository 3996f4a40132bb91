"""From a model's name to its targets, and from a wrong name to the nearest right ones. Decides; reads nothing."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import TYPE_CHECKING

from tramite.errors import ConfigError, UnknownProvider
from tramite.providers import azure
from tramite.providers.catalogue import canonical
from tramite.providers.retired import replacement
from tramite.providers.rows import Provider

if TYPE_CHECKING:
    from .model import Config


def resolve(config: Config, model: str) -> list[tuple[Provider, str]]:
    """The targets of a route, or the one of `provider/model`, or of a bare name at the default provider."""
    route = config.routes.get(model)
    found = [target(config, name) for name in (route.targets if route is not None else (model,))]
    for provider, _ in found:
        if provider.azure:
            azure.check(provider)
    return found


def target(config: Config, name: str) -> tuple[Provider, str]:
    """Provider and model of a name that is no route. The model may hold slashes, and be empty at a local server."""
    prefix, slash, model = name.partition("/")
    if not slash:
        return _bare(config, name)
    provider = config.providers.get(canonical(prefix))
    if provider is None:
        hint = nearest(prefix, config.providers)
        if config.default_provider:
            hint += f"; for a model of that name at {config.default_provider}, write {config.default_provider}/{name}"
        raise UnknownProvider(
            f"there is no provider {prefix!r} (asked for: {name!r}){hint}. "
            f"A model's name begins with its provider's; describe one of your own in [providers.{prefix}]"
        )
    model = model or default_model_of(provider)
    if not model and not provider.local:
        raise ConfigError(f"{name!r} names no model: write {provider.name}/MODEL")
    return provider, model


def default_model_of(provider: Provider) -> str:
    """The row's default model, or what its provider names instead since it has withdrawn it."""
    return replacement(provider.name, provider.default_model) or provider.default_model


def _bare(config: Config, name: str) -> tuple[Provider, str]:
    provider = config.providers.get(canonical(name))
    if provider is not None:
        raise ConfigError(
            f"{name!r} is a provider, not a model: write {provider.name}/{provider.default_model or 'MODEL'}"
        )
    if config.default_provider and name:
        return config.providers[config.default_provider], name
    hint = nearest(name, [*config.routes, *config.providers])
    raise UnknownProvider(
        f"{name!r} is no route, and there is no default_provider to ask for it{hint}. "
        f"Write provider/model, as in openai/{name or 'gpt-4o-mini'}, or set default_provider in tramite.toml"
    )


def nearest(name: str, known: Iterable[str]) -> str:
    """`; did you mean …?` with the name that it is all but equal to, or up to three that look like it; else nothing."""
    by_lower = {other.lower(): other for other in known}
    close = get_close_matches(name.lower(), by_lower, n=1, cutoff=0.85) or get_close_matches(name.lower(), by_lower)
    return f"; did you mean {' or '.join(by_lower[match] for match in close)}?" if close else ""
