"""Fields that whole replies and frames share, both ways: finish and usage. Knows no block."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tramite.replies import Finish, Provenance, Usage

FINISHES: dict[str, Finish] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}
"""Anthropic's stop reasons. `pause_turn` is none of ours: a server's tool takes long, the turn goes on when the reply
is sent back as it is; it reads as `unknown`."""

_WRITTEN: dict[Finish, str] = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "refusal",
    "stopped": "end_turn",
    "unknown": "end_turn",
}


def finish_of(reason: object) -> Finish | None:
    """The finish behind a `stop_reason`; None where none was given."""
    if not isinstance(reason, str) or not reason:
        return None
    return FINISHES.get(reason, "unknown")


def stop_word(finish: Finish) -> str:
    """Anthropic's word for a finish."""
    return _WRITTEN[finish]


def explanation_of(details: object) -> str:
    """Why the answer was refused, in the provider's words (`stop_details`)."""
    said = details.get("explanation") if isinstance(details, dict) else None
    return said if isinstance(said, str) else ""


def usage_of(usage: object, before: object = None) -> Usage | None:
    """Usage; None where nothing was counted, zeros included. Without one of its own (a stream's beginning) partial.

    Anthropic's `input_tokens` leaves out what was read from the cache and written to it; ours is the sum of the three
    (API reference, Messages, `usage`). In a stream the counts of `message_delta` are totals: those that it names
    replace the ones that `message_start` named `before`.
    """
    fields = usage if isinstance(usage, dict) else {}
    source: Provenance = "provider" if fields else "partial"
    if isinstance(before, dict):
        fields = {**before, **{name: value for name, value in fields.items() if value is not None}}
    fresh, written = _count(fields, "input_tokens"), _count(fields, "output_tokens")
    read, stored = _count(fields, "cache_read_input_tokens"), _count(fields, "cache_creation_input_tokens")
    if not fresh and not written and not read and not stored:
        return None
    details = fields.get("output_tokens_details")
    thought = _count(details, "thinking_tokens") if isinstance(details, dict) else None
    return Usage(
        input_tokens=None if fresh is None else fresh + (read or 0) + (stored or 0),
        output_tokens=written,
        cached_tokens=read,
        cache_write_tokens=stored,
        reasoning_tokens=thought if thought is None or written is None else min(thought, written),
        source=source,
    )


def _count(fields: Mapping[str, Any], name: str) -> int | None:
    value = fields.get(name)
    return int(value) if isinstance(value, int | float) and value >= 0 and value.__class__ is not bool else None


def usage_object(usage: Usage | None) -> dict[str, Any]:
    """Usage as Anthropic writes it; 0 where we do not know, since its clients need a number."""
    usage = usage or Usage()
    read, stored = usage.cached_tokens, usage.cache_write_tokens
    said: dict[str, Any] = {
        "input_tokens": max(0, (usage.input_tokens or 0) - (read or 0) - (stored or 0)),
        "output_tokens": usage.output_tokens or 0,
    }
    if stored is not None:
        said["cache_creation_input_tokens"] = stored
    if read is not None:
        said["cache_read_input_tokens"] = read
    if usage.reasoning_tokens is not None:
        said["output_tokens_details"] = {"thinking_tokens": usage.reasoning_tokens}
    return said
