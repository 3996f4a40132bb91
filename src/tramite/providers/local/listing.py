"""Which models are on this machine: those in the hub's cache that can be used here. Loads none, fetches none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from tramite.errors import MissingExtra, TramiteError
from tramite.replies import ModelInfo

from .machine import Model
from .places import INSTALL, cache, check


def models(loaded: Model | None) -> tuple[ModelInfo, ...]:
    """The usable models of the cache, and the one that is in memory. Blocks. Raises MissingExtra."""
    try:
        from huggingface_hub import scan_cache_dir
        from huggingface_hub.errors import CacheNotFound
    except ImportError as error:
        raise MissingExtra(f"local models need huggingface_hub, PyTorch and transformers: {INSTALL}") from error
    try:
        repositories = sorted(scan_cache_dir(cache()).repos, key=lambda repository: repository.repo_id)
    except CacheNotFound:
        repositories = []
    found = {}
    for repository in repositories:
        newest = max(repository.revisions, key=lambda revision: revision.last_modified, default=None)
        if repository.repo_type == "model" and newest is not None:
            found[repository.repo_id] = _info(repository.repo_id, newest.snapshot_path, loaded)
    if loaded is not None and loaded.name not in found:
        found[loaded.name] = _info(loaded.name, loaded.folder, loaded)
    return tuple(info for info in found.values() if info is not None)


def _info(name: str, folder: Path, loaded: Model | None) -> ModelInfo | None:
    """A model as it is listed; None for one that cannot be used."""
    try:
        check(folder)
        config: Any = msgspec.json.decode((folder / "config.json").read_bytes())
    except (TramiteError, OSError, msgspec.DecodeError):
        return None
    if not isinstance(config, dict):
        return None
    writes = any("CausalLM" in name or "LMHead" in name for name in config.get("architectures") or ())
    window = config.get("max_position_embeddings")
    return ModelInfo(
        id=name,
        context_tokens=window if isinstance(window, int) else None,
        type="llm" if writes and not (folder / "modules.json").is_file() else "embeddings",
        loaded=loaded is not None and loaded.name == name,
    )
