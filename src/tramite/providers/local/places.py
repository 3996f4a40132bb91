"""Where a model's files are: a folder, or what the Hugging Face hub's cache holds. Fetches only when told to.

The cache is the hub's own (https://huggingface.co/docs/huggingface_hub/guides/manage-cache), so that what other
programs have fetched is found too.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import msgspec

from tramite.errors import MissingExtra, ModelNotFound, RequestRejected

INSTALL = 'pip install "tramite[local]"'
ENDINGS = ["*.safetensors", "*.json", "*.jinja", "*.txt", "*.model"]
"""What is fetched and used: weights without code in them, settings, templates, vocabularies."""
OTHER_COPIES = ["onnx/*", "openvino/*", "original/*", "consolidated*"]
"""The same weights once more, for other programs."""


def cache() -> Path:
    """The hub's cache, as its own variables say now (its library reads them only once)."""
    named = os.environ.get("HF_HUB_CACHE") or os.environ.get("HUGGINGFACE_HUB_CACHE")
    if named:
        return Path(named).expanduser()
    home = os.environ.get("HF_HOME")
    if home:
        return Path(home).expanduser() / "hub"
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "huggingface" / "hub"


def find(name: str, allow_download: bool = False) -> Path:
    """The folder of a model: of that path, else in the cache, else fetched if that is allowed. Blocks.

    Raises ModelNotFound, which names the ways to get it; RequestRejected for weights that are not safetensors.
    """
    if not name:
        raise ModelNotFound("no model is named: write local/NAME, a name of the Hugging Face hub or a folder")
    folder = _written_as_path(name) or _cached(name) or _relative(name)
    if folder is None and allow_download:
        from .hub import fetch

        folder = fetch(name)
    if folder is None:
        raise ModelNotFound(_how_to_get(name))
    check(folder)
    return folder


def check(folder: Path) -> None:
    """Raise ModelNotFound for a folder with no model in it, RequestRejected for one whose weights hold code."""
    if not (folder / "config.json").is_file():
        raise ModelNotFound(f"{folder} holds no model of transformers: it has no config.json")
    missing = [name for name in _shards(folder) if not (folder / name).is_file()]
    if missing:
        raise ModelNotFound(f"{folder} holds a part of the model only: {missing[0]} is not there. {_FETCH_AGAIN}")
    if any(folder.glob("*.safetensors")):
        return
    others = [path.name for ending in ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.h5") for path in folder.glob(ending)]
    if others:
        raise RequestRejected(
            f"{folder} has its weights in {others[0]}, a format that runs code when it is read: it is not read. "
            "Use a model with safetensors, or convert it where you trust it: "
            "transformers' save_pretrained writes safetensors"
        )
    raise ModelNotFound(f"{folder} holds no weights: it has no safetensors file. {_FETCH_AGAIN}")


def _shards(folder: Path) -> set[str]:
    """The files of weights in several files; none where they are in one."""
    index = folder / "model.safetensors.index.json"
    if not index.is_file():
        return set()
    try:
        return set(msgspec.json.decode(index.read_bytes(), type=_Index).weight_map.values())
    except msgspec.MsgspecError as error:
        raise ModelNotFound(f"{index} cannot be read: {error}. {_FETCH_AGAIN}") from error


class _Index(msgspec.Struct):
    weight_map: dict[str, str]


_FETCH_AGAIN = "If it was fetched from the hub, fetch the rest with: tramite pull NAME"


def _how_to_get(name: str) -> str:
    return (
        f"the model {name} is not on this machine: there is no such folder, and it is not in {cache()}. "
        f"To fetch it from the Hugging Face hub, run: tramite pull {name}   "
        "or let local models be fetched when they are asked for: allow_download = true under [providers.local]"
    )


def _written_as_path(name: str) -> Path | None:
    """A name that can only be a path. Raises ModelNotFound where there is nothing."""
    if not name.startswith(("/", "./", "../", "~")):
        return None
    folder = Path(name).expanduser()
    if not folder.is_dir():
        raise ModelNotFound(f"there is no folder {folder}")
    return folder


def _relative(name: str) -> Path | None:
    """A folder below this one; what is in the cache under the name goes first, so that no folder can pose as it."""
    folder = Path(name)
    return folder if folder.is_dir() else None


def _cached(name: str) -> Path | None:
    try:
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import HFValidationError, IncompleteSnapshotError, LocalEntryNotFoundError
    except ImportError as error:
        raise MissingExtra(f"local models need huggingface_hub, PyTorch and transformers: {INSTALL}") from error
    for candidate in _candidates(name):
        try:
            return Path(snapshot_download(candidate, cache_dir=cache(), local_files_only=True, allow_patterns=ENDINGS))
        except IncompleteSnapshotError as error:
            return Path(error.snapshot_path)  # what is needed may still be there: `check` finds out
        except (LocalEntryNotFoundError, HFValidationError):
            continue
    return None


def _candidates(name: str) -> Iterator[str]:
    """The name itself, and for one without an owner what sentence-transformers takes it for."""
    yield name
    if "/" not in name:
        yield f"sentence-transformers/{name}"
