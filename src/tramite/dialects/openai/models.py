"""The list of models of the OpenAI dialect, both sides. Tells context and state where a server does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from tramite.calls import Kind, ModelsCall
from tramite.dialects.bad_reply import bad_reply
from tramite.dialects.base import Encoded, Signals, StreamReader, StreamWriter, Target, Watcher
from tramite.dialects.failure_shapes import error_inside
from tramite.dialects.json_bodies import UNREADABLE
from tramite.errors import ProviderError
from tramite.replies import ModelInfo, ModelsReply

from .embeddings import not_streamed

_EXPECTED = "a list of models"
_CONTEXT = (
    *("loaded_context_length", "max_context_length"),  # LM Studio
    *("context_length", "context_window"),  # OpenRouter, Together; Groq
    "max_model_len",  # vLLM
)


class Models:
    """See `dialects.base.Operation`. Lists are not streamed."""

    kind: Kind = "models"

    def encode(self, call: ModelsCall, target: Target, stream: bool) -> Encoded:
        """The call as a request to `/models`."""
        if stream:
            not_streamed(self.kind)
        return Encoded("/models", b"", method="GET")

    def decode(self, body: bytes) -> ModelsReply:
        """The models. Raises `BadReply`, or the error that the body carries."""
        listed = _listed(body)
        if isinstance(listed, ProviderError):
            raise listed
        return ModelsReply(models=tuple(_info(item) for item in listed))

    def reader(self, call: ModelsCall) -> StreamReader:
        """Raises `Unsupported`."""
        not_streamed(self.kind)

    def judge(self, body: bytes) -> Signals:
        """Signals of a whole body: it has succeeded when it is a list, empty or not."""
        listed = _listed(body)
        if isinstance(listed, ProviderError):
            return Signals(error=listed)
        return Signals(proof=True, finish="stop")

    def watcher(self, n: int) -> Watcher:
        """Raises `Unsupported`."""
        not_streamed(self.kind)

    def decode_call(self, body: bytes, path: str) -> tuple[ModelsCall, bool]:
        """There is nothing in it."""
        return ModelsCall(), False

    def encode_reply(self, reply: ModelsReply, call: ModelsCall) -> bytes:
        """The models as an OpenAI list, with context and state in the words of Together and LM Studio."""
        return msgspec.json.encode({"object": "list", "data": [_model_object(info) for info in reply.models]})

    def writer(self, call: ModelsCall) -> StreamWriter:
        """Raises `Unsupported`."""
        not_streamed(self.kind)


def _listed(body: bytes) -> list[Mapping[str, Any]] | ProviderError:
    """The entries, under `data`, or (Together) alone; or why there are none."""
    try:
        payload = msgspec.json.decode(body)
    except UNREADABLE as error:
        return bad_reply(body, _EXPECTED, error)
    found = payload.get("data", payload.get("models")) if isinstance(payload, dict) else payload
    if isinstance(found, list) and all(isinstance(item, dict) and _id(item) for item in found):
        return found
    said = error_inside(payload, body) if isinstance(payload, dict) else None
    return said or bad_reply(body, _EXPECTED, "no list of objects with ids")


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
