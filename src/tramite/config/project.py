"""What the current folder brings along: `./tramite.toml` and `./.env`. Whether it may is not decided here."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from io import StringIO
from pathlib import Path

from msgspec import Struct

from tramite.errors import ConfigError

from .layers import Layer, from_toml, from_variables, read_text
from .places import FILE_NAME
from .rules import PLACES

ELSEWHERE = (
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "no_proxy",
    "ssl_cert_file",
    "ssl_cert_dir",
    "requests_ca_bundle",
)
"""Variables that send requests another way, or trust other certificates. In `.env` they have no effect."""


class Project(Struct, frozen=True):
    """A folder and what its files say. Nothing of `.env` enters the process's environment, or is expanded."""

    folder: Path
    toml: Layer
    dotenv: dict[str, str]
    variables: Layer
    """The TRAMITE_… variables of `.env`."""
    fingerprint: str
    """Of both files' content: another content is another fingerprint."""


def find(folder: Path, environ: Mapping[str, str], user_file: Path | None) -> Project:
    """Read what the folder has. Without `user_file`, another file was named, and the folder's own is left alone.

    Raises ConfigError.
    """
    path = folder / FILE_NAME
    foreign = user_file is not None and not _same(path, user_file)
    text = read_text(path) if foreign else None
    env_text = read_text(folder / ".env")
    dotenv = _parse(env_text) if env_text else {}
    for name in PLACES:
        if name in dotenv and name not in environ:
            raise ConfigError(
                f"{folder / '.env'}: {name} says where the configuration is, and is read from the environment alone: "
                f"take it out of .env, and set it with: export {name}=…"
            )
    return Project(
        folder,
        from_toml(text, path) if text is not None else Layer(str(path)),
        dotenv,
        from_variables({name: dotenv[name] for name in dotenv if name not in environ}, ".env"),
        _fingerprint(text, env_text),
    )


def unused(dotenv: Mapping[str, str]) -> list[str]:
    """A notice for each variable of `.env` that looks as if it had an effect, and has none."""
    return [f"{name} in .env is not used: set it in the environment" for name in dotenv if name.lower() in ELSEWHERE]


def _parse(text: str) -> dict[str, str]:
    from dotenv import dotenv_values

    found = dotenv_values(stream=StringIO(text), interpolate=False)
    return {name: value for name, value in found.items() if value}


def _same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return False


def _fingerprint(*texts: str | None) -> str:
    digest = hashlib.sha256()
    for text in texts:
        data = (text or "").encode()
        digest.update(f"{-1 if text is None else len(data)}:".encode() + data)
    return digest.hexdigest()
