"""The list of models of the Gemini dialect, both sides."""

from __future__ import annotations

from typing import Any

import msgspec

from tramite.calls import ModelsCall
from tramite.dialects.bad_reply import bad_reply
from tramite.dialects.base import Encoded, Target
from tramite.dialects.json_bodies import UNREADABLE
from tramite.dialects.unstreamed import ModelList
from tramite.errors import ProviderError
from tramite.replies import ModelInfo, ModelsReply

from . import shapes
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


class Models(ModelList):
    """See `dialects.base.Operation`. Lists are not streamed."""

    dialect = "gemini"

    def encode(self, call: ModelsCall, target: Target, stream: bool) -> Encoded:
        """The call as a request to `/models`."""
        if stream:
            self.not_streamed()
        return Encoded(f"/models?pageSize={_PAGE}", b"", method="GET")

    def listed(self, body: bytes) -> list[ModelInfo] | ProviderError:
        """The models of the page, or why there are none."""
        try:
            page = shapes.decode_models(body)
        except UNREADABLE as error:
            return error_inside(body) or bad_reply(body, _EXPECTED, error)
        if page.error or page.models is None:
            return error_inside(body) or bad_reply(body, _EXPECTED, "no models")
        return [_info(model) for model in page.models]

    def encode_reply(self, reply: ModelsReply, call: ModelsCall) -> bytes:
        """The models as Google lists them."""
        return msgspec.json.encode({"models": [_model_object(info) for info in reply.models]})


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
