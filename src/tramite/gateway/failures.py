"""What a failure is to a client: status, headers and body in its own dialect. Logs what it keeps from the client."""

from __future__ import annotations

import logging
import math
from copy import copy

from tramite.dialects.base import Dialect
from tramite.errors import (
    AuthenticationFailed,
    BadReply,
    ConfigError,
    InvalidCall,
    NoModelConfigured,
    ProviderError,
    TramiteError,
    UnknownProvider,
)
from tramite.store.redaction import redact
from tramite.wire.frames import Frame

from .asgi import JSON, Headers

logger = logging.getLogger("tramite.gateway")


def told(error: BaseException) -> BaseException:
    """The error as a client may know it. What is wrong with the gateway itself is its operator's to know."""
    if isinstance(error, AuthenticationFailed) and error.provider:
        logger.error("%s", redact(str(error)))
        return BadReply(f"the gateway's own secret for {error.provider} was refused: tell who runs it", status=502)
    if isinstance(error, ConfigError) and not isinstance(error, UnknownProvider | NoModelConfigured):
        logger.error("%s", redact(str(error)))
        return RuntimeError()
    if not isinstance(error, TramiteError):
        logger.error("a request failed: %s", redact(repr(error)), exc_info=error)
    if isinstance(error, ProviderError) and (message := redact(error.message)) != error.message:
        error = copy(error)  # a provider may repeat what it was asked with
        error.message = message
    return error


def response(dialect: Dialect, error: BaseException) -> tuple[int, Headers, bytes]:
    """Status, headers and body."""
    error = told(error)
    status, body = dialect.encode_error(error)  # type: ignore[arg-type]  # what is no Exception is not told anyway
    if isinstance(error, AuthenticationFailed) and error.status is not None:
        status = error.status  # 403 is another matter than 401, though every dialect has one class for both
    headers: Headers = [JSON]
    wait_s = getattr(error, "retry_after_s", None)
    if wait_s is not None and status in (402, 429, 503, 529):
        headers.append((b"retry-after", str(max(1, math.ceil(wait_s))).encode()))
    return status, headers, body


def wrong_method(dialect: Dialect, method: str, *allowed: str) -> tuple[int, Headers, bytes]:
    """Status, headers and body of what is asked in another way than it can be."""
    _, headers, body = response(dialect, InvalidCall(f"this takes {allowed[0]}, not {method[:20]}", "method"))
    return 405, [*headers, (b"allow", ", ".join(allowed).encode())], body


def frames(dialect: Dialect, error: BaseException) -> list[Frame]:
    """What says it in mid-stream. Nothing that looks like an end follows."""
    return dialect.encode_stream_error(told(error))  # type: ignore[arg-type]
