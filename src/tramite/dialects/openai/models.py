"""The list of models of the OpenAI dialect, both sides. Tells context and state where a server does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from tramite.calls import ModelsCall
from tramite.dialects.bad_reply import bad_reply
from tramite.dialects.base import Encoded, Target
from tramite.dialects.failure_shapes import error_inside
from tramite.dialects.json_bodies import UNREADABLE
from tramite.dialects.unstreamed import ModelList
from tramite.errors import ProviderError
from tramite.replies import ModelInfo, ModelsReply

from .assistant_out import NAME

_EXPECTED = "a list of models"
_CONTEXT = (
    *("loaded_context_length", "max_context_length"),  # LM Studio
    *("context_length", "context_window"),  # OpenRouter, Together; Groq
    "max_model_len",  # vLLM
)


class Models(ModelList):
    """See `dialects.base.Operation`. Lists are not streamed."""

    dialect = NAME

    def encode(self, call: ModelsCall, target: Target, stream: bool) -> Encoded:
        """The call as a request to `/models`."""
        if stream:
            self.not_streamed()
        return Encoded("/models", b"", method="GET")

    def listed(self, body: bytes) -> list[ModelInfo] | ProviderError:
        """The entries, under `data`, or (Together) alone; or why there are none."""
        try:
            payload = msgspec.json.decode(body)
        except UNREADABLE as error:
            return bad_reply(body, _EXPECTED, error)
        found = payload.get("data", payload.get("models")) if isinstance(payload, dict) else payload
        if isinstance(found, list) and all(isinstance(item, dict) and _id(item) for item in found):
            return [_info(item) for item in found]
        said = error_inside(payload, body) if isinstance(payload, dict) else None
        return said or bad_reply(body, _EXPECTED, "no list of objects with ids")

    def encode_reply(self, reply: ModelsReply, call: ModelsCall) -> bytes:
        """The models as an OpenAI list, with context and state in the words of Together and LM Studio."""
        return msgspec.json.encode({"object": "list", "data": [_model_object(info) for info in reply.models]})


def _id(item: Mapping[str, Any]) -> str:
    name = item.get("id") or item.get("name")
    return name if isinstance(name, str) else ""


def _info(item: Mapping[str, Any]) -> ModelInfo:
    owner, kind = item.get("owned_by"), item.get("type")
    return ModelInfo(
        id=_id(item),
        owned_by=owner if isinstance(owner, str) else "",
        context_tokens=_context(item),
        type=kind if isinstance(kind, str) and kind != "model" else None,
        loaded=_loaded(item),
    )


def _context(item: Mapping[str, Any]) -> int | None:
    """What fits now, where a server tells it, before what could fit at most."""
    counts = [item.get(name) for name in _CONTEXT]
    meta = item.get("meta")  # llama.cpp
    counts.append(meta.get("n_ctx_train") if isinstance(meta, dict) else None)
    return next((count for count in counts if isinstance(count, int) and count > 0), None)


def _loaded(item: Mapping[str, Any]) -> bool | None:
    state = item.get("state")  # LM Studio
    status = item.get("status")  # llama.cpp's router
    if state is None and isinstance(status, dict):
        state = status.get("value")
    return state == "loaded" if isinstance(state, str) else None


def _model_object(info: ModelInfo) -> dict[str, Any]:
    said: dict[str, Any] = {"id": info.id, "object": "model", "created": 0, "owned_by": info.owned_by}
    if info.context_tokens is not None:
        said["context_length"] = info.context_tokens
    if info.type is not None:
        said["type"] = info.type
    if info.loaded is not None:
        said["state"] = "loaded" if info.loaded else "not-loaded"
    return said
