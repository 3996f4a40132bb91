"""The configuration: `tramite.toml`, `.env` and the environment, read once into a frozen, typed object."""

from __future__ import annotations

from tramite.providers.rows import Provider
from tramite.providers.secrets import Secret

from .given import with_secrets
from .load import load
from .model import (
    EACH_ADDRESS,
    Budget,
    Cache,
    Cap,
    Choice,
    Config,
    Gateway,
    Limits,
    ModelFacts,
    Retry,
    Route,
    State,
    Store,
    Timeouts,
)

__all__ = [
    "EACH_ADDRESS",
    "Budget",
    "Cache",
    "Cap",
    "Choice",
    "Config",
    "Gateway",
    "Limits",
    "ModelFacts",
    "Provider",
    "Retry",
    "Route",
    "Secret",
    "State",
    "Store",
    "Timeouts",
    "load",
    "with_secrets",
]
