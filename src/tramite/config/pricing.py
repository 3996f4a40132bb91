"""The price of a target: what the user says of it, else what is published, else that it is free, else unknown."""

from __future__ import annotations

import msgspec

from tramite.errors import ConfigError
from tramite.providers.prices.lookup import FREE, Price, find, given
from tramite.providers.rows import Provider

from .model import Config
from .names import target
from .places import prices_file
from .rules import dotted


def price_of(config: Config, provider: Provider, model: str) -> Price | None:
    """The price of a model at a provider. What `[models."provider/model"]` leaves out comes from what is published."""
    published = FREE if provider.free else find(provider.name, model, prices_file())
    facts = config.models.get(f"{provider.name}/{model}")
    if facts is None:
        return published
    said = given(facts.input_per_million, facts.output_per_million, facts.context_tokens)
    if published is None:
        return said
    rates = published.rates
    if said.rates.input is not None:
        rates = msgspec.structs.replace(rates, input=said.rates.input, cached=None, cache_write=None)
    if said.rates.output is not None:
        rates = msgspec.structs.replace(rates, output=said.rates.output, reasoning=None)
    source = published.source if rates is published.rates else said.source
    context_tokens = said.context_tokens or published.context_tokens
    return msgspec.structs.replace(published, rates=rates, context_tokens=context_tokens, source=source)


def unpriced(budget: str, name: str) -> str:
    """What is wrong with a target of unknown price under a budget, and what to do."""
    return (
        f"the budget {budget!r} cannot be kept at {name}, whose price is unknown: set input_per_million and "
        f'output_per_million under [models."{name}"] in tramite.toml (dollars; 0 where it is free)'
    )


def check_priced(config: Config) -> None:
    """Raise ConfigError where a route leads to a target whose price no budget could be held to."""
    budget = next(iter(config.budgets), None)
    if budget is None:
        return
    for name, route in config.routes.items():
        for one in route.targets:
            provider, model = target(config, one)
            if model and price_of(config, provider, model) is None:
                key = dotted(("routes", name, "targets"))
                raise ConfigError(f"{config.origins[key]}: {key}: {unpriced(budget, f'{provider.name}/{model}')}")
