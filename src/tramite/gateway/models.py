"""`/v1/models`: the routes, and the models that the configuration names. Asks no provider."""

from __future__ import annotations

from tramite.calls import ModelsCall
from tramite.dialects import registry
from tramite.replies import ModelInfo, ModelsReply

from .asgi import Scope
from .gate import Gate


def list_models(gate: Gate, scope: Scope) -> bytes:
    """What may be asked for by name here, in OpenAI's form."""
    config = gate.config
    named = [name for name in gate.named if name not in config.routes]
    infos = [ModelInfo(id=name, owned_by="route") for name in config.routes]
    infos += [ModelInfo(id=name, owned_by=name.partition("/")[0]) for name in sorted(named)]
    operation = registry.get("openai").operations["models"]
    return operation.encode_reply(ModelsReply(models=tuple(infos)), ModelsCall())
