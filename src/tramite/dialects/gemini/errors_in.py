"""Google's errors as ours (facts A4). Knows no operation.

`google.rpc.Status`: `code`, `message`, `status`, and typed `details` (cloud.google.com/apis/design/errors).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from tramite.dialects import failure_shapes
from tramite.dialects.base import Headers
from tramite.dialects.failure_shapes import google_details
from tramite.dialects.failures import Failure, as_error, excerpt
from tramite.dialects.json_bodies import UNREADABLE, objects
from tramite.errors import BadReply, ContentFiltered, ProviderError, RequestRejected

_NO_QUOTA = re.compile(r"\blimit: 0\b(?!\.)")
"""Not a quota that is used up, but none: the model is not in this plan. No wait helps."""
_MONEY = re.compile(
    r"credits? (?:are|is|have been) depleted|spend(?:ing)? cap|prepa(?:y|id)|billing account", re.IGNORECASE
)
"""Money has the status of a throttle, and "exceeded your current quota" is said of both."""
_BLOCKS = ("", "SAFETY", "OTHER", "BLOCKLIST", "PROHIBITED_CONTENT", "IMAGE_SAFETY")
"""The words of `blockReason` by their numbers."""


def decode_error(status: int, headers: Headers, body: bytes) -> ProviderError:
    """The error that a failure status carries. Never raises."""
    fields = _google_error(body)
    if fields is None:  # a proxy's words, or those of a server that only resembles Google's
        return failure_shapes.decode_error(status, headers, body)
    return _as_error(fields, status, headers, body)


def error_inside(body: bytes) -> ProviderError | None:
    """The error that a success status carries in its body or frame; None where there is none."""
    fields = _google_error(body)
    if fields is not None:
        return _as_error(fields, _status(fields), {}, body, within=200)
    try:
        payload = msgspec.json.decode(body)
    except UNREADABLE:
        return None
    return failure_shapes.error_inside(payload, body) if isinstance(payload, dict) else None


def error_in_text(body: bytes) -> ProviderError:
    """The error of a frame that is called one, whatever is in it."""
    return error_inside(body) or failure_shapes.error_in_text(body)


def blocked(feedback: object, body: bytes) -> ContentFiltered | None:
    """The error that `promptFeedback` is, if it names a reason: the prompt was refused, and no answer follows."""
    reason = feedback.get("blockReason") if isinstance(feedback, dict) else None
    if isinstance(reason, int) and 0 < reason < len(_BLOCKS):
        reason = _BLOCKS[reason]
    if not isinstance(feedback, dict) or not isinstance(reason, str) or not reason:
        return None
    said = feedback.get("blockReasonMessage")
    error = ContentFiltered(
        f"the prompt was blocked ({reason})" + (f": {said}" if isinstance(said, str) and said else ""),
        status=200,
        code=reason,
        body=excerpt(body),
    )
    named = [rating.get("category") for rating in objects(feedback.get("safetyRatings")) if rating.get("blocked")]
    error.categories = tuple(str(category) for category in named if category) or (reason,)
    return error


def no_answer(reason: str, message: object, body: bytes) -> ProviderError:
    """The error of a candidate whose finish reason says that it is none (`fields.FAILED`).

    The model called a function that there is not, or wrote a call that cannot be parsed: asked again, it may do better.
    A signature that the request lacks is lacking the next time too.
    """
    kind = RequestRejected if reason == "MISSING_THOUGHT_SIGNATURE" else BadReply
    said = message if isinstance(message, str) and message else "the model's answer cannot be used"
    return kind(said, status=200, code=reason, body=excerpt(body))


def _google_error(body: bytes) -> Mapping[str, Any] | None:
    """Google's error object; streams asked for without `alt=sse` wrap it in a list."""
    try:
        payload = msgspec.json.decode(body)
    except UNREADABLE:
        return None
    if isinstance(payload, list) and payload:
        payload = payload[0]
    fields = payload.get("error") if isinstance(payload, dict) else None
    if not isinstance(fields, dict):
        return None
    return fields if isinstance(fields.get("status"), str) or isinstance(fields.get("details"), list) else None


def _status(fields: Mapping[str, Any]) -> int | None:
    code = fields.get("code")
    return code if isinstance(code, int) and 400 <= code <= 599 else None


def _as_error(
    fields: Mapping[str, Any], status: int | None, headers: Headers, body: bytes, within: int | None = None
) -> ProviderError:
    said = fields.get("message")
    message = said if isinstance(said, str) else ""
    details = fields.get("details")
    wait_s, day = google_details(details)
    without = bool(_NO_QUOTA.search(message)) or _zero(details)
    reason, categories = _reason(details)
    error = as_error(
        Failure(
            message=message,
            code=str(fields.get("status") or ""),
            type=reason,
            status=status,
            retry_after_s=wait_s,
            day_quota=status == 429 and (day or without or bool(_MONEY.search(message))),
            categories=categories,
        ),
        headers,
        body,
        within,
    )
    if without and not error.retryable:
        error.retry_after_s = None  # Google names one all the same
    return error


def _zero(details: object) -> bool:
    return any(
        violation.get("quotaValue") == "0"
        for detail in objects(details)
        for violation in objects(detail.get("violations"))
    )


def _reason(details: object) -> tuple[str, tuple[str, ...]]:
    """The reason of an `ErrorInfo`, and the categories that our own server side puts into its metadata."""
    for detail in objects(details):
        reason, metadata = detail.get("reason"), detail.get("metadata")
        if isinstance(reason, str) and str(detail.get("@type", "")).endswith("ErrorInfo"):
            named = metadata.get("categories") if isinstance(metadata, dict) else None
            return reason, tuple(named.split(",")) if isinstance(named, str) and named else ()
    return "", ()
