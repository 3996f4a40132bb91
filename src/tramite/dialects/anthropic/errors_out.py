"""Our errors as Anthropic's: the server's side. `errors_in` reads each of them back as the class it was."""

from __future__ import annotations

from typing import Any

import msgspec

from tramite import errors as er
from tramite.dialects.failure_words import CONTEXT
from tramite.wire.frames import Frame

_ROWS: tuple[tuple[type[Exception], int, str, str | None], ...] = (
    # (class, status, type, details.error_code), the narrower class before the wider
    (er.InvalidCall, 400, "invalid_request_error", None),
    (er.LimitExceeded, 429, "rate_limit_error", None),
    (er.BudgetExceeded, 402, "billing_error", None),
    (er.DeadlineExceeded, 504, "timeout_error", None),
    (er.StoreFailed, 503, "api_error", None),
    (er.UnknownProvider, 404, "not_found_error", "model_not_found"),
    (er.NoModelConfigured, 404, "not_found_error", "model_not_found"),
    (er.Throttled, 429, "rate_limit_error", None),
    (er.QuotaExhausted, 402, "billing_error", None),
    (er.ModelLoading, 529, "overloaded_error", "model_loading"),
    (er.Overloaded, 529, "overloaded_error", None),
    (er.AuthenticationFailed, 401, "authentication_error", None),
    (er.ModelNotFound, 404, "not_found_error", "model_not_found"),
    (er.ContextTooLong, 400, "invalid_request_error", "context_length_exceeded"),
    (er.ContentFiltered, 400, "invalid_request_error", "content_filter"),
    (er.RequestRejected, 400, "invalid_request_error", None),
    (er.BadReply, 502, "api_error", "bad_reply"),
    (er.IncompleteStream, 502, "api_error", "incomplete_stream"),
    (er.TimedOut, 504, "timeout_error", None),
    (er.ConnectFailed, 502, "api_error", "connect_failed"),
    (er.ConnectionBroken, 502, "api_error", "connection_broken"),
)


def encode_error(error: Exception) -> tuple[int, bytes]:
    """Status and body. What is not an error of ours says nothing of itself: it may hold what a client must not see."""
    status, body = _say(error)
    return status, msgspec.json.encode(body)


def encode_stream_error(error: Exception) -> list[Frame]:
    """The event that says it in mid-stream. No `message_stop` follows: the stream has not succeeded."""
    return [Frame(msgspec.json.encode(_say(error)[1]), "error")]


def _say(error: Exception) -> tuple[int, dict[str, Any]]:
    row = next((row for row in _ROWS if isinstance(error, row[0])), None)
    if row is None:
        return 500, _body("api_error", "the server failed; its log says why")
    _, status, kind, code = row
    said = error.message if isinstance(error, er.ProviderError) else str(error)
    details: dict[str, Any] = {"error_code": code} if code else {}
    if isinstance(error, er.ContextTooLong) and not CONTEXT.search(said):
        said = f"prompt is too long: {said}"  # what clients of Anthropic's look for, to make the prompt shorter
    if isinstance(error, er.ContentFiltered) and error.categories:
        details["categories"] = error.categories
    if type(error) is er.RequestRejected and error.status == 413:
        status, kind = 413, "request_too_large"
    elif isinstance(error, er.AuthenticationFailed) and error.status == 403:
        status, kind = 403, "permission_error"
    return status, _body(kind, said, details, getattr(error, "request_id", None))


def _body(
    kind: str, message: str, details: dict[str, Any] | None = None, request_id: str | None = None
) -> dict[str, Any]:
    said: dict[str, Any] = {"type": kind, "message": message}
    if details:
        said["details"] = details
    return {"type": "error", "error": said, "request_id": request_id}
