"""`/v1/models`: the routes, and the models that the configuration names. Asks no provider.

One form for both clients that ask here: OpenAI's fields, and beside them Anthropic's, whose SDK reads the same path.
"""

from __future__ import annotations

import msgspec

from tramite.errors import ConfigError
from tramite.store.keys import Key

from .gate import Gate
from .keys import allows


def list_models(gate: Gate, key: Key | None) -> bytes:
    """What this key may ask for by name here."""
    models = list(_all(gate, key).values())
    ids = {"first_id": models[0]["id"], "last_id": models[-1]["id"]} if models else {"first_id": None, "last_id": None}
    return msgspec.json.encode({"object": "list", "data": models, "has_more": False, **ids})


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
    ours = {"id": name, "object": "model", "created": 0, "owned_by": owner}
    return {**ours, "type": "model", "display_name": name, "created_at": "1970-01-01T00:00:00Z"}
