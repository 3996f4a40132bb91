"""Our errors as OpenAI's: the server's side. `errors_in` reads each of them back as the class it was.

An error that knows the provider's own `type` and `code` says those, unless they would be read as another class.
"""

from __future__ import annotations

from typing import Any

import msgspec

from tramite import errors as er
from tramite.dialects.failures import Failure, classify
from tramite.wire.frames import Frame

_ROWS: tuple[tuple[type[Exception], int, str, str | None], ...] = (
    # (class, status, type, code), the narrower class before the wider
    (er.InvalidCall, 400, "invalid_request_error", None),
    (er.LimitExceeded, 429, "rate_limit_error", "rate_limit_exceeded"),
    (er.BudgetExceeded, 402, "insufficient_quota", "insufficient_quota"),
    (er.DeadlineExceeded, 504, "timeout_error", "timeout_error"),
    (er.StoreFailed, 503, "server_error", None),
    (er.UnknownProvider, 404, "invalid_request_error", "model_not_found"),
    (er.NoModelConfigured, 404, "invalid_request_error", "model_not_found"),
    (er.Throttled, 429, "rate_limit_error", "rate_limit_exceeded"),
    (er.QuotaExhausted, 429, "insufficient_quota", "insufficient_quota"),
    (er.ModelLoading, 503, "server_error", "model_loading"),
    (er.Overloaded, 503, "server_error", None),
    (er.AuthenticationFailed, 401, "invalid_request_error", "invalid_api_key"),
    (er.ModelNotFound, 404, "invalid_request_error", "model_not_found"),
    (er.ContextTooLong, 400, "invalid_request_error", "context_length_exceeded"),
    (er.ContentFiltered, 400, "invalid_request_error", "content_filter"),
    (er.RequestRejected, 400, "invalid_request_error", None),
    (er.BadReply, 502, "server_error", "bad_reply"),
    (er.IncompleteStream, 502, "server_error", "incomplete_stream"),
    (er.TimedOut, 504, "timeout_error", "timeout_error"),
    (er.ConnectFailed, 502, "server_error", "connect_failed"),
    (er.ConnectionBroken, 502, "server_error", "connection_broken"),
)


def encode_error(error: Exception) -> tuple[int, bytes]:
    """Status and body. What is not an error of ours says nothing of itself: it may hold what a client must not see."""
    status, body = _say(error)
    return status, msgspec.json.encode({"error": body})


def encode_stream_error(error: Exception) -> list[Frame]:
    """The frame that says it in mid-stream. No `[DONE]` follows: the stream has not succeeded."""
    return [Frame(msgspec.json.encode({"error": _say(error)[1]}))]


def _say(error: Exception) -> tuple[int, dict[str, Any]]:
    row = next((row for row in _ROWS if isinstance(error, row[0])), None)
    if row is None:
        return 500, _fields("the server failed; its log says why", "server_error", None)
    _, status, kind, code = row
    said = error.message if isinstance(error, er.ProviderError) else str(error)
    if isinstance(error, er.RequestRejected) and code is None:
        status = error.status if error.status in (400, 404, 409, 413, 422) else status
    elif isinstance(error, er.AuthenticationFailed) and error.status == 403:
        status = 403
    if isinstance(error, er.ProviderError):
        kind, code = _own_words(error, said, status, kind, code)
    body = _fields(said, kind, code)
    if isinstance(error, er.InvalidCall):
        body["param"] = error.field
    if isinstance(error, er.ContentFiltered) and error.categories:
        caught = {name: {"filtered": True} for name in error.categories}
        body["innererror"] = {"code": "ResponsibleAIPolicyViolation", "content_filter_result": caught}
    return status, body


def _own_words(error: er.ProviderError, said: str, status: int, kind: str, code: str | None) -> tuple[str, str | None]:
    """The error's own type and code where it has them and they mean the same, both with its status and in a stream."""
    own = error.type or kind, error.code or code
    for seen in (status, None):
        ours = Failure(message=said, type=kind, code=code or "", status=seen)
        if classify(Failure(message=said, type=own[0], code=own[1] or "", status=seen)) is not classify(ours):
            return kind, code
    return own


def _fields(message: str, kind: str, code: str | None) -> dict[str, Any]:
    return {"message": message, "type": kind, "param": None, "code": code}
