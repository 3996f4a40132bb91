"""Which folder a name stands for, and which folders are refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tramite.errors import ModelNotFound, RequestRejected
from tramite.providers.local import listing, places
from tramite.providers.local.machine import Model


def folder(path: Path, weights: str = "model.safetensors", **config: object) -> Path:
    path.mkdir(parents=True)
    (path / "config.json").write_text(json.dumps(config))
    (path / weights).write_bytes(b"")
    return path


def cached(name: str, commit: str = "abc", **config: object) -> Path:
    """As the hub's library keeps it."""
    home = places.cache() / f"models--{name.replace('/', '--')}"
    (home / "refs").mkdir(parents=True)
    (home / "refs" / "main").write_text(commit)
    return folder(home / "snapshots" / commit, **config)  # type: ignore[arg-type]  # weights are not given here


def test_a_path_is_that_folder_wherever_it_is(tmp_path: Path) -> None:
    there = folder(tmp_path / "models" / "mine")
    for name in (str(there), "./models/mine", "models/mine"):
        assert places.find(name).samefile(there)
    with pytest.raises(ModelNotFound, match=r"there is no folder .*nowhere"):
        places.find("./nowhere")


def test_a_name_is_what_the_cache_holds_even_where_a_folder_has_the_same(tmp_path: Path) -> None:
    folder(tmp_path / "owner" / "name")
    assert places.find("owner/name").samefile(tmp_path / "owner" / "name")
    held = cached("owner/name")
    assert places.find("owner/name").samefile(held)


def test_a_name_without_an_owner_may_be_one_of_sentence_transformers() -> None:
    held = cached("sentence-transformers/paraphrase-multilingual-MiniLM-L12-v2")
    assert places.find("paraphrase-multilingual-MiniLM-L12-v2").samefile(held)


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, "home/.cache/huggingface/hub"),
        ({"XDG_CACHE_HOME": "xdg"}, "xdg/huggingface/hub"),
        ({"HF_HOME": "hf"}, "hf/hub"),
        ({"HF_HOME": "hf", "HF_HUB_CACHE": "there"}, "there"),
    ],
)
def test_the_cache_is_where_the_hubs_own_variables_say(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variables: dict[str, str], expected: str
) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, str(tmp_path / value))
    assert places.cache() == tmp_path / expected


def test_pickled_weights_are_refused_and_safetensors_beside_them_are_not(tmp_path: Path) -> None:
    there = folder(tmp_path / "mine", weights="pytorch_model.bin")
    with pytest.raises(RequestRejected, match=r"pytorch_model\.bin, a format that runs code"):
        places.find(str(there))
    (there / "model.safetensors").write_bytes(b"")
    assert places.find(str(there)) == there


def test_a_part_of_a_model_is_not_one(tmp_path: Path) -> None:
    there = folder(tmp_path / "mine", weights="model-00001-of-00002.safetensors")
    index = {"weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}}
    (there / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(ModelNotFound, match=r"model-00002-of-00002\.safetensors is not there"):
        places.find(str(there))
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(ModelNotFound, match=r"no config\.json"):
        places.find(str(empty))


def test_the_list_tells_what_each_model_is_for_and_which_is_in_memory(tmp_path: Path) -> None:
    assert listing.models(None) == ()
    writer = cached("a/writer", architectures=["LlamaForCausalLM"], max_position_embeddings=2048)
    encoder = cached("b/encoder", architectures=["BertModel"], max_position_embeddings=512)
    (encoder / "modules.json").write_text("[]")
    (cached("c/pickled") / "model.safetensors").unlink()
    found = listing.models(Model("a/writer", writer, "text"))
    assert [(model.id, model.type, model.context_tokens, model.loaded) for model in found] == [
        ("a/writer", "llm", 2048, True),
        ("b/encoder", "embeddings", 512, False),
    ]
    elsewhere = folder(tmp_path / "mine", architectures=["GPT2LMHeadModel"])
    assert listing.models(Model(str(elsewhere), elsewhere, "text"))[-1].id == str(elsewhere)
