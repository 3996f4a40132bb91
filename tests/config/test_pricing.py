"""The price of a target: what the user says of it, over what is published."""

from __future__ import annotations

from pathlib import Path

import pytest

from tramite.config import load
from tramite.config.pricing import price_of
from tramite.providers.prices.lookup import FREE, Price, find

MODEL = "gpt-4o-mini"
SAID = [(0, 3_000_000_000)]


def price(said: str, target: str = f"openai/{MODEL}") -> Price:
    file = Path("tramite.toml")
    file.write_text(f'[models."{target}"]\n{said}\n')
    config = load(file)
    provider, _, model = target.partition("/")
    found = price_of(config, config.providers[provider], model)
    assert found is not None
    return found


def published() -> Price:
    found = find("openai", MODEL)
    assert found is not None
    return found


def test_what_is_not_said_is_as_published() -> None:
    found = price("output_per_million = 3")
    assert (found.rates.input, found.rates.cached) == (published().rates.input, published().rates.cached)
    assert (found.rates.output, found.source) == (SAID, "tramite.toml")
    assert found.context_tokens == published().context_tokens


def test_cached_tokens_cost_what_the_input_is_said_to() -> None:
    found = price("input_per_million = 3")
    assert (found.rates.input, found.rates.cached) == (SAID, None)
    assert found.rates.output == published().rates.output


def test_a_window_that_is_said_leaves_the_prices_alone() -> None:
    found = price("context_tokens = 1000")
    assert (found.rates, found.source, found.context_tokens) == (published().rates, published().source, 1000)


@pytest.mark.parametrize("said", ["context_tokens = 1000", "input_per_million = 0"])
def test_what_is_free_stays_free(said: str) -> None:
    assert price(said, "demo/ok").rates == FREE.rates
