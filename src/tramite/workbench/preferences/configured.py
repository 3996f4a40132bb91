"""What is configured and from where, as a page may show it: of a secret, where it comes from. Knows no page."""

from __future__ import annotations

from tramite.config import Config
from tramite.config.show import Row, rows, warnings
from tramite.providers.rows import Provider

MASK = "••••••••"
_SECRET = ".api_key"


def settings(config: Config, all: bool = False) -> list[Row]:
    """Every setting that somebody set, with its origin; with `all`, the defaults too."""
    return [_masked(row, config) for row in rows(config) if all or row.origin != "default"]


def notices(config: Config) -> list[str]:
    """What was found and not used, or should be done another way."""
    return warnings(config)


def secret_of(provider: Provider) -> str:
    """Where its secret comes from; nothing where it has none."""
    return provider.secret.origin if provider.secret is not None else ""


def _masked(row: Row, config: Config) -> Row:
    """Without the last four characters, which a terminal shows: a page may be seen by others."""
    if not (row.key.startswith("providers.") and row.key.endswith(_SECRET)):
        return row
    for provider in config.providers.values():
        secret = provider.secret
        if secret is not None and row.value == f"{secret.origin} {secret}":
            return Row(row.key, f"{secret.origin} {MASK}", row.origin)
    return row
