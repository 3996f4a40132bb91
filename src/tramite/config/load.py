"""Reads the configuration, once: files, environment, arguments, into one frozen object."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from tramite.errors import UntrustedConfig

from . import layers, project, sources, trust
from .assemble import assemble
from .model import Config
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
    found = sources.read(path, environ, cwd)
    wants = trust.wants(found)
    if wants and not trust.is_trusted(found.project, environ):
        raise UntrustedConfig(trust.refusal(found.project, wants))
    stack = [*found.layers, layers.from_variables(environ, "env"), layers.from_arguments(overrides or {})]
    dotenv = found.project.dotenv
    unknown = layers.unknown_variables({**dotenv, **environ}, frozenset(PLACES))
    return assemble(stack, found.around, [*unknown, *project.unused(dotenv)])
