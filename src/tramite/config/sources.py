"""All that a configuration is read from, kept apart by who wrote it: the user, or the folder we happen to be in."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from tramite.errors import ConfigError

from . import layers, places, project
from .layers import Layer
from .project import Project
from .providers import Surroundings


class Sources(Struct, frozen=True):
    """The user's own file, the folder's files, and what surrounds both."""

    own: Layer
    project: Project
    around: Surroundings

    @property
    def layers(self) -> list[Layer]:
        """The files' layers; later ones win."""
        return [self.own, self.project.toml, self.project.variables]


def read(path: Path | str | None, environ: Mapping[str, str], cwd: Path | None) -> Sources:
    """Read the file that `path` or TRAMITE_CONFIG names, or the user's own and the folder's. Raises ConfigError."""
    try:
        folder = (cwd or Path.cwd()).resolve()
    except FileNotFoundError:
        raise ConfigError("the current folder is gone: change to one that exists") from None
    named = path or environ.get("TRAMITE_CONFIG")
    found = project.find(folder, environ, None if named else places.user_file(environ))
    own = _named(path, environ, folder) if named else _users(environ)
    return Sources(own, found, Surroundings.of(environ, found.dotenv))


def _users(environ: Mapping[str, str]) -> Layer:
    file = places.user_file(environ)
    text = layers.read_text(file)
    return Layer(str(file)) if text is None else layers.from_toml(text, file)


def _named(path: Path | str | None, environ: Mapping[str, str], folder: Path) -> Layer:
    file = folder / Path(path or environ["TRAMITE_CONFIG"]).expanduser()
    text = layers.read_text(file)
    if text is None:
        who = "the argument" if path else "the variable TRAMITE_CONFIG"
        raise ConfigError(f"there is no file {file}, which {who} names")
    return layers.from_toml(text, file)
