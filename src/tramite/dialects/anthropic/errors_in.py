"""Errors of the Messages API, and of the proxies before it, as ours (facts A3). Knows no operation.

Source: platform.claude.com, "Errors". `error.details.error_code` names the cause more closely than `error.type`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from tramite.dialects.base import Headers
from tramite.dialects.failure_shapes import decode_error as decode_other
from tramite.dialects.failure_shapes import error_in_text
from tramite.dialects.failure_shapes import error_inside as other_inside
from tramite.dialects.failures import Failure, as_error
from tramite.dialects.json_bodies import UNREADABLE, text_of
from tramite.errors import ProviderError


def decode_error(status: int, headers: Headers, body: bytes) -> ProviderError:
    """The error that a failure status carries. Never raises; other shapes are read as the OpenAI dialect does."""
    payload = _payload(body)
    if payload is None or not isinstance(payload.get("error"), dict):
        return decode_other(status, headers, body)
    return _error(payload, headers, body, status)


def error_inside(body: bytes, required: bool = False) -> ProviderError | None:
    """The error that a success status carries in its body or frame; None where there is none.

    `required` where the event's name has said that it is one.
    """
    payload = _payload(body)
    if payload is None:
        return error_in_text(body) if required else None
    if isinstance(payload.get("error"), dict):
        return _error(payload, {}, body, None)
    return other_inside(payload, body, required)


def _payload(body: bytes) -> dict[str, Any] | None:
    try:
        payload = msgspec.json.decode(body)
    except UNREADABLE:
        return None
    return payload if isinstance(payload, dict) else None


def _error(payload: Mapping[str, Any], headers: Headers, body: bytes, status: int | None) -> ProviderError:
    fields: Mapping[str, Any] = payload["error"]
    details = fields.get("details")
    details = details if isinstance(details, dict) else {}
    code = details.get("error_code") or fields.get("code")
    categories = details.get("categories")
    failure = Failure(
        message=text_of(fields.get("message")) or (msgspec.json.encode(fields).decode() if fields else ""),
        code=str(code) if isinstance(code, str | int) else "",
        type=text_of(fields.get("type")),
        status=status,
        categories=tuple(map(str, categories)) if isinstance(categories, list) else (),
    )
    error = as_error(failure, headers, body, within=200 if status is None else None)
    error.request_id = error.request_id or text_of(payload.get("request_id")) or None
    return error
