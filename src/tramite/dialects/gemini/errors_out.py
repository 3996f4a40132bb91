"""Our errors as Google's: the server's side. `errors_in` reads each of them back as the class it was."""

from __future__ import annotations

from typing import Any

import msgspec

from tramite import errors as er
from tramite.wire.frames import Frame

_TYPE = "type.googleapis.com/google.rpc."

_ROWS: tuple[tuple[type[Exception], int, str], ...] = (
    # (class, status, reason), the narrower class before the wider
    (er.InvalidCall, 400, ""),
    (er.LimitExceeded, 429, ""),
    (er.BudgetExceeded, 429, ""),
    (er.DeadlineExceeded, 504, "TIMEOUT_ERROR"),
    (er.StoreFailed, 503, "UNAVAILABLE"),
    (er.UnknownProvider, 404, ""),
    (er.NoModelConfigured, 404, ""),
    (er.Throttled, 429, ""),
    (er.QuotaExhausted, 429, ""),
    (er.ModelLoading, 503, "MODEL_LOADING"),
    (er.Overloaded, 503, ""),
    (er.AuthenticationFailed, 401, "API_KEY_INVALID"),
    (er.ModelNotFound, 404, ""),
    (er.ContextTooLong, 400, "CONTEXT_LENGTH_EXCEEDED"),
    (er.ContentFiltered, 400, "CONTENT_FILTER"),
    (er.RequestRejected, 400, ""),
    (er.BadReply, 500, "BAD_REPLY"),
    (er.IncompleteStream, 500, "INCOMPLETE_STREAM"),
    (er.TimedOut, 504, "TIMEOUT_ERROR"),
    (er.ConnectFailed, 503, "CONNECT_FAILED"),
    (er.ConnectionBroken, 503, "CONNECTION_BROKEN"),
)
_STATUSES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
"""google.rpc.Code by HTTP status."""
_OWN_STATUS: dict[type[Exception], tuple[int, ...]] = {
    er.AuthenticationFailed: (401, 403),
    er.Overloaded: (500, 503, 504),
}
"""Errors whose own status is kept, where Google has it too."""


def encode_error(error: Exception) -> tuple[int, bytes]:
    """Status and body. What is not an error of ours says nothing of itself: it may hold what a client must not see."""
    said = _say(error)
    return said["code"], msgspec.json.encode({"error": said})


def encode_stream_error(error: Exception) -> list[Frame]:
    """The frame that says it in mid-stream. No finish reason follows: the stream has not succeeded."""
    return [Frame(msgspec.json.encode({"error": _say(error)}))]


def _say(error: Exception) -> dict[str, Any]:
    row = next((row for row in _ROWS if isinstance(error, row[0])), None)
    if row is None:
        return {"code": 500, "message": "the server failed; its log says why", "status": _STATUSES[500]}
    kind, status, reason = row
    own = getattr(error, "status", None)
    if own in _OWN_STATUS.get(kind, ()):
        status = own
    said: dict[str, Any] = {
        "code": status,
        "message": error.message if isinstance(error, er.ProviderError) else str(error),
        "status": _STATUSES[status],
    }
    details = [*_details(error), *_info(error, "" if status == 403 else reason)]
    if details:
        said["details"] = details
    return said


def _details(error: Exception) -> list[dict[str, Any]]:
    details: list[dict[str, Any]] = []
    if isinstance(error, er.InvalidCall) and error.field is not None:
        violation = {"field": error.field, "description": str(error)}
        details.append({"@type": f"{_TYPE}BadRequest", "fieldViolations": [violation]})
    if isinstance(error, er.Throttled | er.LimitExceeded):
        details.append(_quota("RequestsPerMinute"))
    if isinstance(error, er.QuotaExhausted | er.BudgetExceeded):
        details.append(_quota("RequestsPerDay"))
    wait_s = getattr(error, "retry_after_s", None)
    if wait_s is not None:
        details.append({"@type": f"{_TYPE}RetryInfo", "retryDelay": f"{round(wait_s, 3)}s"})
    return details


def _quota(id: str) -> dict[str, Any]:
    return {"@type": f"{_TYPE}QuotaFailure", "violations": [{"quotaId": id}]}


def _info(error: Exception, reason: str) -> list[dict[str, Any]]:
    if not reason:
        return []
    info: dict[str, Any] = {"@type": f"{_TYPE}ErrorInfo", "reason": reason, "domain": "googleapis.com"}
    if isinstance(error, er.ContentFiltered) and error.categories:
        info["metadata"] = {"categories": ",".join(error.categories)}
    return [info]
