"""Where tramite keeps its files: the user's own folders, or all of them under TRAMITE_HOME. Makes and reads none."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

FILE_NAME = "tramite.toml"


def config_dir(environ: Mapping[str, str] = os.environ) -> Path:
    """Where the user's own `tramite.toml` and secrets are."""
    return _home(environ) or _standard("config")


def data_dir(environ: Mapping[str, str] = os.environ) -> Path:
    """Where ledger, conversations and collections are, and which folders are trusted."""
    home = _home(environ)
    return home / "data" if home else _standard("data")


def cache_dir(environ: Mapping[str, str] = os.environ) -> Path:
    """Where what can be made again is."""
    home = _home(environ)
    return home / "cache" if home else _standard("cache")


def user_file(environ: Mapping[str, str] = os.environ) -> Path:
    """The user's own configuration file."""
    return config_dir(environ) / FILE_NAME


def secrets_file(environ: Mapping[str, str] = os.environ) -> Path:
    """What `tramite secrets set` writes."""
    return config_dir(environ) / "secrets.json"


def trust_file(environ: Mapping[str, str] = os.environ) -> Path:
    """What `tramite config trust` writes."""
    return data_dir(environ) / "trusted.json"


def _home(environ: Mapping[str, str]) -> Path | None:
    named = environ.get("TRAMITE_HOME")
    return Path(named).expanduser().absolute() if named else None


def _standard(what: Literal["config", "data", "cache"]) -> Path:
    from platformdirs import PlatformDirs

    places = PlatformDirs("tramite", appauthor=False)
    found = {
        "config": places.user_config_path,
        "data": places.user_data_path,
        "cache": places.user_cache_path,
    }
    return found[what]
