"""`tramite secrets`: keep, list and remove credentials. None of them is ever taken from the command line, or shown."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated

import typer

from . import form
from .terminal import Terminal, table

if TYPE_CHECKING:
    from tramite.config import Config
    from tramite.providers.store import SecretStore

app = form.application(
    no_args_is_help=True,
    help="Secrets of providers: kept in a file that only you may read, or in the system's keyring. "
    "The environment and .env go before them.",
)

SET_EXAMPLES = """
Examples:
  tramite secrets set OPENAI_API_KEY            asks for it, and does not show it
  tramite secrets set openai                    the same: the provider's usual variable
  pass show openai | tramite secrets set OPENAI_API_KEY
  tramite secrets set OPENAI_API_KEY --keyring
"""

_LONGEST_NAME = 20
"""Of those with small letters and digits: what is longer looks like a secret."""


@dataclass(frozen=True, kw_only=True)
class Named:
    """What `secrets set` takes."""

    name: Annotated[str, typer.Argument(metavar="NAME", help="A variable such as OPENAI_API_KEY, or a provider.")]
    more: Annotated[list[str], typer.Argument(hidden=True)] = field(default_factory=list)
    keyring: Annotated[bool, typer.Option("--keyring", help="Keep it in the system's keyring.")] = False


@form.command(app, Named, SET_EXAMPLES, name="set")
def keep(given: Named) -> None:
    """Keep a secret. It is asked for, or read from stdin; the command line is seen by other programs."""
    from tramite.errors import InvalidCall

    if given.more or _looks_secret(given.name):
        raise InvalidCall(
            "a secret does not belong on the command line, where other programs and the shell's history see it: "
            "replace it at the provider, then run tramite secrets set NAME, which asks for it"
        )
    terminal = Terminal()
    name = _variable(given.name, terminal)
    store = _store()
    store.set(name, _ask(name), given.keyring)
    where = "the keyring" if given.keyring else f"{store.path}, which only you may read"
    terminal.warn(f"{name} is in {where}")
    for problem in store.problems():
        terminal.warn(problem)
    if os.environ.get(name):
        terminal.warn(f"but {name} is set in the environment too, and that goes first")


@dataclass(frozen=True, kw_only=True)
class Listed:
    """What `secrets list` takes."""

    json: form.Json = False


@form.command(app, Listed, "Examples:\n  tramite secrets list\n  tramite secrets list --json", name="list")
def tell(given: Listed) -> None:
    """List the secrets that are there: who uses each, where it is, and its last four characters."""
    from . import facts

    terminal = Terminal()
    rows = _rows(_settings(terminal), _store())
    if given.json:
        terminal.line(facts.json_text([dict(zip(("secret", "used_by", "source"), row, strict=True)) for row in rows]))
    elif rows:
        table(["secret", "used by", "from"], rows)
    else:
        terminal.warn("there are no secrets yet; tramite secrets set OPENAI_API_KEY keeps one")


@dataclass(frozen=True, kw_only=True)
class Removed:
    """What `secrets remove` takes."""

    name: Annotated[str, typer.Argument(metavar="NAME", help="As in tramite secrets list.")]


@form.command(app, Removed, "Examples:\n  tramite secrets remove OPENAI_API_KEY")
def remove(given: Removed) -> None:
    """Forget a secret that was kept here. What is in the environment or in .env stays there."""
    from tramite.config.names import nearest
    from tramite.errors import ConfigError

    terminal = Terminal()
    store = _store()
    name = given.name if given.name in store.names() else _variable(given.name, terminal)
    if not store.remove(name):
        raise ConfigError(f"no secret {name!r} is kept in {store.path}{nearest(name, store.names())}")
    terminal.warn(f"{name} is removed from {store.path}; at the provider it is valid until you delete it there")


def _store() -> SecretStore:
    from tramite.config.places import secrets_file
    from tramite.providers.store import SecretStore

    return SecretStore(secrets_file(os.environ))


def _settings(terminal: Terminal) -> Config | None:
    """The configuration; without it, the secrets that are kept can still be told."""
    from tramite import config
    from tramite.errors import ConfigError

    try:
        return config.load()
    except ConfigError as error:
        terminal.warn(f"only the secrets that are kept are listed: {error}")
        return None


def _rows(settings: Config | None, store: SecretStore) -> list[list[str]]:
    """Name, users, source and last characters of each secret."""
    from tramite.config.show import secret_row
    from tramite.providers.secrets import Secret
    from tramite.providers.sources import Variable

    found: dict[str, tuple[list[str], str]] = {}
    for provider in settings.providers.values() if settings else ():
        if provider.secret is not None:
            source = provider.secret.source
            name = source.name if isinstance(source, Variable) else f"api_key of {provider.name}"
            users, _ = found.setdefault(name, ([], secret_row(provider.secret)))
            users.append(provider.name)
    for name in store.names():
        if name not in found:
            found[name] = ([], secret_row(Secret(Variable(name, {}, {}, store))))
    return [[name, ", ".join(users), shown] for name, (users, shown) in found.items()]


def _variable(name: str, terminal: Terminal) -> str:
    """The usual variable of a provider, where it is one's name."""
    from tramite.providers.catalogue import CATALOGUE, canonical

    row = CATALOGUE.get(canonical(name))
    if row is None or not row.secret_names:
        return name
    terminal.warn(f"{row.title} has its secret in {row.secret_names[0]}")
    return row.secret_names[0]


def _ask(name: str) -> str:
    """The secret, from a person who types it unseen, or from stdin."""
    if sys.stdin.isatty():
        from getpass import getpass

        return getpass(f"{name} (not shown): ").strip()
    return sys.stdin.read().strip()


def _looks_secret(name: str) -> bool:
    """Whether someone has typed the secret where its name belongs."""
    return len(name) > _LONGEST_NAME and any(char.isdigit() for char in name) and any(char.islower() for char in name)
