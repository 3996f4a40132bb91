"""Where tramite keeps its files: the user's own folders, or all of them under TRAMITE_HOME. Makes and reads none."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, TypeAlias

FILE_NAME = "tramite.toml"
_LINUX = sys.platform == "linux"
_What: TypeAlias = Literal["config", "data", "cache"]
_XDG: dict[_What, tuple[str, str]] = {
    "config": ("XDG_CONFIG_HOME", ".config"),
    "data": ("XDG_DATA_HOME", ".local/share"),
    "cache": ("XDG_CACHE_HOME", ".cache"),
}


def config_dir(environ: Mapping[str, str] = os.environ) -> Path:
    """Where the user's own `tramite.toml` and secrets are."""
    return _home(environ) or _standard("config", environ)


def data_dir(environ: Mapping[str, str] = os.environ) -> Path:
    """Where ledger, conversations and collections are, and which folders are trusted."""
    home = _home(environ)
    return home / "data" if home else _standard("data", environ)


def cache_dir(environ: Mapping[str, str] = os.environ) -> Path:
    """Where what can be made again is."""
    home = _home(environ)
    return home / "cache" if home else _standard("cache", environ)


def user_file(environ: Mapping[str, str] = os.environ) -> Path:
    """The user's own configuration file."""
    return config_dir(environ) / FILE_NAME


def secrets_file(environ: Mapping[str, str] = os.environ) -> Path:
    """What `tramite secrets set` writes."""
    return config_dir(environ) / "secrets.json"


def prompts_dir(environ: Mapping[str, str] = os.environ) -> Path:
    """Where the user's own templates are."""
    return config_dir(environ) / "prompts"


def ledger_file(environ: Mapping[str, str] = os.environ) -> Path:
    """The ledger, where no other place is configured for it."""
    return data_dir(environ) / "ledger.sqlite"


def pepper_file(environ: Mapping[str, str] = os.environ) -> Path:
    """What the digests of our gateway's keys are made with, where no variable says it."""
    return data_dir(environ) / "pepper"


def trust_file(environ: Mapping[str, str] = os.environ) -> Path:
    """What `tramite config trust` writes."""
    return data_dir(environ) / "trusted.json"


def prices_file(environ: Mapping[str, str] = os.environ) -> Path:
    """What `tramite prices update` writes."""
    return cache_dir(environ) / "prices.json"


def limits_dir(environ: Mapping[str, str] = os.environ) -> Path:
    """Where the limits' counters are that the processes of this machine share."""
    return data_dir(environ) / "limits"


def _home(environ: Mapping[str, str]) -> Path | None:
    named = environ.get("TRAMITE_HOME")
    return Path(named).expanduser().absolute() if named else None


def _standard(what: _What, environ: Mapping[str, str]) -> Path:
    if _LINUX:
        # by hand: importing platformdirs takes longer than all of load(), and it cannot be given an environment
        variable, below = _XDG[what]
        named = environ.get(variable, "")
        home = Path(environ.get("HOME") or Path.home())
        return (Path(named) if named.startswith("/") else home / below) / "tramite"
    from platformdirs import PlatformDirs

    places = PlatformDirs("tramite", appauthor=False)
    paths = {"config": places.user_config_path, "data": places.user_data_path, "cache": places.user_cache_path}
    return paths[what]
