"""Our errors as Hugging Face's: the server's side. `errors_in` reads each of them back as the class it was."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

from tramite import errors as er
from tramite.dialects.failure_words import CONTEXT
from tramite.wire.frames import Frame


class _Row(Struct, frozen=True):
    kind: type[Exception]
    status: int
    word: str
    """`error_type`."""
    spoken: bool = True
    """Whether a whole answer says the word too: only TGI and TEI have one, the router leaves it to the status."""


_ROWS = (
    # the narrower class before the wider
    _Row(er.InvalidCall, 422, "validation"),
    _Row(er.LimitExceeded, 429, "rate_limit_exceeded", False),
    _Row(er.BudgetExceeded, 402, "insufficient_quota", False),
    _Row(er.DeadlineExceeded, 504, "timeout_error"),
    _Row(er.StoreFailed, 503, "server_error"),
    _Row(er.UnknownProvider, 404, "model_not_found", False),
    _Row(er.NoModelConfigured, 404, "model_not_found", False),
    _Row(er.Throttled, 429, "rate_limit_exceeded", False),
    _Row(er.QuotaExhausted, 402, "insufficient_quota", False),
    _Row(er.ModelLoading, 503, "model_loading", False),
    _Row(er.Overloaded, 503, "overloaded", False),
    _Row(er.AuthenticationFailed, 401, "unauthorized", False),
    _Row(er.ModelNotFound, 404, "model_not_found", False),
    _Row(er.ContextTooLong, 422, "validation"),
    _Row(er.ContentFiltered, 400, "content_filter"),
    _Row(er.RequestRejected, 422, "validation"),
    _Row(er.BadReply, 502, "bad_reply"),
    _Row(er.IncompleteStream, 500, "incomplete_stream"),
    _Row(er.TimedOut, 504, "timeout_error"),
    _Row(er.ConnectFailed, 502, "connect_failed"),
    _Row(er.ConnectionBroken, 502, "connection_broken"),
)
_FAILED = _Row(Exception, 500, "generation")

ESTIMATED_S = 20.0
"""What Hugging Face says of a model that is being loaded and whose time it does not know."""


def encode_error(error: Exception) -> tuple[int, bytes]:
    """Status and body. What is not an error of ours says nothing of itself: it may hold what a client must not see."""
    row, said = _say(error)
    body: dict[str, Any] = {"error": said}
    if row.spoken:
        body["error_type"] = row.word
    if isinstance(error, er.ModelLoading):
        body["estimated_time"] = ESTIMATED_S if error.retry_after_s is None else error.retry_after_s
    status = row.status
    if type(error) is er.RequestRejected and error.status in (400, 409, 413, 424):
        status = error.status
    return status, msgspec.json.encode(body)


def encode_stream_error(error: Exception) -> list[Frame]:
    """The frame that says it in mid-stream. No `generated_text` follows: the stream has not succeeded."""
    row, said = _say(error)
    return [Frame(msgspec.json.encode({"error": said, "error_type": row.word}))]


def _say(error: Exception) -> tuple[_Row, str]:
    row = next((row for row in _ROWS if isinstance(error, row.kind)), None)
    if row is None:
        return _FAILED, "the server failed; its log says why"
    said = error.message if isinstance(error, er.ProviderError) else str(error)
    if isinstance(error, er.ContextTooLong) and not CONTEXT.search(said):
        said = f"Input validation error: the input is too long: {said}"  # its clients go by the words
    return row, said
