"""The list of models of Anthropic's API, both sides."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from tramite.calls import ModelsCall
from tramite.dialects.bad_reply import bad_reply
from tramite.dialects.base import Encoded, Target
from tramite.dialects.json_bodies import UNREADABLE
from tramite.dialects.unstreamed import ModelList
from tramite.errors import ProviderError
from tramite.replies import ModelInfo, ModelsReply

from .chat import HEADERS
from .errors_in import error_inside

_EXPECTED = "a list of models"
_PATH = "/models?limit=1000"  # the most that a page may have; there are some twenty
_UNKNOWN_DATE = "1970-01-01T00:00:00Z"  # the API's own word for it


class Models(ModelList):
    """See `dialects.base.Operation`. Lists are not streamed."""

    dialect = "anthropic"

    def encode(self, call: ModelsCall, target: Target, stream: bool) -> Encoded:
        """The call as a request to `/models`."""
        if stream:
            self.not_streamed()
        return Encoded(_PATH, b"", method="GET", headers=HEADERS)

    def listed(self, body: bytes) -> list[ModelInfo] | ProviderError:
        """The entries under `data`, or why there are none."""
        try:
            payload = msgspec.json.decode(body)
        except UNREADABLE as error:
            return bad_reply(body, _EXPECTED, error)
        found = payload.get("data") if isinstance(payload, dict) else None
        if isinstance(found, list) and all(
            isinstance(item, dict) and isinstance(item.get("id"), str) for item in found
        ):
            return [_info(item) for item in found]
        return error_inside(body) or bad_reply(body, _EXPECTED, "no list of objects with ids")

    def encode_reply(self, reply: ModelsReply, call: ModelsCall) -> bytes:
        """The models as Anthropic's list; who owns one and whether it is loaded has no word there."""
        ids = [info.id for info in reply.models]
        return msgspec.json.encode(
            {
                "data": [_model_object(info) for info in reply.models],
                "has_more": False,
                "first_id": ids[0] if ids else None,
                "last_id": ids[-1] if ids else None,
            }
        )


def _info(item: Mapping[str, Any]) -> ModelInfo:
    window = item.get("max_input_tokens")
    fits = isinstance(window, int) and window.__class__ is not bool and window > 0
    return ModelInfo(id=item["id"], context_tokens=window if fits else None)


def _model_object(info: ModelInfo) -> dict[str, Any]:
    said: dict[str, Any] = {
        "type": "model",
        "id": info.id,
        "display_name": info.id,
        "created_at": _UNKNOWN_DATE,
        "lifecycle": "active",
    }
    if info.context_tokens is not None:
        said["max_input_tokens"] = info.context_tokens
    return said
