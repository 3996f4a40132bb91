"""Reads the configuration, once: files, environment, arguments, into one frozen object."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from tramite.errors import ConfigError, UntrustedConfig

from . import layers, places, project, trust
from .assemble import assemble
from .layers import Layer
from .model import Config
from .providers import Surroundings
from .rules import PLACES


def load(
    path: Path | str | None = None,
    environ: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    *,
    overrides: Mapping[str, object] | None = None,
) -> Config:
    """The configuration: arguments, environment (and `.env`), `./tramite.toml`, the user's own file, defaults.

    `path` or TRAMITE_CONFIG names a file that is read instead of the two; `overrides` are arguments by dotted key.
    Raises ConfigError, naming where the fault stands; UntrustedConfig for a file of the current folder that asks for
    more than a folder may.
    """
    environ = os.environ if environ is None else environ
    found = sources(path, environ, cwd)
    wants = trust.wants(found)
    if wants and not trust.is_trusted(found.project, environ):
        raise UntrustedConfig(trust.refusal(found.project, wants))
    stack = [*found.layers, layers.from_variables(environ, "env"), layers.from_arguments(overrides or {})]
    unknown = layers.unknown_variables({**found.project.dotenv, **environ}, frozenset(PLACES))
    return assemble(stack, found.around, [*unknown, *project.unused(found.project.dotenv)])


def sources(path: Path | str | None, environ: Mapping[str, str], cwd: Path | None) -> trust.Sources:
    """All that is read, and by whom it was written. Raises ConfigError."""
    folder = (cwd or Path.cwd()).resolve()
    own = _own(path, environ, folder)
    found = project.find(folder, environ, None if path or environ.get("TRAMITE_CONFIG") else places.user_file(environ))
    return trust.Sources(own, found, Surroundings.of(environ, found.dotenv))


def _own(path: Path | str | None, environ: Mapping[str, str], folder: Path) -> Layer:
    """The file that was named, which must exist, or the user's own, which need not."""
    named = path or environ.get("TRAMITE_CONFIG")
    file = folder / Path(named).expanduser() if named else places.user_file(environ)
    text = layers.read_text(file)
    if text is not None:
        return layers.from_toml(text, file)
    if named:
        who = "the argument" if path else "the variable TRAMITE_CONFIG"
        raise ConfigError(f"there is no file {file}, which {who} names")
    return Layer(str(file))
