"""The list of models of the Gemini dialect, both sides."""

from __future__ import annotations

from typing import Any

import msgspec

from tramite.calls import Kind, ModelsCall
from tramite.dialects.bad_reply import bad_reply
from tramite.dialects.base import Encoded, Signals, StreamReader, StreamWriter, Target, Watcher
from tramite.dialects.json_bodies import UNREADABLE
from tramite.errors import ProviderError
from tramite.replies import ModelInfo, ModelsReply

from . import shapes
from .embeddings import not_streamed
from .errors_in import error_inside
from .paths import resource

_EXPECTED = "a list of models"
_PAGE = 1_000  # the most that Google gives at once; there are fewer than a hundred
_TYPES = {"generateContent": "llm", "embedContent": "embeddings"}
"""What a method says of a model, in LM Studio's words."""
_METHODS = {
    "llm": ["generateContent", "streamGenerateContent"],
    "embeddings": ["embedContent", "batchEmbedContents"],
}


class Models:
    """See `dialects.base.Operation`. Lists are not streamed."""

    kind: Kind = "models"

    def encode(self, call: ModelsCall, target: Target, stream: bool) -> Encoded:
        """The call as a request to `/models`."""
        if stream:
            not_streamed(self.kind)
        return Encoded(f"/models?pageSize={_PAGE}", b"", method="GET")

    def decode(self, body: bytes) -> ModelsReply:
        """The models. Raises `BadReply`, or the error that the body carries."""
        listed = _listed(body)
        if isinstance(listed, ProviderError):
            raise listed
        return ModelsReply(models=tuple(_info(model) for model in listed))

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
        """The models as Google lists them."""
        return msgspec.json.encode({"models": [_model_object(info) for info in reply.models]})

    def writer(self, call: ModelsCall) -> StreamWriter:
        """Raises `Unsupported`."""
        not_streamed(self.kind)


def _listed(body: bytes) -> list[shapes.Model] | ProviderError:
    try:
        page = shapes.decode_models(body)
    except UNREADABLE as error:
        return error_inside(body) or bad_reply(body, _EXPECTED, error)
    if page.error or page.models is None:
        return error_inside(body) or bad_reply(body, _EXPECTED, "no models")
    return page.models


def _info(model: shapes.Model) -> ModelInfo:
    methods, limit = model.supported_generation_methods, model.input_token_limit
    kinds = [kind for method, kind in _TYPES.items() if isinstance(methods, list) and method in methods]
    return ModelInfo(
        id=model.name.removeprefix("models/"),
        context_tokens=limit if isinstance(limit, int) and limit > 0 else None,
        type=kinds[0] if kinds else None,
    )


def _model_object(info: ModelInfo) -> dict[str, Any]:
    said: dict[str, Any] = {"name": resource(info.id), "displayName": info.id}
    if info.context_tokens is not None:
        said["inputTokenLimit"] = info.context_tokens
    if info.type in _METHODS:
        said["supportedGenerationMethods"] = _METHODS[info.type]
    return said
