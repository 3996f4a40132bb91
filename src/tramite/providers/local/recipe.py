"""How a folder of sentence-transformers turns token vectors into one: read from its files, refused where unknown.

Without `modules.json` it is the mean over the tokens, as sentence-transformers does it. Knows no PyTorch.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from tramite.errors import RequestRejected

T = TypeVar("T")

POOLINGS = ("cls", "max", "mean", "mean_sqrt_len_tokens", "weightedmean", "lasttoken")
"""In the order in which several of them are put one behind the other."""
_FLAGS = {
    "cls": "pooling_mode_cls_token",
    "max": "pooling_mode_max_tokens",
    "mean": "pooling_mode_mean_tokens",
    "mean_sqrt_len_tokens": "pooling_mode_mean_sqrt_len_tokens",
    "weightedmean": "pooling_mode_weightedmean_tokens",
    "lasttoken": "pooling_mode_lasttoken",
}
_ACTIVATIONS = ("torch.nn.modules.linear.Identity", "torch.nn.modules.activation.Tanh")


class Dense(Struct, frozen=True):
    """A linear layer after the pooling: the folder of its weights, and what follows it."""

    folder: Path
    tanh: bool


class Recipe(Struct, frozen=True, kw_only=True):
    """What is done with a text."""

    transformer: Path
    window: int | None = None
    """The tokens that are read at most; None where the tokenizer and the model say it."""
    lower_case: bool = False
    poolings: tuple[str, ...] = ("mean",)
    steps: tuple[Dense | None, ...] = ()
    """After the pooling, in order: a linear layer, or (None) scaling to length 1."""
    prompts: dict[str, str] = {}
    """What may be put before a text, by name."""
    default_prompt: str = ""
    """What is put there when nobody names one."""
    known: bool = True
    """The folder itself says all this."""


class _Module(Struct, frozen=True):
    type: str
    path: str


def read(folder: Path) -> Recipe:
    """The recipe of a folder. Raises RequestRejected, naming what it cannot do."""
    modules = _json(folder / "modules.json", list[_Module], [])
    if not modules:
        return Recipe(transformer=folder, known=False)
    found: dict[str, Any] = {"steps": ()}
    for module in modules:
        if not _add(found, module.type.rpartition(".")[2], folder / module.path):
            raise RequestRejected(
                f"{folder} has a part that is not known here, {module.type}: use it through a server of "
                "sentence-transformers or TEI"
            )
    if "transformer" not in found or "poolings" not in found:
        raise RequestRejected(f"{folder}/modules.json names no transformer and pooling: nothing is known to do with it")
    return Recipe(**found, **_prompts(folder))


def _add(found: dict[str, Any], kind: str, place: Path) -> bool:
    """Take one module in; whether it is known, and stands where it can be."""
    pooled = "poolings" in found
    if kind == "Transformer" and not found["steps"] and not pooled:
        found |= {"transformer": place, **_transformer(place)}
    elif kind == "Pooling" and not pooled:
        found["poolings"] = _poolings(place)
    elif kind == "Normalize" and pooled:
        found["steps"] += (None,)
    elif kind == "Dense" and pooled:
        found["steps"] += (_dense(place),)
    else:
        return kind == "Dropout"  # which does nothing but in training
    return True


def _transformer(place: Path) -> dict[str, Any]:
    names = ("bert", "roberta", "distilbert", "camembert", "albert", "xlm-roberta", "xlnet")
    files = (_json(place / f"sentence_{name}_config.json", dict[str, Any], {}) for name in names)
    said: dict[str, Any] = next(filter(None, files), {})
    if said.get("transformer_task", "feature-extraction") != "feature-extraction":
        raise RequestRejected(f"{place} is for {said['transformer_task']}, not for vectors of texts")
    return {"window": said.get("max_seq_length"), "lower_case": bool(said.get("do_lower_case"))}


def _poolings(place: Path) -> tuple[str, ...]:
    said = _json(place / "config.json", dict[str, Any], {})
    named = said.get("pooling_mode")
    modes = [named] if isinstance(named, str) else named or [mode for mode in POOLINGS if said.get(_FLAGS[mode])]
    unknown = [mode for mode in modes if mode not in POOLINGS]
    if unknown:
        raise RequestRejected(f"{place} asks for a pooling that is not known here: {unknown[0]}")
    if said.get("include_prompt") is False:
        raise RequestRejected(f"{place} leaves the prompt out of the pooling, which is not done here")
    return tuple(modes) or ("mean",)


def _dense(place: Path) -> Dense:
    said = _json(place / "config.json", dict[str, Any], {})
    activation = said.get("activation_function", _ACTIVATIONS[1])
    if activation not in _ACTIVATIONS or said.get("use_residual"):
        raise RequestRejected(f"{place} asks for a layer that is not known here ({activation})")
    names = (said.get("module_input_name"), said.get("module_output_name"))
    if any(name not in (None, "sentence_embedding") for name in names):
        raise RequestRejected(f"{place} works on {names[0]}, which is not done here")
    return Dense(place, tanh=activation == _ACTIVATIONS[1])


def _prompts(folder: Path) -> dict[str, Any]:
    said = _json(folder / "config_sentence_transformers.json", dict[str, Any], {})
    prompts = {name: text for name, text in (said.get("prompts") or {}).items() if isinstance(text, str)}
    return {"prompts": prompts, "default_prompt": prompts.get(said.get("default_prompt_name") or "", "")}


def _json(path: Path, kind: type[T], absent: T) -> T:
    """What a file holds. Raises RequestRejected where it is something else."""
    if not path.is_file():
        return absent
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except (OSError, msgspec.DecodeError) as error:
        raise RequestRejected(f"{path} cannot be read: {error}") from error
