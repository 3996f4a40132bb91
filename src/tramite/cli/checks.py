"""What `tramite doctor` looks at. Changes nothing."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, TypeAlias

from msgspec import Struct

from tramite import __version__
from tramite import config as configuration
from tramite.config import Config, places
from tramite.config.show import secret_row, warnings
from tramite.errors import ConfigError, TramiteError
from tramite.providers.addresses import without_password
from tramite.providers.store import SecretStore

from . import survey, terminal
from .terminal import Terminal, wrapped

State: TypeAlias = Literal["ok", "note", "warning", "error"]
_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
_STYLES: dict[State, str] = {
    "ok": terminal.GREEN,
    "note": terminal.DIM,
    "warning": terminal.YELLOW,
    "error": terminal.RED,
}
_GIT_LIMIT_S = 5
_INDENT = " " * 9


class Finding(Struct, frozen=True, omit_defaults=True):
    """One thing that was looked at: how it stands, what it is, and what to do about it."""

    state: State
    what: str
    text: str
    fix: str = ""


class Report(Struct, frozen=True):
    """All findings, and whether a model can be used."""

    usable: bool
    verdict: str
    findings: tuple[Finding, ...]


def examine() -> Report:
    """Look at everything."""
    found = [_versions(), *_secrets_file(), *_dotenv(Path.cwd()), *_proxies()]
    try:
        config = configuration.load()
    except ConfigError as error:
        found.append(Finding("error", "configuration", str(error), "mend it, then run tramite doctor again"))
        return Report(False, "The configuration has to be mended before anything can be used.", tuple(found))
    told = survey.ask(config, survey.reachable(config))
    found += [*_files(config), *map(_provider, (one for one in told if not one.absent)), *_unasked(config)]
    found += [*_absent(told), *_missing(config)]
    usable = any(one.models for one in told) or any(_unasked(config))
    found.append(_default(config, told))
    return Report(usable, _verdict(usable), tuple(found))


def show(finding: Finding, out: Terminal) -> None:
    """A finding as lines for people."""
    out.data(f"{finding.state:8}", _STYLES[finding.state])
    text = wrapped(f"{'':8} {finding.what}: {finding.text}", sys.stdout, indent=_INDENT)[8:]
    out.line(text)
    if finding.fix:
        out.data(f"{_INDENT}to do:", terminal.BOLD)
        out.line(wrapped(f"{_INDENT}to do: {finding.fix}", sys.stdout, indent=_INDENT)[len(_INDENT) + 6 :])


def _versions() -> Finding:
    return Finding("ok", "tramite", f"{__version__}, on Python {platform.python_version()}, {platform.system()}")


def _files(config: Config) -> Iterator[Finding]:
    files = ", ".join(map(str, config.files)) or f"no file (yours would be {places.user_file(os.environ)})"
    yield Finding("ok", "configuration", files)
    for warning in warnings(config):
        yield Finding("warning", "configuration", warning)


def _secrets_file() -> Iterator[Finding]:
    store = SecretStore(places.secrets_file(os.environ))
    try:
        names, problems = store.names(), store.problems()
    except TramiteError as error:
        yield Finding("error", "secrets", str(error), "mend or remove that file")
        return
    for problem in problems:
        yield Finding("warning", "secrets", problem)
    if names and not problems:
        yield Finding("ok", "secrets", f"{len(names)} kept in {store.path}, which only you may read")


def _dotenv(folder: Path) -> Iterator[Finding]:
    """Whether git has `.env`, or would take it with the next `git add`."""
    if not (folder / ".env").exists():
        return
    if _git(folder, "ls-files", "--error-unmatch", ".env") == 0:
        yield Finding(
            "warning",
            ".env",
            "git tracks it: whoever has the repository has the secrets in it",
            "git rm --cached .env; echo .env >> .gitignore; commit that, and replace the secrets at their providers",
        )
    elif _git(folder, "check-ignore", "-q", ".env") == 1:
        yield Finding("warning", ".env", "git does not ignore it", "echo .env >> .gitignore")
    else:
        yield Finding("ok", ".env", "read, and not in git")


def _git(folder: Path, *words: str) -> int | None:
    """Git's answer as its exit code; None without git or out of a repository."""
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *words], capture_output=True, timeout=_GIT_LIMIT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.returncode if done.returncode != 128 else None


def _proxies() -> Iterator[Finding]:
    found = {name: os.environ.get(name) or os.environ.get(name.upper()) for name in _PROXIES}
    named = [f"{name} = {without_password(value)}" for name, value in found.items() if value]
    if named:
        yield Finding("note", "proxies", f"requests go by the environment's: {', '.join(named)}")


def _provider(told: survey.Told) -> Finding:
    provider = told.provider
    secret = f"secret {secret_row(provider.secret)}" if provider.secret else "no secret needed"
    if told.error is not None:
        fix = f"check the address {provider.base_url}" + (f" and the {secret}" if provider.secret else "")
        return Finding("error", provider.name, str(told.error), fix)
    count = f"{len(told.models)} model{'' if len(told.models) == 1 else 's'}"
    text = f"answers in {told.took_s:.2f} s, with {count} ({secret}, {provider.base_url})"
    if not told.models:
        return Finding("warning", provider.name, text, "load or pull a model there")
    return Finding("ok", provider.name, text)


def _unasked(config: Config) -> Iterator[Finding]:
    """Providers with a secret that have no list of models to ask for."""
    for provider in config.providers.values():
        if provider.secret is not None and "models" not in provider.kinds:
            text = f"has a secret ({secret_row(provider.secret)}), and no list of models that could be asked for"
            yield Finding("ok", provider.name, text)


def _absent(told: list[survey.Told]) -> Iterator[Finding]:
    names = [f"{one.provider.title or one.provider.name} ({one.provider.base_url})" for one in told if one.absent]
    if names:
        yield Finding("note", "local servers", f"not running: {', '.join(names)}")


def _missing(config: Config) -> Iterator[Finding]:
    names = [
        f"{row.name} ({row.secret_names[0]})" for row in config.providers.values() if not row.ready and row.secret_names
    ]
    if names:
        fix = "" if any(row.secret for row in config.providers.values()) else "tramite secrets set OPENAI_API_KEY"
        yield Finding("note", "no secret", ", ".join(names), fix)
    for row in config.providers.values():
        if not row.ready and not row.secret_names:
            yield Finding("warning", row.name, "has no secret", row.how_to_get_a_secret())


def _default(config: Config, told: list[survey.Told]) -> Finding:
    choice = config.default
    if choice is not None:
        return Finding("ok", "default", f"{choice.model} ({choice.because})")
    local = next((one.provider for one in told if one.provider.local and one.models), None)
    if local is not None:
        return Finding("ok", "default", f"{local.name}/ (a server answers at {local.base_url})")
    return Finding(
        "error",
        "default",
        "no model is configured: on a terminal, demo stands in, with no model behind it",
        "tramite secrets set OPENAI_API_KEY, or start LM Studio or Ollama",
    )


def _verdict(usable: bool) -> str:
    return "A model can be used: tramite chat" if usable else "No model can be used yet; tramite chat shows the demo."
