"""What each source says, checked key by key: files, environment, arguments. Decides nothing."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from msgspec import Struct

from tramite.errors import ConfigError
from tramite.providers import private
from tramite.providers.catalogue import canonical

from .names import nearest
from .rules import NAMED, SECTIONS, TOP, VARIABLES, Rule, dotted, rule_for

Key: TypeAlias = tuple[str, ...]
"""A key's path: (key,), (table, key), or (table, name, key)."""


_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class Layer(Struct, frozen=True):
    """The checked values of one source. `origins` says where in it each one is, when that is not `source` itself."""

    source: str
    values: dict[Key, Any] = {}
    origins: dict[Key, str] = {}
    folder: Path | None = None
    """Where relative paths in it start."""

    def origin(self, path: Key) -> str:
        return self.origins.get(path, self.source)


def read_text(path: Path) -> str | None:
    """A file of the configuration as text; None where there is none. Raises ConfigError."""
    try:
        data = private.read(path)
        return None if data is None else data.decode()
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not UTF-8 text (byte {error.start})") from None
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror or error}") from None


def from_toml(text: str, path: Path) -> Layer:
    """The layer of a `tramite.toml`. Raises ConfigError, naming file, key, value and what was expected."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path} is not valid TOML: {error}") from None
    values = {key: _accept(rule_for(key), value, key, str(path)) for key, value in _flatten(table, str(path))}
    return Layer(str(path), values, folder=path.parent)


def from_variables(environ: Mapping[str, str], source: str) -> Layer:
    """The layer of the TRAMITE_… variables; `source` is `env` or `.env`."""
    layer = Layer(source)
    for name, key in VARIABLES.items():
        text = environ.get(name)
        if not text:
            continue
        rule, where = rule_for(key), f"{source} {name}"
        try:
            value = rule.read(text.strip())
        except ValueError:
            value = text
        layer.values[key] = _accept(rule, value, key, where)
        layer.origins[key] = where
    return layer


def from_arguments(overrides: Mapping[str, object]) -> Layer:
    """The layer of arguments, by dotted key (`retry.attempts`)."""
    layer = Layer("argument")
    for name, value in overrides.items():
        key = tuple(name.split("."))
        known = key[0] in TOP if len(key) == 1 else len(key) == 2 and key[1] in SECTIONS.get(key[0], {})
        if not known:
            raise ConfigError(f"argument: there is no setting {name!r}{nearest(name, _scalar_names())}")
        layer.values[key] = _accept(rule_for(key), value, key, "argument")
    return layer


def unknown_variables(environ: Mapping[str, str], known: frozenset[str]) -> Iterator[str]:
    """A notice for every TRAMITE_… variable that means nothing."""
    for name in environ:
        if name.startswith("TRAMITE_") and name not in VARIABLES and name not in known:
            yield f"the variable {name} is no setting of tramite{nearest(name, VARIABLES)}"


def _flatten(table: Mapping[str, Any], source: str) -> Iterator[tuple[Key, Any]]:
    for key, value in table.items():
        if key in TOP:
            yield (key,), value
        elif key in SECTIONS:
            for inner, one in _table(value, (key,), SECTIONS[key], source):
                yield (key, inner), one
        elif key in NAMED:
            for name, inner_table in _table(value, (key,), None, source):
                name = _provider_name(name, source) if key == "providers" else name
                for inner, one in _table(inner_table, (key, name), NAMED[key], source):
                    yield (key, name, inner), one
        else:
            known = [*TOP, *SECTIONS, *NAMED]
            raise ConfigError(f"{source}: there is no setting {key!r}{nearest(key, known)} (known: {', '.join(known)})")


def _provider_name(name: str, source: str) -> str:
    if _NAME.fullmatch(name) is None:
        raise ConfigError(f"{source}: {name!r} is no name for a provider: use letters, digits, -, _ and .")
    return canonical(name)


def _table(value: Any, path: Key, keys: Mapping[str, Rule] | None, source: str) -> Iterator[tuple[str, Any]]:
    if not isinstance(value, dict):
        what = f"[{dotted(path)}]" if keys is not None else f"[{dotted(path)}.NAME]"
        raise ConfigError(f"{source}: {dotted(path)} must be a table, written as {what}, and not {_shown(value)}")
    for key, one in value.items():
        if keys is not None and key not in keys:
            raise ConfigError(
                f"{source}: there is no setting {dotted((*path, key))}{nearest(key, keys)} (known: {', '.join(keys)})"
            )
        yield key, one


def _accept(rule: Rule, value: Any, path: Key, source: str) -> Any:
    try:
        return rule.accept(value)
    except ValueError:
        shown = "of the wrong form (it is not shown, since it may be secret)" if rule.secret else _shown(value)
        raise ConfigError(f"{source}: {dotted(path)} is {shown}; expected {rule.expected}") from None


def _shown(value: object) -> str:
    text = repr(value)
    if isinstance(value, str) and "://" in value and "@" in value:
        return "an address with a user name or a password in it"
    return text if len(text) <= 80 else f"{text[:77]}…"


def _scalar_names() -> list[str]:
    return [dotted(path) for path in VARIABLES.values()]
