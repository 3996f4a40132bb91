"""The configuration as rows for people: key, value, where it comes from. Shows no secret."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import Struct

from tramite.errors import TramiteError
from tramite.providers.addresses import without_password
from tramite.providers.rows import Provider
from tramite.providers.secrets import Secret

from .model import Cap, Config
from .money import written
from .rules import NAMED, SECTIONS, TOP, dotted


class Row(Struct, frozen=True):
    """One setting: its dotted key, its value as text, and where it comes from."""

    key: str
    value: str
    origin: str


def rows(config: Config) -> list[Row]:
    """Every setting that is set anywhere, and the defaults of those that have one."""
    return [
        Row(key, _shown(value), config.origins.get(key, "default"))
        for key, value in [*_top(config), *_providers(config), *_named(config), *_sections(config)]
        if value is not None
    ]


def warnings(config: Config) -> list[str]:
    """What works and should be done another way: secrets written out, and secrets sent over plain http."""
    found = list(config.notices)
    for provider in config.providers.values():
        key = dotted(("providers", provider.name, "api_key"))
        if provider.secret is None:
            continue
        if provider.secret.is_literal:
            where = config.origins.get(key, "argument")
            found.append(f"{key} is written out in {where}: better env:NAME, keyring:NAME or command:LINE")
        if provider.base_url.startswith("http://") and not provider.loopback:
            found.append(f"the secret of {provider.name} goes to {provider.base_url} unencrypted: use https")
    return found


def secret_row(secret: Secret) -> str:
    """Where a secret comes from and its last four characters, reading it where that takes no time."""
    if not secret.blocking:
        try:
            secret.reveal()
        except TramiteError as error:
            return f"{secret.origin}: {error}"
    return f"{secret.origin} {secret}"


def _top(config: Config) -> Iterator[tuple[str, Any]]:
    for key in TOP:
        yield key, getattr(config, key)


def _sections(config: Config) -> Iterator[tuple[str, Any]]:
    for table, keys in SECTIONS.items():
        for key in keys:
            yield dotted((table, key)), getattr(getattr(config, table), key)


def _named(config: Config) -> Iterator[tuple[str, Any]]:
    for table in ("routes", "limits", "budgets", "models"):
        for name, row in getattr(config, table).items():
            for key, value in msgspec.structs.asdict(row).items():
                yield dotted((table, name, key)), value


def _providers(config: Config) -> Iterator[tuple[str, Any]]:
    """What was said of a provider; its row's own values are not repeated."""
    for provider in config.providers.values():
        for key in NAMED["providers"]:
            name = dotted(("providers", provider.name, key))
            if name in config.origins:
                yield name, _provider_value(provider, key)


def _provider_value(provider: Provider, key: str) -> Any:
    if key == "api_key":
        return provider.secret and secret_row(provider.secret)
    if key == "endpoint":
        return provider.base_url
    return getattr(provider.traits if key in type(provider.traits).__struct_fields__ else provider, key)


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Cap):
        return written(value.nanousd, value.per)
    if isinstance(value, tuple):
        return ", ".join(map(_shown, value))
    text = str(value)
    return without_password(text) if "://" in text else text
