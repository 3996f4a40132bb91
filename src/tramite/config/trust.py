"""What a folder's own files may do without being trusted, and which folders are.

A cloned project must not get hold of anything that is not its own. So without trust, `./tramite.toml` and `./.env` may
bring values of their own (models, routes, limits, secrets written in `.env`), and talk to this machine. They may not
  - give a secret from outside (environment, user's file, stored secrets, keyring) another address or provider,
  - read a file, ask the keyring or run a command for a secret,
  - send prompts to an address of their own choice, with or without a secret: prompts are worth stealing too,
  - move the ledger or the limits' counters, set budgets, keep texts, or open the gateway to other machines,
  - have models fetched.
What counts is the outcome: the providers that result with the folder's files are compared with those without them.
Proxies and certificates named in `.env` never have an effect, and neither have TRAMITE_HOME and TRAMITE_CONFIG there.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec
from msgspec import Struct

from tramite.errors import ConfigError
from tramite.providers import addresses, private
from tramite.providers.rows import Provider
from tramite.providers.secrets import Secret
from tramite.providers.sources import Command, Keyring, SecretFile, Variable

from . import places, sources
from .project import Project
from .providers import Said, Surroundings, build, gather
from .sources import Sources


class Review(Struct, frozen=True):
    """What a folder's files ask for, and whether the user has trusted these very contents."""

    project: Project
    wants: tuple[str, ...]
    trusted: bool


def review(environ: Mapping[str, str] | None = None, cwd: Path | None = None) -> Review:
    """Look at the current folder without loading its configuration: what `tramite config trust` shows before it asks.

    Raises ConfigError for files that cannot be read.
    """
    environ = os.environ if environ is None else environ
    found = sources.read(None, environ, cwd)
    return Review(found.project, wants(found), is_trusted(found.project, environ))


def wants(found: Sources) -> tuple[str, ...]:
    """What the folder's files ask for that needs the user's trust, each in a few plain words."""
    project = found.project
    if not project.dotenv and not project.toml.values:
        return ()
    return tuple(dict.fromkeys([*_provider_wants(found), *_setting_wants(project)]))


def is_trusted(project: Project, environ: Mapping[str, str]) -> bool:
    """Whether the user said so, of these very contents."""
    return _trusted(places.trust_file(environ)).get(_key(project.folder)) == project.fingerprint


def grant(project: Project, environ: Mapping[str, str]) -> None:
    """Trust the folder's files as they were read. Another content has to be trusted again."""
    _change(environ, project.folder, project.fingerprint)


def revoke(folder: Path, environ: Mapping[str, str]) -> None:
    """Trust the folder no more."""
    _change(environ, folder.resolve(), None)


def refusal(project: Project, asked: tuple[str, ...]) -> str:
    """The message for who has not trusted the folder yet."""
    lines = "\n".join(f"  - {one}" for one in asked)
    return (
        f"the files tramite.toml and .env in {str(project.folder)!r} ask for what only you may allow:\n{lines}\n"
        "Read them. If you trust who wrote them, run in that folder: tramite config trust"
    )


def _provider_wants(found: Sources) -> Iterator[str]:
    around = found.around
    before = build(gather([found.own]), around.without_dotenv(), {})
    said = gather(found.layers)
    for name, after in build(said, around, {}).items():
        own = before.get(name)
        moved = own is None or own.base_url != after.base_url
        theirs = _is_theirs(said.get(name), found)
        outside = _from_outside(after.secret, theirs, around)
        yield from _source_wants(after, theirs)
        if after.allow_download and not (own and own.allow_download):
            yield f"fetch every model of {name} that is asked for and not on this machine"
        if moved and (outside or not after.loopback):
            yield _move(own, after, outside)
        elif theirs and outside and not _is_own_name(own, after.secret):
            yield f"send your secret {_origin(after)} to {name}"
        if outside and after.bill_to and (own is None or own.bill_to != after.bill_to):
            yield f"have {after.bill_to!a} pay for what you ask {name}"


