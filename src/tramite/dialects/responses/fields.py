"""Fields that whole replies and frames share, both ways: how an answer ended, and its usage. Knows no item."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tramite.replies import Finish, Usage

_INCOMPLETE: dict[str, Finish] = {
    "max_output_tokens": "length",
    "max_messages": "length",
    "content_filter": "content_filter",
    "steered": "unknown",
}
"""Why an answer may be incomplete. Each is an end that the provider tells, as a finish reason of a chat does; one that
names no reason, or one that nobody knows, may be an answer that was broken off, and is none."""

_NO_END = frozenset(("failed", "cancelled", "queued", "in_progress"))

_REASONS: dict[Finish, str] = {"length": "max_output_tokens", "content_filter": "content_filter"}


def finish_of(status: object, details: object, called: bool) -> Finish | None:
    """The finish of a response with this status and these `incomplete_details`; None where it is no ending."""
    if status == "incomplete":
        reason = details.get("reason") if isinstance(details, Mapping) else None
        return _INCOMPLETE.get(reason) if isinstance(reason, str) else None
    if isinstance(status, str) and status in _NO_END:
        return None
    return "tool_calls" if called else "stop"


def status_of(finish: Finish) -> tuple[str, dict[str, str] | None]:
    """`status` and `incomplete_details` for a finish."""
    reason = _REASONS.get(finish)
    return ("completed", None) if reason is None else ("incomplete", {"reason": reason})


def usage_object(usage: Usage | None) -> dict[str, Any] | None:
    """Usage as the API writes it; None where a side is unknown. Its details are 0 where we do not know, since its
    clients need a number (`ResponseUsage` of the official SDKs).
    """
    if usage is None or usage.input_tokens is None or usage.output_tokens is None:
        return None
    given: dict[str, int] = {"cached_tokens": usage.cached_tokens or 0}
    if usage.cache_write_tokens is not None:
        given["cache_write_tokens"] = usage.cache_write_tokens
    return {
        "input_tokens": usage.input_tokens,
        "input_tokens_details": given,
        "output_tokens": usage.output_tokens,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning_tokens or 0},
        "total_tokens": usage.input_tokens + usage.output_tokens,
    }
