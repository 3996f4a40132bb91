"""`/v1/models`: the routes, and the models that the configuration names. Asks no provider."""

from __future__ import annotations

import msgspec

from .gate import Gate


def list_models(gate: Gate) -> bytes:
    """What may be asked for by name here, in OpenAI's form."""
    return msgspec.json.encode({"object": "list", "data": list(_all(gate).values())})


def one_model(gate: Gate, name: str) -> bytes | None:
    """One of them; None where there is none of this name."""
    found = _all(gate).get(name)
    return None if found is None else msgspec.json.encode(found)


def _all(gate: Gate) -> dict[str, dict[str, object]]:
    routes = {name: _shown(name, "route") for name in gate.config.routes}
    named = sorted(gate.served.named - routes.keys())
    return routes | {name: _shown(name, name.partition("/")[0]) for name in named}


def _shown(name: str, owner: str) -> dict[str, object]:
    return {"id": name, "object": "model", "created": 0, "owned_by": owner}