def _is_theirs(said: Said | None, found: Sources) -> bool:
    """Whether it is the folder that says which secret a provider uses."""
    return said is not None and said.layers.get("api_key") is found.project.toml


def _source_wants(provider: Provider, theirs: bool) -> Iterator[str]:
    source = provider.secret.source if provider.secret and theirs else None
    if isinstance(source, Command):
        yield f"run the command {source.line!a}, whose output is to be the secret of {provider.name}"
    elif isinstance(source, SecretFile):
        yield f"read the file {str(source.path)!a}, whose content is to be the secret of {provider.name}"
    elif isinstance(source, Keyring):
        yield f"take {source.name!a} out of your keyring, to be the secret of {provider.name}"


def _from_outside(secret: Secret | None, theirs: bool, around: Surroundings) -> bool:
    """Whether the secret is one that the folder did not bring along."""
    if secret is None:
        return False
    source = secret.source
    if isinstance(source, Variable):
        mine = bool(around.environ.get(source.name))
        return mine or (not around.dotenv.get(source.name) and source.name in around.store.names())
    return not theirs


def _is_own_name(own: Provider | None, secret: Secret | None) -> bool:
    """Whether it is the very secret that the provider has without the folder's files."""
    source = secret.source if secret else None
    if own is None or not isinstance(source, Variable):
        return False
    mine = own.secret.source if own.secret else None
    return source.name in own.secret_names or (isinstance(mine, Variable) and mine.name == source.name)


def _move(own: Provider | None, after: Provider, outside: bool) -> str:
    secret = f", with your secret {_origin(after)}," if outside else ""
    if own is None:
        return f"send your prompts{secret} to {after.base_url}, which it calls {after.name!a}"
    return f"send what you ask {own.name}{secret} to {after.base_url} instead of {own.base_url}"


def _origin(provider: Provider) -> str:
    return provider.secret.origin if provider.secret else ""


def _setting_wants(project: Project) -> Iterator[str]:
    for layer in (project.toml, project.variables):
        store, state = layer.values.get(("store", "url")), layer.values.get(("state", "url"))
        if store:
            yield f"keep the ledger and what is stored with it at {addresses.without_password(store)!a}"
        if state and state not in ("memory", "file"):
            yield f"count limits at {addresses.without_password(state)!a}"
        for name in dict.fromkeys(path[1] for path in layer.values if path[0] == "budgets"):
            yield f"decide what may be spent: the budget {name!a}"
        if layer.values.get(("store", "keep_text")):
            yield "keep what you ask and what is answered"
        host = layer.values.get(("gateway", "host"))
        if host and not addresses.is_loopback(f"http://{host}"):
            yield f"open the gateway to other machines, at {host!a}"
        for what in ("hosts", "origins"):
            if others := layer.values.get(("gateway", what)):
                yield f"let the gateway be used under or from {', '.join(map(ascii, others))}"


def _trusted(path: Path) -> dict[str, str]:
    try:
        data = private.read(path)
        return {} if data is None else msgspec.json.decode(data, type=dict[str, str])
    except (OSError, msgspec.DecodeError) as error:
        raise ConfigError(f"cannot read which folders are trusted, in {path}: {error}") from None


def _key(folder: Path) -> str:
    """The folder as JSON can hold it, whatever bytes its name has."""
    return str(folder).encode("utf-8", "backslashreplace").decode()


def _change(environ: Mapping[str, str], folder: Path, fingerprint: str | None) -> None:
    path = places.trust_file(environ)
    with private.locked(path) as target:
        trusted = _trusted(path)
        trusted.pop(_key(folder), None)
        if fingerprint is not None:
            trusted[_key(folder)] = fingerprint
        private.replace(target, msgspec.json.format(msgspec.json.encode(trusted), indent=2) + b"\n")
