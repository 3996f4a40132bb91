"""Errors inside of a success, in the shapes of the Responses API, as ours. Those with a failure status are OpenAI's.

Sources: API reference, `response.error.code`, and the stream's `error` event, whose fields stand at the top in the
reference and, as servers send it, in an `error` object (openai-dotnet, issues 528 and 881).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tramite.dialects.bad_reply import bad_reply
from tramite.dialects.failure_shapes import error_inside
from tramite.errors import BadReply, Overloaded, ProviderError

_REQUEST, _FILTER, _SERVER = "invalid_request_error", "content_policy_violation", "server_error"
_MEANT = {
    "data_residency_mismatch": _REQUEST,
    "invalid_image": _REQUEST,
    "invalid_image_format": _REQUEST,
    "invalid_base64_image": _REQUEST,
    "invalid_image_url": _REQUEST,
    "image_too_large": _REQUEST,
    "image_too_small": _REQUEST,
    "image_parse_error": _REQUEST,
    "invalid_image_mode": _REQUEST,
    "image_file_too_large": _REQUEST,
    "unsupported_image_media_type": _REQUEST,
    "empty_image_file": _REQUEST,
    "failed_to_download_image": _REQUEST,
    "image_file_not_found": _REQUEST,
    "image_content_policy_violation": _FILTER,
    "bio_policy": _FILTER,
    "misalignment_policy_violation": _FILTER,
    "vector_store_timeout": _SERVER,
}
"""Codes that only this API has, and the type that says the same everywhere."""


def error_of(fields: object, body: bytes) -> ProviderError:
    """The error behind an error object: `response.error`, or what an `error` event holds."""
    said: dict[str, Any] = {}
    if isinstance(fields, dict):
        said = {name: value for name, value in fields.items() if (name, value) != ("type", "error")}
    elif fields:
        said = {"message": str(fields)}
    if not said.get("message"):
        said["message"] = "the provider says that it failed, and not why"
    code = said.get("code")
    if not said.get("type") and isinstance(code, str):
        said["type"] = _MEANT.get(code)
    return error_inside({"error": said}, body, required=True) or bad_reply(body, "an error")


def not_finished(status: object, error: object, details: object, body: bytes) -> ProviderError:
    """What to say of a response whose status is no ending (`fields.finish_of`)."""
    if status == "failed" or error:
        return error_of(error, body)
    if status == "incomplete":
        reason = details.get("reason") if isinstance(details, Mapping) else None
        return Overloaded(
            f"the provider broke the answer off (incomplete, {reason or 'without a reason'})",
            status=200,
            code=reason if isinstance(reason, str) else None,
        )
    return BadReply(f"the provider's answer is not there: its status is {status!r:.60}", status=200)
