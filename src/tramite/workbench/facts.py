"""What is known of an answer, as JSON that the store keeps beside it. Knows no page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

import msgspec

from tramite.errors import ProviderError, TramiteError
from tramite.replies import Reply
from tramite.store.redaction import MARK, redact
from tramite.wire import tap

T = TypeVar("T")

SHORTEST_SECRET = 6
"""What is shorter is no key, and may stand anywhere in a text."""
SHOWN_BYTES = 64 * 1024
"""How much of a request's or a response's body is kept to be looked at."""


def of(reply: Reply | None, error: TramiteError | None) -> dict[str, Any]:
    """The facts of an answer that has ended, well or not."""
    known: dict[str, Any] = {}
    if reply is not None:
        known = {
            "target": reply.target,
            "model": reply.model,
            "finish": reply.finish,
            "usage": msgspec.to_builtins(reply.usage),
            "cost_nanousd": reply.cost_nanousd,
            "cached": reply.cached,
            "request_id": reply.request_id,
            "timings": msgspec.to_builtins(reply.timings),
            "attempts": msgspec.to_builtins(reply.attempts),
            "notices": list(reply.notices),
        }
        if reply.logprobs:
            known["logprobs"] = msgspec.to_builtins(reply.logprobs)
    if error is not None:
        known["error"] = failure(error)
        known.setdefault("attempts", msgspec.to_builtins(error.attempts))
    return known


def failure(error: TramiteError) -> dict[str, Any]:
    """An error as a page tells it: its kind, which is translated, and its own words, which are not."""
    told: dict[str, Any] = {"kind": type(error).__name__, "text": redact(str(error))}
    for name in ("provider", "model", "status", "retry_after_s", "field", "budget"):
        if (value := getattr(error, name, None)) is not None:
            told[name] = value
    if isinstance(error, ProviderError) and error.body:
        told["body"] = redact(error.body[:2000])
    return told


def wire(heard: Sequence[tap.Heard]) -> list[dict[str, Any]]:
    """Requests and responses as they went over the wire, without secrets."""
    told = [
        {
            "method": one.request.method,
            "url": redact(one.request.url),
            "headers": {name: tap.masked(name, value) for name, value in one.request.headers.items()},
            "body": _text(one.request.body),
            "status": one.status,
            "response_headers": {name: tap.masked(name, value) for name, value in one.headers.items()},
            "response": redact(_text(bytes(one.body), one.cut)),
        }
        for one in heard
    ]
    return without_secrets(told, heard)


def without_secrets(known: T, heard: Sequence[tap.Heard]) -> T:
    """The same, with a mark in the place of the secrets that were sent and of what looks like one: providers repeat
    them in their errors."""
    text = msgspec.json.encode(known).decode()
    for secret in {value for one in heard for value in _secrets(one.request.headers)}:
        text = text.replace(secret, MARK)
    scrubbed: T = msgspec.json.decode(text)
    return scrubbed


def _secrets(headers: dict[str, str]) -> Iterator[str]:
    for name, value in headers.items():
        secret = value.removeprefix("Bearer ")
        if tap.masked(name, value) != value and len(secret) >= SHORTEST_SECRET:
            yield msgspec.json.encode(secret).decode()[1:-1]


def _text(body: bytes, cut: bool = False) -> str:
    text = body[:SHOWN_BYTES].decode("utf-8", "replace")
    return text + ("\n…" if cut or len(body) > SHOWN_BYTES else "")
