"""The price of a target: what the user says of it, else what is published, else that it is free, else unknown."""

from __future__ import annotations

import msgspec

from tramite.config import Config
from tramite.config.places import prices_file
from tramite.providers.prices.lookup import FREE, Price, find, given
from tramite.providers.rows import Provider


def price_of(config: Config, provider: Provider, model: str) -> Price | None:
    """The price of a model at a provider. What `[models."provider/model"]` leaves out comes from what is published."""
    published = FREE if provider.free else find(provider.name, model, prices_file())
    facts = config.models.get(f"{provider.name}/{model}")
    if facts is None:
        return published
    said = given(facts.input_per_million, facts.output_per_million, facts.context_tokens)
    if published is None:
        return said
    if facts.input_per_million is None and facts.output_per_million is None:
        return msgspec.structs.replace(published, context_tokens=facts.context_tokens or published.context_tokens)
    return msgspec.structs.replace(said, context_tokens=facts.context_tokens or published.context_tokens)
