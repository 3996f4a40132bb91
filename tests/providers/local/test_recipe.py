"""How a folder of sentence-transformers is read: what is known, and what is refused by name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tramite.errors import RequestRejected
from tramite.providers.local import recipe


def written(folder: Path, modules: list[tuple[str, str, dict[str, Any]]], **files: object) -> Path:
    """A folder with these modules: type, place, configuration."""
    said = [{"idx": number, "path": place, "type": kind} for number, (kind, place, _) in enumerate(modules)]
    (folder / "modules.json").write_text(json.dumps(said))
    for _, place, config in modules:
        (folder / place).mkdir(exist_ok=True)
        if place:
            (folder / place / "config.json").write_text(json.dumps(config))
    for name, content in files.items():
        (folder / f"{name}.json").write_text(json.dumps(content))
    return folder


OLD, NEW = "sentence_transformers.models", "sentence_transformers.sentence_transformer.modules.pooling"
TRANSFORMER = (f"{OLD}.Transformer", "", {})
MEAN = (f"{OLD}.Pooling", "1_Pooling", {"pooling_mode_mean_tokens": True})


def test_the_multilingual_minilm(tmp_path: Path) -> None:
    folder = written(tmp_path, [TRANSFORMER, MEAN], sentence_bert_config={"max_seq_length": 128})
    assert recipe.read(folder) == recipe.Recipe(transformer=folder, window=128)


def test_several_poolings_prompts_and_layers(tmp_path: Path) -> None:
    modules = [
        TRANSFORMER,
        (f"{NEW}.Pooling", "1_Pooling", {"pooling_mode": ["lasttoken", "cls"], "include_prompt": True}),
        (f"{OLD}.Dense", "2_Dense", {"activation_function": "torch.nn.modules.linear.Identity"}),
        (f"{OLD}.Normalize", "3_Normalize", {}),
    ]
    prompts = {"prompts": {"query": "query: "}, "default_prompt_name": "query"}
    folder = written(
        tmp_path, modules, sentence_roberta_config={"do_lower_case": True}, config_sentence_transformers=prompts
    )
    found = recipe.read(folder)
    assert found.poolings == ("lasttoken", "cls")
    assert found.steps == (recipe.Dense(folder / "2_Dense", tanh=False), None)
    assert (found.lower_case, found.default_prompt, found.prompts) == (True, "query: ", {"query": "query: "})


def test_a_folder_without_modules_says_nothing(tmp_path: Path) -> None:
    assert recipe.read(tmp_path) == recipe.Recipe(transformer=tmp_path, known=False)


@pytest.mark.parametrize(
    ("modules", "named"),
    [
        ([TRANSFORMER, MEAN, (f"{OLD}.LSTM", "2_LSTM", {})], "LSTM"),
        ([("their.own.code.Transformer2", "", {}), MEAN], "Transformer2"),
        ([(f"{OLD}.CLIPModel", "", {})], "CLIPModel"),
        ([TRANSFORMER], "names no transformer and pooling"),
        ([MEAN, TRANSFORMER], "Transformer"),
        ([TRANSFORMER, (f"{OLD}.Pooling", "1_Pooling", {"pooling_mode": "median"})], "median"),
        ([TRANSFORMER, (f"{OLD}.Pooling", "1_Pooling", {"include_prompt": False})], "leaves the prompt out"),
        ([TRANSFORMER, MEAN, (f"{OLD}.Dense", "2_Dense", {"activation_function": "their.own.Code"})], "their.own.Code"),
        ([TRANSFORMER, MEAN, (f"{OLD}.Dense", "2_Dense", {"use_residual": True})], "not known"),
        (
            [TRANSFORMER, MEAN, (f"{OLD}.Dense", "2_Dense", {"module_input_name": "token_embeddings"})],
            "token_embeddings",
        ),
    ],
)
def test_what_is_not_known_is_refused_by_name(
    tmp_path: Path, modules: list[tuple[str, str, dict[str, Any]]], named: str
) -> None:
    with pytest.raises(RequestRejected, match=named):
        recipe.read(written(tmp_path, modules))


@pytest.mark.parametrize("content", ["{}", "[", '["Transformer"]', "[{}]", ""])
def test_files_of_another_kind_are_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "modules.json").write_text(content)
    with pytest.raises(RequestRejected, match=r"modules\.json cannot be read"):
        recipe.read(tmp_path)
