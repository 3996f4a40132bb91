"""Errors in the shapes that servers of more than one dialect send, as ours: OpenAI's, those of servers and proxies that
resemble it, and Google's details. Knows no operation."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from tramite.errors import ProviderError

from .base import Headers
from .failures import DIGITS, Failure, as_error, excerpt
from .json_bodies import UNREADABLE, objects

_PAGE = re.compile(r"<(?:!doctype|html|\?xml)", re.IGNORECASE)
_TITLE = re.compile(r"<title>\s*([^<]{1,200}?)\s*</title>", re.IGNORECASE)


def decode_error(status: int, headers: Headers, body: bytes) -> ProviderError:
    """The error that a failure status carries. Never raises."""
    return as_error(_failure(status, body), headers, body)


def error_inside(payload: Mapping[str, Any], body: bytes, required: bool = False) -> ProviderError | None:
    """The error that a success status carries in its body or frame; None where there is none.

    `required` where something else (an event's name) has said that it is one.
    """
    if not required and not _names_error(payload):
        return None
    failure = _read(payload, None)
    return as_error(failure, {}, body, within=200)


def error_in_text(body: bytes) -> ProviderError:
    """The error of a frame that is called one and is not JSON (GPUStack)."""
    try:
        payload = msgspec.json.decode(body)
    except UNREADABLE:
        payload = None
    if isinstance(payload, dict):
        found = error_inside(payload, body, required=True)
        if found is not None:
            return found
    return as_error(Failure(message=excerpt(body), structured=False), {}, body, within=200)


def _names_error(payload: Mapping[str, Any]) -> bool:
    """OpenAI's object or TGI's text under `error`, vLLM's older flat object, Venice's pair."""
    return bool(
        payload.get("error")
        or payload.get("object") == "error"
        or (payload.get("error_message") and "choices" not in payload)
    )


def _failure(status: int, body: bytes) -> Failure:
    try:
        payload = msgspec.json.decode(body)
    except UNREADABLE:
        return Failure(status=status, message=_plain(body), structured=False)
    if isinstance(payload, list) and payload:  # Gemini's OpenAI face wraps its error in a list
        payload = payload[0]
    if not isinstance(payload, dict):
        return Failure(status=status, message=excerpt(body), structured=False)
    return _read(payload, status)


def _plain(body: bytes) -> str:
    """A page's title, or the text itself."""
    text = excerpt(body).strip()
    if _PAGE.search(text[:200]):
        title = _TITLE.search(text)
        return f"an HTML page{f', {title[1]!r}' if title else ''} instead of an API's answer"
    return text


def _read(payload: Mapping[str, Any], status: int | None) -> Failure:
    inner = payload.get("error")
    fields: Mapping[str, Any] = inner if isinstance(inner, dict) else payload
    code, kind = _word(fields.get("code")), _word(fields.get("type"))
    kind = kind or _word(fields.get("status")) or _word(payload.get("error_type"))
    wait_s, day = google_details(fields.get("details"))
    return Failure(
        message=_message(payload, fields),
        code=code,
        type=kind,
        status=status if status is not None else _status_inside(fields, code),
        retry_after_s=_seconds(payload.get("estimated_time")) or wait_s,
        day_quota=day,
        categories=_categories(fields),
        structured=True,
    )


def _message(payload: Mapping[str, Any], fields: Mapping[str, Any]) -> str:
    """What was said: the first of the places where servers say it."""
    inner = payload.get("error")
    candidates = (
        fields.get("message"),
        inner if not isinstance(inner, dict) else None,
        payload.get("error_message"),
        payload.get("message"),
        payload.get("detail"),  # FastAPI
        payload.get("errors"),
        payload.get("error_description"),
    )
    said = next((_said(value) for value in candidates if value), "")
    raw = _nested(fields, "metadata", "raw")  # OpenRouter: what the provider behind it had said
    return f"{said}: {_said(raw)}" if raw else said


def _said(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return "; ".join(value)
    return msgspec.json.encode(value).decode("utf-8", "replace")


def _word(value: object) -> str:
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int) and value.__class__ is not bool else ""


def _status_inside(fields: Mapping[str, Any], code: str) -> int | None:
    """The status that an error names which came inside of a success."""
    for value in (code, _word(fields.get("status_code")), _word(fields.get("status"))):
        if DIGITS.fullmatch(value) and len(value) == 3 and 400 <= int(value) <= 599:
            return int(value)
    return None


def _seconds(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and value.__class__ is not bool else None


def _categories(fields: Mapping[str, Any]) -> tuple[str, ...]:
    """Azure: those that its filter caught; OpenRouter: the reasons that its moderation gives."""
    results = _nested(fields, "innererror", "content_filter_result")
    results = results or fields.get("content_filter_result")
    if isinstance(results, dict):
        return tuple(name for name, result in results.items() if isinstance(result, dict) and result.get("filtered"))
    reasons = _nested(fields, "metadata", "reasons")
    return tuple(str(reason) for reason in reasons) if isinstance(reasons, list) else ()


def _nested(fields: Mapping[str, Any], outer: str, name: str) -> Any:
    found = fields.get(outer)
    return found.get(name) if isinstance(found, dict) else None


def google_details(details: object) -> tuple[float | None, bool]:
    """Google's `error.details`: the wait in seconds, and whether a day's quota ran out (facts A4)."""
    wait_s, day = None, False
    for detail in objects(details):
        kind = str(detail.get("@type", ""))
        if kind.endswith("RetryInfo"):
            wait_s = _protobuf_s(detail.get("retryDelay"))
        elif kind.endswith("QuotaFailure"):
            violations = objects(detail.get("violations"))
            day = day or any("PerDay" in str(violation.get("quotaId")) for violation in violations)
    return wait_s, day


def _protobuf_s(duration: object) -> float | None:
    """A protobuf duration: "37s", "1.5s"."""
    try:
        return float(str(duration).removesuffix("s"))
    except ValueError:
        return None
