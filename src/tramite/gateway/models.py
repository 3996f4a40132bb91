"""`/v1/models`: the routes, and the models that the configuration names. Asks no provider."""

from __future__ import annotations

import msgspec

from tramite.errors import ConfigError
from tramite.store.keys import Key

from .gate import Gate
from .keys import allows


def list_models(gate: Gate, key: Key | None) -> bytes:
    """What this key may ask for by name here, in OpenAI's form."""
    return msgspec.json.encode({"object": "list", "data": list(_all(gate, key).values())})


def one_model(gate: Gate, key: Key | None, name: str) -> bytes | None:
    """One of them; None where there is none of this name for this key."""
    found = _all(gate, key).get(name)
    return None if found is None else msgspec.json.encode(found)


def _all(gate: Gate, key: Key | None) -> dict[str, dict[str, object]]:
    routes = {name: _shown(name, "route") for name in gate.config.routes}
    named = sorted(gate.served.named - routes.keys())
    found = routes | {name: _shown(name, name.partition("/")[0]) for name in named}
    return found if key is None else {name: shown for name, shown in found.items() if _may(key, name, gate)}


def _may(key: Key, name: str, gate: Gate) -> bool:
    try:
        return allows(key, name, gate.config)
    except ConfigError:  # it stands for nothing
        return False


def _shown(name: str, owner: str) -> dict[str, object]:
    return {"id": name, "object": "model", "created": 0, "owned_by": owner}
