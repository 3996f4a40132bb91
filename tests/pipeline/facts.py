"""What the pipeline tells its observers, made by hand: one request, its tries, how they ended."""

from __future__ import annotations

from itertools import count
from typing import Any

from tramite.pipeline.observing import Beginning, Ending, Observer, Outcome
from tramite.replies import Usage

USAGE = Usage(input_tokens=100, output_tokens=20, cached_tokens=40, reasoning_tokens=5)
_numbers = count(1)


def beginning(**changes: Any) -> Beginning:
    """A first try at `openai/gpt-4o-mini`."""
    number = next(_numbers)
    facts: dict[str, Any] = {
        "attempt_id": f"attempt-{number}",
        "call_id": f"call-{number}",
        "number": 1,
        "at": 1_790_000_000.0,
        "kind": "chat",
        "asked": "fast",
        "route": "fast",
        "provider": "openai",
        "model": "gpt-4o-mini",
        "dialect": "openai",
        "stream": False,
    }
    return Beginning(**facts | changes)


def ending(begun: Beginning, **changes: Any) -> Ending:
    """It brought an answer, at a price."""
    facts: dict[str, Any] = {"status": 200, "finish": "stop", "usage": USAGE, "cost_nanousd": 27_000}
    return Ending(beginning=begun, **{"total_s": 0.5, **facts} | changes)


def failed(begun: Beginning, error: Exception, **changes: Any) -> Ending:
    """It brought an error."""
    return Ending(beginning=begun, **{"total_s": 0.5, "error": error} | changes)


def outcome(begun: Beginning, **changes: Any) -> Outcome:
    """The request ended with that try's answer."""
    facts: dict[str, Any] = {"target": begun.target, "usage": USAGE, "cost_nanousd": 27_000, "total_s": 0.6}
    told = {"call_id": begun.call_id, "kind": begun.kind, "asked": begun.asked, "stream": begun.stream}
    return Outcome(**{**told, **facts, "attempts": ()} | changes)


def one_request(observer: Observer, **changes: Any) -> Beginning:
    """A whole request of one try, told from its beginning to its end."""
    begun = beginning(**changes)
    observer.attempt_begins(begun)
    observer.attempt_ended(ending(begun))
    observer.request_ended(outcome(begun))
    return begun
