"""Where templates are: `./prompts/` of the project, the user's own, and those that come along. Reads no other file."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from tramite.config.layers import read_text
from tramite.config.names import nearest
from tramite.config.places import prompts_dir
from tramite.errors import ConfigError, InvalidCall

from .template import Template, read

FOLDER = "prompts"
LIBRARY = Path(__file__).with_name("library")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


def load(name: str, environ: Mapping[str, str] = os.environ, cwd: Path | None = None) -> Template:
    """The template of this name: the project's, else the user's own, else the one that comes along.

    Raises InvalidCall where there is none, ConfigError for a file that is not as it should be.
    """
    path = _files(environ, cwd).get(name)
    source = read_text(path) if path else None
    if path is None or source is None:
        known = names(environ, cwd)
        raise InvalidCall(
            f"there is no template {name!r}{nearest(name, known)} (there are: {', '.join(known)}). One of your own is "
            f"a file such as {prompts_dir(environ) / 'NAME.toml'} or ./{FOLDER}/NAME.toml",
            "template",
        )
    return read(source, name, path)


def source(name: str, environ: Mapping[str, str] = os.environ, cwd: Path | None = None) -> str:
    """The file of a template as it is written, to begin another one with. Raises what `load` raises."""
    return read_text(Path(load(name, environ, cwd).origin)) or ""


def names(environ: Mapping[str, str] = os.environ, cwd: Path | None = None) -> list[str]:
    """The names of all templates, in order. Whether their files are as they should be is not looked at."""
    return sorted(_files(environ, cwd))


def _files(environ: Mapping[str, str], cwd: Path | None) -> dict[str, Path]:
    """The file of each name. What is nearer to the work hides what is farther away."""
    found: dict[str, Path] = {}
    for folder in (LIBRARY, prompts_dir(environ), (cwd or Path.cwd()) / FOLDER):
        found |= {path.stem: path for path in _in(folder)}
    return found


def _in(folder: Path) -> Iterator[Path]:
    try:
        entries = list(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise ConfigError(f"cannot read {folder}: {error.strerror or error}") from None
    for path in entries:
        if path.suffix == ".toml" and _NAME.fullmatch(path.stem):
            yield path
