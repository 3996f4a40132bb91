"""The catalogue's rows with what the configuration says of them, and rows of the user's own. Does no I/O but to look
into the stored secrets' file for names."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from tramite.dialects.base import Traits
from tramite.errors import ConfigError
from tramite.providers import addresses, azure, hub
from tramite.providers.catalogue import CATALOGUE
from tramite.providers.rows import Provider
from tramite.providers.secrets import Secret, parse_reference
from tramite.providers.sources import Variable
from tramite.providers.store import SecretStore

from .layers import Layer
from .places import secrets_file
from .rules import dotted

TRAITS = frozenset(Traits.__struct_fields__)


class Surroundings(Struct, frozen=True):
    """Where secrets and addresses may come from beside the files."""

    environ: Mapping[str, str]
    dotenv: Mapping[str, str]
    store: SecretStore

    @classmethod
    def of(cls, environ: Mapping[str, str], dotenv: Mapping[str, str]) -> Surroundings:
        """With the stored secrets that belong to this environment."""
        return cls(environ, dotenv, SecretStore(secrets_file(environ)))

    def without_dotenv(self) -> Surroundings:
        """The same, as if there were no `.env`."""
        return Surroundings(self.environ, {}, self.store)

    def variable(self, name: str) -> tuple[str, str] | None:
        """A variable's value, and where it is from; the environment goes before `.env`."""
        for source, values in (("env", self.environ), (".env", self.dotenv)):
            if values.get(name):
                return values[name], f"{source} {name}"
        return None


class Said(Struct):
    """What the layers say of one provider: the value of each key, and the layer that it is from."""

    values: dict[str, Any] = {}
    layers: dict[str, Layer] = {}

    def origin(self, name: str, key: str) -> str:
        return self.layers[key].origin(("providers", name, key))


def gather(layers: list[Layer]) -> dict[str, Said]:
    """What is said of each provider; later layers win, key by key."""
    found: dict[str, Said] = {}
    for layer in layers:
        for path, value in layer.values.items():
            if path[0] == "providers":
                said = found.setdefault(path[1], Said())
                said.values[path[2]] = value
                said.layers[path[2]] = layer
    return found


def build(said: Mapping[str, Said], around: Surroundings, origins: dict[str, str]) -> dict[str, Provider]:
    """Every provider, the catalogue's first. Raises ConfigError."""
    rows = {name: provider(name, said.get(name), around, origins) for name in CATALOGUE}
    own = {name: provider(name, said[name], around, origins) for name in said if name not in CATALOGUE}
    return rows | own


def provider(name: str, said: Said | None, around: Surroundings, origins: dict[str, str]) -> Provider:
    """One provider: its row, or a new one, with what was said of it, its address and its secret."""
    said = said or Said()
    changes: dict[str, Any] = {
        key: value for key, value in said.values.items() if key in Provider.__struct_fields__ and key != "base_url"
    }
    for key in said.values:
        origins[dotted(("providers", name, key))] = said.origin(name, key)
    traits = {key: value for key, value in said.values.items() if key in TRAITS}
    if "endpoint" in said.values and "base_url" in said.values:
        raise ConfigError(
            f"{said.layers['endpoint'].source}: providers.{name} has base_url and endpoint; expected one of them: "
            "endpoint is for Azure, whose paths are put behind it"
        )
    row = CATALOGUE.get(name) or _new(name, said)
    changes |= _variables(row, around, origins)
    if "endpoint" in said.values:
        changes["azure"] = True
    if traits:
        changes["traits"] = msgspec.structs.replace(row.traits, **traits)
    changes["base_url"] = _address(row, said, around, origins)
    changes["secret"] = _secret(row, said, around, origins)
    built = msgspec.structs.replace(row, **changes)
    why = hub.refusal(built.base_url, built.dialect)
    if why:
        key = dotted(("providers", name, "base_url"))
        raise ConfigError(f"{origins.get(key, 'default')}: {key} is {built.base_url!r}: {why}")
    return azure.addressed(built, frozenset(traits)) if built.azure else hub.addressed(built, frozenset(said.values))


def _variables(row: Provider, around: Surroundings, origins: dict[str, str]) -> dict[str, str]:
    """What the provider's own variables say of its api_version and its default model. They go before any file."""
    told: dict[str, str] = {}
    for key, variable in (("api_version", row.version_name), ("default_model", row.model_name)):
        if variable and (found := around.variable(variable)) is not None:
            origins[dotted(("providers", row.name, key))] = found[1]
            told[key] = found[0].strip()
    return told


def _new(name: str, said: Said) -> Provider:
    """A row of the user's own, before anything but its address is set."""
    address = said.values.get("base_url") or said.values.get("endpoint")
    if not address:
        source = next(iter(said.layers.values())).source
        raise ConfigError(
            f"{source}: providers.{name} has no base_url; expected {addresses.EXPECTED}, "
            "up to what stands before /chat/completions"
        )
    return Provider(
        name=name,
        base_url=address,
        needs_secret="api_key" in said.values,
        local=addresses.is_loopback(address),
        auth="api-key" if "endpoint" in said.values else "bearer",
    )


def _address(row: Provider, said: Said, around: Surroundings, origins: dict[str, str]) -> str:
    found = around.variable(row.url_name) if row.url_name else None
    if found is not None:
        value, origin = found
        try:
            address = addresses.like(row.base_url, value)
        except ValueError as error:
            raise ConfigError(f"{origin} is {addresses.without_password(value)!r}; expected {error}") from None
        origins[dotted(("providers", row.name, "base_url"))] = origin
        return address
    address = said.values.get("endpoint") or said.values.get("base_url", row.base_url)
    on_this_machine = row.local and row.name in CATALOGUE and not row.in_process
    return addresses.like(row.base_url, address) if on_this_machine else address


def _secret(row: Provider, said: Said, around: Surroundings, origins: dict[str, str]) -> Secret | None:
    """What the configuration names, else the first well-known variable that is set, else a stored secret.

    A named one goes first, so that the variable's secret never reaches an address that was configured with another.
    """
    key = dotted(("providers", row.name, "api_key"))
    if "api_key" in said.values:
        return _referred(said.values["api_key"], said.layers["api_key"], key, around)
    stored = around.store.names()
    for name in row.secret_names:
        found = around.variable(name)
        held = stored.get(name)
        if found or held:
            origins[key] = found[1] if found else f"{held} {name}"
            return Secret(Variable(name, around.environ, around.dotenv, around.store))
    return None


def _referred(text: str, layer: Layer, key: str, around: Surroundings) -> Secret:
    """The secret that a file's `api_key` stands for."""
    try:
        return parse_reference(
            text,
            environ=around.environ,
            dotenv=around.dotenv,
            store=around.store,
            base=layer.folder or Path.cwd(),
            written_in=layer.source,
        )
    except ConfigError as error:
        raise ConfigError(f"{layer.source}: {key}: {error}") from None
