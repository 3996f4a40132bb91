"""Dialects by name, loaded when they are first used. Knows nothing of what is in them."""

from __future__ import annotations

from importlib import import_module

from tramite.errors import ConfigError

from .base import Dialect

_HOMES = {
    "openai": ("tramite.dialects.openai", "OPENAI"),
    "gemini": ("tramite.dialects.gemini", "GEMINI"),
    "anthropic": ("tramite.dialects.anthropic", "ANTHROPIC"),
    "huggingface": ("tramite.dialects.huggingface", "HUGGINGFACE"),
    "openai-responses": ("tramite.dialects.responses", "RESPONSES"),
}
"""Name in the configuration, to module and object."""

NAMES = tuple(_HOMES)


def get(name: str) -> Dialect:
    """The dialect of this name. Raises `ConfigError` where there is none."""
    home = _HOMES.get(name)
    if home is None:
        raise ConfigError(f"there is no dialect {name!r}: choose one of {', '.join(NAMES)}")
    module, variable = home
    dialect: Dialect = getattr(import_module(module), variable)
    return dialect
