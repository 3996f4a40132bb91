"""PyTorch made ready: where models run, on how many cores, and how they are loaded. Knows no kind of model."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from tramite.errors import MissingExtra, RequestRejected, TramiteError
from tramite.providers.cores import cores

from .places import INSTALL


def library(name: str) -> Any:
    """PyTorch or transformers. Raises MissingExtra."""
    try:
        return import_module(name)
    except ImportError as error:
        raise MissingExtra(
            f"local models need PyTorch and transformers, and {error.name} is not installed: {INSTALL}"
        ) from error


def ready() -> tuple[Any, str]:
    """PyTorch and the name of its device: the graphics card where there is one. On the machine's thread."""
    torch = library("torch")
    torch.set_num_threads(min(cores(), torch.get_num_threads()))
    if torch.cuda.is_available():
        return torch, "cuda"
    return torch, "mps" if torch.backends.mps.is_available() else "cpu"


def release() -> None:
    """Give the memory of what was dropped back to the graphics card."""
    torch = library("torch")
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def config_of(folder: Path) -> Any:
    """The model's `config.json` as transformers reads it. Raises RequestRejected for what it cannot read."""
    transformers = library("transformers")
    with _ours(folder):
        return transformers.AutoConfig.from_pretrained(folder, **LOCAL)


def tokenizer_of(folder: Path) -> Any:
    """The model's tokenizer. Raises RequestRejected."""
    transformers = library("transformers")
    with _ours(folder):
        return transformers.AutoTokenizer.from_pretrained(folder, **LOCAL)


def weights_of(folder: Path, kind: str, config: Any, dtype: object, optional: tuple[str, ...] = ()) -> Any:
    """The model itself, in `kind` of transformers' classes, on the device.

    Raises RequestRejected, also where some of its weights are in no file and would be made up; `optional` are parts of
    names that may be.
    """
    _, device = ready()
    transformers = library("transformers")
    with _ours(folder), _quietly(transformers):
        model, info = getattr(transformers, kind).from_pretrained(
            folder, config=config, dtype=dtype, use_safetensors=True, output_loading_info=True, **LOCAL
        )
    missing = [name for name in info["missing_keys"] if not any(part in name for part in optional)]
    if missing:
        raise RequestRejected(f"{folder} lacks {len(missing)} of its weights, such as {sorted(missing)[0]}: not used")
    return model.eval().to(device)


LOCAL: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}


@contextmanager
def _ours(folder: Path) -> Iterator[None]:
    """transformers' many ways to say that a folder cannot be used, as one."""
    try:
        yield
    except TramiteError:
        raise
    except ImportError as error:
        raise MissingExtra(f"{folder} needs a package that is not installed: {_line(error)}") from error
    except Exception as error:
        if "trust_remote_code" in str(error):
            raise RequestRejected(
                f"{folder} comes with program code of its own, which is never run: use a model that transformers "
                "knows by itself"
            ) from error
        raise RequestRejected(f"{folder} cannot be loaded: {_line(error)}") from error


def _line(error: Exception) -> str:
    """The first line with words in it."""
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)[:400]


@contextmanager
def _quietly(transformers: Any) -> Iterator[None]:
    """Without a progress bar and a report of missing weights on the user's stderr: we say ourselves what is missing."""
    logging = transformers.utils.logging
    shown, verbosity = logging.is_progress_bar_enabled(), logging.get_verbosity()
    logging.disable_progress_bar()
    logging.set_verbosity_error()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if shown:
            logging.enable_progress_bar()
