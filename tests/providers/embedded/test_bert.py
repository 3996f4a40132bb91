"""The parts of the numpy model, each against its definition."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tramite.providers.batches import batches
from tramite.providers.embedded.bert import gelu
from tramite.providers.embedded.language import looks_foreign


def test_gelu_is_exact_to_a_millionth() -> None:
    x = np.concatenate([np.linspace(-12, 12, 40_001), [-1e30, -0.0, 0.0, 1e-20, 1e30]]).astype(np.float32)
    exact = np.array([value / 2 * (1 + math.erf(value / math.sqrt(2))) for value in x.astype(np.float64)])
    got = x.copy()
    gelu(got)
    assert np.abs(got - exact)[:-1].max() < 2e-6
    assert got[-1] == x[-1]


def test_gelu_works_on_more_numbers_than_it_takes_at_once() -> None:
    rows = np.arange(40_000, dtype=np.float32).reshape(100, 400) / 10_000 - 2
    whole, by_row = rows.copy(), rows.copy()
    gelu(whole)
    for row in by_row:
        gelu(row)
    assert np.array_equal(whole, by_row)


@given(st.lists(st.integers(1, 256)), st.integers(1, 600))
def test_batches_hold_every_text_once_and_no_more_tokens_than_allowed(lengths: list[int], most: int) -> None:
    found = list(batches(lengths, most))
    assert sorted(position for batch in found for position in batch) == list(range(len(lengths)))
    assert all(len(batch) * max(lengths[p] for p in batch) <= most or len(batch) == 1 for batch in found)
    in_order = [lengths[position] for batch in found for position in batch]
    assert in_order == sorted(lengths)


@pytest.mark.parametrize(
    ("text", "foreign"),
    [
        ("Cosa fare sulle Alpi", True),
        ("Wo ist der Bahnhof und wie komme ich zu dem Hotel?", True),
        ("Où est la gare, et quel est le prix ?", True),
        ("¿Dónde está la estación de los trenes?", True),
        ("Привет, как дела?", True),
        ("今日は良い天気ですね", True),
        ("What to do in the Alps", False),
        ("Los Angeles", False),
        ("The menu of the trattoria: spaghetti con vongole", False),
        ("def f(x): return x ** 2", False),
        ("😀 👍", False),
        ("", False),
    ],
)
def test_a_guess_at_the_language(text: str, foreign: bool) -> None:
    assert looks_foreign([text]) is foreign


def test_the_guess_looks_at_the_first_texts_only() -> None:
    assert not looks_foreign(["the end of it"] * 64 + ["il cane e la gatta sono nella casa della nonna"] * 1_000)
