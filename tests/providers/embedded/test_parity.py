"""Our vectors are those of sentence-transformers, on two hundred texts; tests/local makes the table anew."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.providers.embedded.texts import texts
from tramite import AsyncClient
from tramite.errors import ContextTooLong

MODEL = "embedded/all-minilm-l6-v2"
EXPECTED = Path(__file__).with_name("expected.npz")


async def test_two_hundred_texts_get_the_vectors_that_sentence_transformers_gives_them() -> None:
    expected = np.load(EXPECTED)["vectors"].astype(np.float64)
    async with AsyncClient() as llm:
        reply = await llm.embed(texts(), model=MODEL, truncate=True)
    ours = np.array(reply.vectors)
    assert np.allclose(np.linalg.norm(ours, axis=1), 1, atol=1e-6)
    cosines = (ours * expected).sum(axis=1) / np.linalg.norm(expected, axis=1)
    worst = int(cosines.argmin())
    assert cosines[worst] >= 0.99999, (worst, texts()[worst][:80])


async def test_a_text_has_the_same_vector_alone_and_in_any_company() -> None:
    some = texts()[5:60:5]
    async with AsyncClient() as llm:
        together = (await llm.embed(some, model=MODEL, truncate=True)).vectors
        alone = [(await llm.embed(text, model=MODEL, truncate=True)).vectors[0] for text in some]
    assert np.allclose(together, alone, atol=1e-6)


async def test_it_is_an_english_model() -> None:
    """So that nobody is led to believe otherwise: in Italian, what belongs together is further apart than strangers."""
    events, to_do, dog = "Eventi in montagna nel 2025", "Cosa fare sulle Alpi", "Il cane dorme sul divano"
    async with AsyncClient() as llm:
        italian = await llm.embed([events, to_do, dog], model=MODEL)
        english = await llm.embed(["Mountain walks in summer", "Hiking trails in the Alps", "The dog"], model=MODEL)
    near = np.array(italian.vectors) @ np.array(italian.vectors).T
    assert near[0, 1] == pytest.approx(0.2857, abs=1e-3)
    assert near[1, 2] > near[0, 1]
    assert any("knows English alone" in notice for notice in italian.notices)
    near = np.array(english.vectors) @ np.array(english.vectors).T
    assert near[0, 1] > 0.5 > 0.3 > near[1, 2]
    assert english.notices == ()


async def test_a_text_of_256_tokens_fits_and_one_of_257_does_not() -> None:
    async with AsyncClient() as llm:
        reply = await llm.embed("tree " * 254, model=MODEL)  # and the two marks
        assert reply.usage.input_tokens == 256
        with pytest.raises(ContextTooLong, match=r"inputs\[1\] is too long .* 256 tokens; the input has 257"):
            await llm.embed(["short", "tree " * 255, "short"], model=MODEL)


async def test_a_text_that_may_be_cut_is_cut_once_and_it_is_said() -> None:
    async with AsyncClient() as llm:
        cut = await llm.embed(["short", "tree " * 400], model=MODEL, truncate=True)
        fitting = await llm.embed(["short", "tree " * 254], model=MODEL)
    assert np.allclose(cut.vectors, fitting.vectors, atol=1e-6)
    assert cut.usage.input_tokens == 3 + 256
    assert cut.notices == (
        "an input was too long, beginning 'tree tree tree tree tree tree tree tree tree tree tree tree': "
        "only 256 tokens were embedded",
    )
