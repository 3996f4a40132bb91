"""A folder, a home and an environment of a test's own, to load configurations from."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent
from typing import Any

from tramite.config import Config, load
from tramite.providers.store import SecretStore


class World:
    """`folder` is where the user stands, `home` where the user's own files are."""

    def __init__(self, root: Path) -> None:
        self.folder = root / "project"
        self.home = root / "own"
        self.folder.mkdir()
        self.home.mkdir()
        self.environ: dict[str, str] = {"TRAMITE_HOME": str(self.home)}

    def project(self, text: str) -> Path:
        return self._write(self.folder / "tramite.toml", text)

    def dotenv(self, text: str) -> Path:
        return self._write(self.folder / ".env", text)

    def own(self, text: str) -> Path:
        return self._write(self.home / "tramite.toml", text)

    def store(self, **secrets: str) -> None:
        for name, value in secrets.items():
            SecretStore(self.home / "secrets.json").set(name, value)

    def load(self, path: Path | None = None, overrides: dict[str, Any] | None = None, **environ: str) -> Config:
        return load(path, {**self.environ, **environ}, self.folder, overrides=overrides)

    def _write(self, path: Path, text: str) -> Path:
        path.write_text(dedent(text))
        return path
