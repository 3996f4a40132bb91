"""The rows of the catalogue, and the models that are gone."""

from __future__ import annotations

import ast
from datetime import date
from pathlib import Path

import pytest

import tramite.providers.catalogue as module
from tramite.calls import COUNTS, RANGES
from tramite.providers import addresses
from tramite.providers.catalogue import ALIASES, CATALOGUE, canonical
from tramite.providers.retired import explain, history, replacement
from tramite.providers.rows import Provider

NAMES = """openai openai-responses lmstudio text-generation-webui ollama vllm llamacpp groq mistral together openrouter
    deepseek xai
    fireworks perplexity cerebras nvidia embedded local demo azure anthropic gemini"""
TODAY = date(2026, 11, 23)
rows = pytest.mark.parametrize("row", CATALOGUE.values(), ids=CATALOGUE)


def test_every_promised_provider_has_a_row() -> None:
    assert set(CATALOGUE) >= set(NAMES.split())
    assert canonical("llama.cpp") == "llamacpp"
    assert set(ALIASES.values()) <= set(CATALOGUE)


def test_a_row_is_at_most_ten_lines() -> None:
    tree = ast.parse(Path(module.__file__).read_text())
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and ast.unparse(node.func) == "Provider"]
    assert len(calls) == len(CATALOGUE)
    # from the first fact to the last, as one counts them; the two lines around are brackets
    assert max((call.end_lineno or 0) - call.lineno - 1 for call in calls) <= 10


@rows
def test_a_row_is_sound(row: Provider) -> None:
    assert row.secret is None
    assert bool(row.secret_names) or not row.needs_secret
    assert bool(row.secret_url) == row.needs_secret
    assert bool(row.default_model or row.model_name) != row.local
    if row.in_process:
        assert row.loopback
    else:
        assert addresses.tidy(row.base_url) == row.base_url
        assert row.loopback == row.local
        assert row.local or row.base_url.startswith("https://")
    known = {*RANGES, *COUNTS, "stop", "tools", "response_format", "reasoning_effort", "suffix"}
    assert set(row.traits.unsupported) <= known


def test_no_variable_belongs_to_two_addresses() -> None:
    homes: dict[str, set[str]] = {}
    for row in CATALOGUE.values():
        for name in (*row.secret_names, row.url_name):
            homes.setdefault(name, set()).add(row.base_url)
    assert {name for name, known in homes.items() if name and len(known) > 1} == set()


def test_a_missing_secret_says_where_to_get_one() -> None:
    text = CATALOGUE["openai"].how_to_get_a_secret()
    assert "OPENAI_API_KEY" in text
    assert "https://platform.openai.com/api-keys" in text


@pytest.mark.parametrize(
    ("provider", "model", "instead"),
    [
        ("openai", "text-davinci-003", "gpt-6-luna"),
        ("openai", "gpt-3.5-turbo", "gpt-5.6-terra"),
        ("openai", "gpt-4", "gpt-5.6-sol"),
        ("openai-responses", "gpt-4", "gpt-5.6-sol"),
        ("openai", "text-similarity-ada-001", "text-embedding-3-small"),
        ("groq", "mixtral-8x7b-32768", "openai/gpt-oss-120b"),
        ("mistral", "open-mixtral-8x7b", "mistral-small-latest"),
        ("deepseek", "deepseek-chat", "deepseek-flash"),
        ("openai", "gpt-4o-mini", None),
        ("openai", "text-embedding-3-small", None),
        ("openai", "no-such-model", None),
        ("azure", "gpt-4", None),
        ("groq", "gpt-4", None),
    ],
)
def test_a_model_that_is_gone_has_a_replacement_that_is_not(provider: str, model: str, instead: str | None) -> None:
    assert replacement(provider, model, TODAY) == instead
    if instead is not None:
        assert history(provider, instead, date(2026, 12, 31)) == []


def test_a_model_is_gone_from_its_day_on() -> None:
    assert replacement("openai", "gpt-4o-mini", date(2027, 1, 13)) is None
    assert replacement("openai", "gpt-4o-mini", date(2027, 1, 14)) == "gpt-6-luna"


def test_the_way_to_the_replacement_is_told() -> None:
    text = explain("openai", "text-davinci-003", TODAY)
    assert text is not None
    assert "text-davinci-003 is withdrawn as of 2024-01-04, for gpt-3.5-turbo-instruct" in text
    assert text.endswith("Ask for openai/gpt-6-luna")
    assert explain("openai", "gpt-6-luna", TODAY) is None
