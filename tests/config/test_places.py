"""Where tramite keeps its files."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from platformdirs import PlatformDirs

from tramite.config import places


def test_one_variable_moves_everything() -> None:
    environ = {"TRAMITE_HOME": "/srv/tramite"}
    assert places.user_file(environ) == Path("/srv/tramite/tramite.toml")
    assert places.secrets_file(environ) == Path("/srv/tramite/secrets.json")
    assert places.trust_file(environ) == Path("/srv/tramite/data/trusted.json")
    assert places.cache_dir(environ) == Path("/srv/tramite/cache")


def test_a_relative_home_starts_at_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert places.config_dir({"TRAMITE_HOME": "there"}) == tmp_path / "there"


@pytest.mark.skipif(sys.platform != "linux", reason="the rule by hand is Linux's alone")
@pytest.mark.parametrize(
    "environ",
    [
        {"HOME": "/home/me"},
        {"HOME": "/home/me", "XDG_CONFIG_HOME": "/c", "XDG_DATA_HOME": "/d", "XDG_CACHE_HOME": "/e"},
        {"HOME": "/home/me", "XDG_CONFIG_HOME": "", "XDG_DATA_HOME": ""},
    ],
)
def test_without_it_the_places_are_those_of_platformdirs(
    environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    theirs = PlatformDirs("tramite", appauthor=False)
    assert places.config_dir(environ) == theirs.user_config_path
    assert places.data_dir(environ) == theirs.user_data_path
    assert places.cache_dir(environ) == theirs.user_cache_path
