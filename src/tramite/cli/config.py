"""`tramite config`: what is set, where it comes from, and which folders' files may do more than others."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from . import form
from .terminal import Terminal, table

if TYPE_CHECKING:
    from tramite.config.project import Project

app = form.application(
    no_args_is_help=True,
    help="The configuration: arguments, environment and .env, ./tramite.toml, your own tramite.toml, defaults.",
)

SHOW_EXAMPLES = """
Examples:
  tramite config show --origin
  tramite config show --json
"""
TRUST_EXAMPLES = """
Examples:
  tramite config trust            says what the files want, and asks
  tramite config trust --yes
  tramite config trust --revoke
"""
PATH_EXAMPLES = """
Examples:
  $EDITOR "$(tramite config path)"
  tramite config path --all
"""


@dataclass(frozen=True, kw_only=True)
class Show:
    """What `config show` takes."""

    origin: Annotated[bool, typer.Option("--origin", help="Say of each value where it comes from.")] = False
    json: form.Json = False


@form.command(app, Show, SHOW_EXAMPLES)
def show(given: Show) -> None:
    """Show every setting and its value. Secrets are shown by where they are, and their last four characters."""
    import msgspec

    from tramite import config
    from tramite.config import show as shown

    from . import facts

    terminal = Terminal()
    settings = config.load()
    rows = shown.rows(settings)
    warnings = shown.warnings(settings)
    if given.json:
        told = {"files": [str(file) for file in settings.files], "settings": msgspec.to_builtins(rows)}
        terminal.line(facts.json_text({**told, "warnings": warnings}))
        return
    heads = ["setting", "value", "from"] if given.origin else ["setting", "value"]
    table(heads, [[row.key, row.value, row.origin][: len(heads)] for row in rows])
    for warning in warnings:
        terminal.warn(warning)


@dataclass(frozen=True, kw_only=True)
class Trust:
    """What `config trust` takes."""

    yes: Annotated[bool, typer.Option("-y", "--yes", help="Do not ask.")] = False
    revoke: Annotated[bool, typer.Option("--revoke", help="Trust this folder no more.")] = False


@form.command(app, Trust, TRUST_EXAMPLES)
def trust(given: Trust) -> None:
    """Let this folder's tramite.toml and .env do what only you may allow, such as sending a secret elsewhere.

    It holds for the files as they are now: once they change, they have to be trusted again.
    """
    from tramite.config import trust as trusting

    terminal = Terminal()
    if given.revoke:
        trusting.revoke(Path.cwd(), os.environ)
        terminal.warn(f"{Path.cwd()} is not trusted any more")
        return
    found = trusting.review(os.environ)
    if not found.wants:
        terminal.warn("the files of this folder want nothing that needs your trust")
        return
    terminal.warn(f"The files tramite.toml and .env in {found.project.folder} want to:")
    for want in found.wants:
        terminal.warn(f"  - {want}")
    if found.trusted:
        terminal.warn("They are trusted already.")
    elif given.yes or _agreed():
        _grant(found.project, terminal)
    else:
        terminal.warn("Nothing has changed.")


def _agreed() -> bool:
    """Ask. Raises InvalidCall where nobody can answer."""
    import sys

    from tramite.errors import InvalidCall

    if not sys.stdin.isatty():
        raise InvalidCall("nobody is here to ask: read the files, then run tramite config trust --yes")
    return typer.confirm("Do you trust who wrote them?", default=False, err=True)


def _grant(project: Project, terminal: Terminal) -> None:
    from tramite.config import trust as trusting

    trusting.grant(project, os.environ)
    terminal.warn("They are trusted, as they are now.")


@dataclass(frozen=True, kw_only=True)
class Place:
    """What `config path` takes."""

    all: Annotated[bool, typer.Option("--all", help="All files and folders, and whether they are there.")] = False


@form.command(app, Place, PATH_EXAMPLES)
def path(given: Place) -> None:
    """Print where your own configuration is, or would be: the file to edit."""
    from tramite.config import places

    terminal = Terminal()
    named = os.environ.get("TRAMITE_CONFIG")
    own = Path(named).expanduser().absolute() if named else places.user_file(os.environ)
    if not given.all:
        terminal.line(str(own))
        return
    found = {
        "configuration": own,
        "this folder's": Path.cwd() / places.FILE_NAME,
        "this folder's .env": Path.cwd() / ".env",
        "secrets": places.secrets_file(os.environ),
        "trusted folders": places.trust_file(os.environ),
        "data": places.data_dir(os.environ),
        "cache": places.cache_dir(os.environ),
    }
    table(["what", "where", ""], [[what, str(at), "" if at.exists() else "not there"] for what, at in found.items()])
