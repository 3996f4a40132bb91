"""Secrets that a program gives to a configuration, in place of what files and variables say. Reads nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from tramite.errors import UnknownProvider
from tramite.providers.secrets import Secret
from tramite.providers.sources import Called

from .model import Config
from .names import nearest


def with_secrets(config: Config, secrets: Mapping[str, str | Callable[[], str]]) -> Config:
    """The configuration with these secrets, by provider. What a function gives Azure is a bearer token (Entra).

    Raises UnknownProvider.
    """
    providers = dict(config.providers)
    for name, secret in secrets.items():
        row = providers.get(name)
        if row is None:
            raise UnknownProvider(f"secrets: there is no provider {name!r}{nearest(name, providers)}")
        changes: dict[str, object] = {"secret": Secret(secret if isinstance(secret, str) else Called(secret))}
        if row.azure and not isinstance(secret, str):
            changes["auth"] = "bearer"
        providers[name] = msgspec.structs.replace(row, **changes)
    return msgspec.structs.replace(config, providers=providers)
