"""Fetches a model from the Hugging Face hub: safetensors, settings and vocabularies, never code. Loads nothing."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

from tramite.errors import (
    AuthenticationFailed,
    ConnectFailed,
    MissingExtra,
    ModelNotFound,
    Overloaded,
    ProviderError,
    RequestRejected,
    TramiteError,
)

from .places import ENDINGS, INSTALL, OTHER_COPIES, cache

_PICKLED = (".bin", ".pt", ".pth", ".ckpt", ".h5", ".msgpack")


def fetch(name: str, token: str | None = None, revision: str | None = None, progress: bool = False) -> Path:
    """Fetch what is not in the cache yet, and give the folder. Blocks, for as long as it takes.

    `progress` shows bars on stderr. Raises ModelNotFound, RequestRejected (no safetensors), AuthenticationFailed
    (private, or with conditions to accept), ConnectFailed, Overloaded.
    """
    try:
        import huggingface_hub as hub
    except ImportError as error:
        raise MissingExtra(f"fetching models needs huggingface_hub: {INSTALL}") from error
    try:
        found = hub.HfApi(token=token).model_info(name, revision=revision)
        _check(name, [file.rfilename for file in found.siblings or ()])
        folder = hub.snapshot_download(
            name,
            revision=revision,
            cache_dir=cache(),
            token=token,
            allow_patterns=ENDINGS,
            ignore_patterns=OTHER_COPIES,
            tqdm_class=None if progress else _silent(),
        )
    except TramiteError:
        raise
    except Exception as error:
        raise _as_ours(error, name) from error
    return Path(folder)


def _check(name: str, files: list[str]) -> None:
    """Before anything is fetched: whether it can be used at all."""
    if any(file.endswith(".safetensors") and "/" not in file for file in files):
        return
    pickled = [file for file in files if file.endswith(_PICKLED)]
    if pickled:
        raise RequestRejected(
            f"{name} has its weights in {pickled[0]}, a format that runs code when it is read: it is not fetched. "
            "Look on the hub for the same model with safetensors"
        )
    raise RequestRejected(f"{name} has no weights in safetensors: it is not fetched")


def _silent() -> type[Any]:
    """The hub's progress bar, unseen."""
    bar: Any = import_module("huggingface_hub.utils").tqdm

    def begin(self: Any, *given: Any, **settings: Any) -> None:
        bar.__init__(self, *given, **(settings | {"disable": True}))

    return type("Silent", (bar,), {"__init__": begin})


def _as_ours(error: Exception, name: str) -> ProviderError:
    """The hub's errors as ours, with what to do."""
    from huggingface_hub import errors as theirs

    page = f"https://huggingface.co/{name}"
    said = str(error).strip().splitlines()[-1][:300] if str(error).strip() else type(error).__name__
    if isinstance(error, theirs.GatedRepoError):
        return AuthenticationFailed(
            f"{name} can be fetched only by those who have accepted its conditions: do so at {page}, "
            "then set HF_TOKEN to a token of yours (https://huggingface.co/settings/tokens)"
        )
    if isinstance(error, theirs.RepositoryNotFoundError):
        return ModelNotFound(f"the hub has no model {name}, or it is private: then set HF_TOKEN to a token of yours")
    if isinstance(error, theirs.RevisionNotFoundError | theirs.HFValidationError):
        return ModelNotFound(f"the hub does not know {name} so: {said}")
    if isinstance(error, theirs.OfflineModeIsEnabled):
        return ConnectFailed(f"{name} was not fetched: HF_HUB_OFFLINE forbids it")
    if isinstance(error, theirs.HfHubHTTPError):
        return Overloaded(f"{name} was not fetched: the hub said: {said}", status=error.response.status_code)
    return ConnectFailed(f"{name} was not fetched: {said}. What has come is kept: try again to go on")
