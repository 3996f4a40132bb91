"""Which error a provider's words mean, for every dialect (facts A1, A2, A4, A5, A8, A11). Knows no wire shape.

A dialect reads its own error shapes into a `Failure`; `as_error` decides the class and fills it. `code` and `type`
outrank the message; the message outranks a status that says only "your request".
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping

from msgspec import Struct

from tramite.errors import (
    AuthenticationFailed,
    ContentFiltered,
    ContextTooLong,
    ModelLoading,
    ModelNotFound,
    Overloaded,
    ProviderError,
    QuotaExhausted,
    RequestRejected,
    Throttled,
)
from tramite.wire.headers import request_id, retry_after_s, should_retry

from .failure_words import BY_GENERAL_WORD, BY_WORD, CONTEXT, FILTERED, LOADING, MISSING, MONEY, NO_ADDRESS, SECRET

MESSAGE_LENGTH = 1_000
BODY_LENGTH = 2_000
DIGITS = re.compile(r"\d+")


class Failure(Struct, frozen=True, kw_only=True):
    """What a provider said about its failure, whatever the shape it said it in.

    `status` is the HTTP status; inside a success it is the one that the error object names, or None.
    """

    message: str = ""
    code: str = ""
    type: str = ""
    status: int | None = None
    retry_after_s: float | None = None
    day_quota: bool = False
    """What ran out comes back tomorrow, not in a minute."""
    categories: tuple[str, ...] = ()
    structured: bool = True
    """The body was an error object, not a page or a line of text."""


def as_error(failure: Failure, headers: Mapping[str, str], body: bytes, within: int | None = None) -> ProviderError:
    """The error of the right class. `within` is the success status that it came inside of, if it did."""
    kind = classify(failure)
    said = failure.message.strip() or _default_message(failure)
    error = kind(
        _with_advice(kind, failure, said[:MESSAGE_LENGTH]),
        status=failure.status if within is None else within,
        code=failure.code[:100] or None,
        type=failure.type[:100] or None,
        retry_after_s=_wait_s(failure, headers),
        body=excerpt(body),
    )
    error.request_id = request_id(headers)
    if isinstance(error, ContentFiltered):
        error.categories = failure.categories
    if failure.status in (408, 409):
        error.maybe_billed = True
    _obey(error, should_retry(headers))
    return error


def _obey(error: ProviderError, advice: bool | None) -> None:
    """`x-should-retry` beats our own idea, but for money and secrets."""
    if advice is None or isinstance(error, QuotaExhausted | AuthenticationFailed):
        return
    error.retryable = advice
    error.throttle = error.throttle and advice


def classify(failure: Failure) -> type[ProviderError]:
    """The class that code, type, status and message mean, in that order."""
    status, message = failure.status, failure.message[:BODY_LENGTH]
    word = _by_words(failure, BY_WORD)
    if word is Throttled and (status == 413 or _can_never_fit(message)):
        return RequestRejected
    if failure.day_quota or status == 402:
        return QuotaExhausted
    if word is not None:
        return word
    if status == 429:
        return _throttled(message)
    if status == 401 or SECRET.search(message):
        return AuthenticationFailed
    spoken = _by_message(failure, message)
    if spoken is not None:
        return spoken
    if status is not None:
        return _by_status(failure)
    return _by_words(failure, BY_GENERAL_WORD) or Overloaded


def _by_words(failure: Failure, table: Mapping[str, type[ProviderError]]) -> type[ProviderError] | None:
    return table.get(failure.code.lower()) or table.get(failure.type.lower())


def _throttled(message: str) -> type[ProviderError]:
    if MONEY.search(message):
        return QuotaExhausted
    return RequestRejected if _can_never_fit(message) else Throttled


def _can_never_fit(message: str) -> bool:
    """OpenAI and Groq: "Request too large … Limit 10000, Requested 12000": no wait makes it fit."""
    found = _TOO_LARGE.search(message)
    return found is not None and int(found[2]) > int(found[1])


_TOO_LARGE = re.compile(r"Limit:? (\d{1,12}),(?: Used:? \d{1,12},)? Requested:? (\d{1,12})")


def _by_message(failure: Failure, message: str) -> type[ProviderError] | None:
    """What the message says beyond the status; only for statuses that leave it open."""
    status = failure.status
    if CONTEXT.search(message):
        return ContextTooLong
    if status in (None, 500, 503) and LOADING.search(message):
        return ModelLoading
    if status is not None and status >= 500:
        return None
    if FILTERED.search(message):
        return ContentFiltered
    if NO_ADDRESS.search(message):
        return RequestRejected
    if MISSING.search(message):
        return ModelNotFound
    if MONEY.search(message):
        return QuotaExhausted
    return None


def _by_status(failure: Failure) -> type[ProviderError]:
    status = failure.status or 0
    if status == 403:
        return AuthenticationFailed
    if status == 404:
        return ModelNotFound if failure.structured else RequestRejected
    # 408 and 409 may succeed the second time (openai-python retries them), 424 is the trouble of a server behind.
    if status >= 500 or status in (408, 409, 424, 425):
        return Overloaded
    return RequestRejected


def _default_message(failure: Failure) -> str:
    return f"the provider answered status {failure.status} without saying why"


def _with_advice(kind: type[ProviderError], failure: Failure, said: str) -> str:
    if kind is AuthenticationFailed:
        return f"{said} (check the API key, and what it may do)"
    if failure.status == 404 and kind is RequestRejected:
        return f"no such address: is the base URL right? The server said: {said}"
    return said


def _wait_s(failure: Failure, headers: Mapping[str, str]) -> float | None:
    """Seconds to wait: as the body says in a field, else the headers, else as the message says."""
    if failure.retry_after_s is not None:
        return failure.retry_after_s
    named = retry_after_s(headers, time.time())
    return named if named is not None else spoken_wait_s(failure.message)


_WAIT = re.compile(
    r"(?:try again|retry|wait)(?: again)?(?: in| after)? "
    r"((?:\d{1,9}(?:\.\d{1,12})? ?(?:ms|h|m|s)[a-z]* ?)+)"
)
_UNIT = re.compile(r"(\d{1,9}(?:\.\d{1,12})?) ?(ms|h|m|s)")
_SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}


def spoken_wait_s(message: str) -> float | None:
    """The wait that a message names: "Please try again in 7m12s", "retry after 6 seconds"."""
    found = _WAIT.search(message[:BODY_LENGTH].lower())
    if found is None:
        return None
    return sum(float(number) * _SECONDS[unit] for number, unit in _UNIT.findall(found[1]))


def excerpt(body: bytes) -> str:
    """The first 2,000 characters of a body."""
    return body[: BODY_LENGTH * 4].decode("utf-8", "replace")[:BODY_LENGTH]
