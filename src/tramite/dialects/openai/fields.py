"""Fields that whole replies and frames share, both ways: finish, usage, log probabilities. Knows no operation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tramite.dialects.json_bodies import text_of
from tramite.dialects.logprobs import logprob_of
from tramite.messages import Content, Opaque, Part, Reasoning, Refusal, Text, ToolCall
from tramite.replies import Finish, TokenLogprob, Usage

FINISHES: dict[str, Finish] = {
    "stop": "stop",
    "eos": "stop",
    "eos_token": "stop",
    "end_turn": "stop",
    "stop_sequence": "stop",
    "length": "length",
    "max_tokens": "length",
    "max_length": "length",
    "model_length": "length",
    "tool_calls": "tool_calls",
    "tool_use": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
    "sensitive": "content_filter",
}
"""OpenAI's own words, and those of servers that speak its dialect (Together, TGI, Mistral, Z.ai)."""

_FAILED = frozenset(("error", "abort", "aborted", "cancelled", "network_error", "insufficient_system_resource"))
"""Finish reasons that say that the answer was broken off (OpenRouter, vLLM, Z.ai, DeepSeek): errors, not endings."""

_WRITTEN = {"stopped": "stop", "unknown": "stop"}
"""OpenAI has no word for these two."""


def finish_of(reason: object) -> Finish | None:
    """The finish behind a `finish_reason`; None where none was given (Snowflake sends an empty string)."""
    if not isinstance(reason, str) or not reason:
        return None
    return FINISHES.get(reason) or FINISHES.get(reason.lower(), "unknown")


def has_failed(reason: object) -> bool:
    """Whether a `finish_reason` says that the answer was broken off."""
    return isinstance(reason, str) and reason in _FAILED


def finish_word(finish: Finish) -> str:
    """OpenAI's word for a finish."""
    return _WRITTEN.get(finish, finish)


def usage_of(usage: object, x_groq: object = None) -> Usage | None:
    """Usage in all the shapes it comes in; None where nothing was counted, zeros included.

    Groq's streams hide it under `x_groq`.
    """
    if not isinstance(usage, dict):
        usage = x_groq.get("usage") if isinstance(x_groq, dict) else None
        if not isinstance(usage, dict):
            return None
    given = _count(usage, "prompt_tokens", "input_tokens")
    written = _count(usage, "completion_tokens", "output_tokens")
    total = _count(usage, "total_tokens")
    if not given and not written and not total:
        return None
    asked = _details(usage, "prompt_tokens_details", "input_tokens_details")
    wrote = _details(usage, "completion_tokens_details", "output_tokens_details")
    reasoning = _count(wrote, "reasoning_tokens")
    if reasoning is None:
        reasoning = _count(usage, "reasoning_tokens")
    cached = _count(asked, "cached_tokens")
    if cached is None:
        cached = _count(usage, "prompt_cache_hit_tokens", "cached_tokens", "num_cached_tokens")
    if given is None and written is None:
        given = total
    elif given is not None and written is not None and total is not None and total > given + written:
        given, written, reasoning = _whole(given, written, total, reasoning, asked)
    return Usage(
        input_tokens=given,
        output_tokens=written,
        cached_tokens=_at_most(cached, given),
        cache_write_tokens=_at_most(_count(asked, "cache_write_tokens"), given),
        reasoning_tokens=_at_most(reasoning, written),
    )


def _whole(
    given: int, written: int, total: int, reasoning: int | None, asked: Mapping[str, Any]
) -> tuple[int, int, int | None]:
    """Where the tokens belong that are in the total alone.

    Mistral leaves audio out of `prompt_tokens`; xAI leaves thinking out of `completion_tokens`, and so does Gemini,
    which does not say how much it was.
    """
    missing = total - given - written
    if missing == _count(asked, "audio_tokens"):
        return given + missing, written, reasoning
    if missing == reasoning or reasoning is None:
        return given, written + missing, missing
    return given, written, reasoning


def _count(fields: Mapping[str, Any], *names: str) -> int | None:
    for name in names:
        value: Any = fields.get(name)
        kind = value.__class__  # JSON has no subclasses, and a bool is none of these
        if (kind is int or kind is float) and value >= 0:
            return int(value)
    return None


def _details(usage: Mapping[str, Any], *names: str) -> Mapping[str, Any]:
    for name in names:
        details = usage.get(name)
        if isinstance(details, dict):
            return details
    return {}


def _at_most(count: int | None, bound: int | None) -> int | None:
    """A part is no larger than its whole, though Azure and OpenRouter have said so."""
    return min(count, bound) if count is not None and bound is not None else count


def usage_object(usage: Usage) -> dict[str, Any] | None:
    """Usage as OpenAI writes it; None where a side is unknown, since OpenAI's has no way to say so."""
    if usage.input_tokens is None or usage.output_tokens is None:
        return None
    said: dict[str, Any] = {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.input_tokens + usage.output_tokens,
    }
    prompt = {"cached_tokens": usage.cached_tokens, "cache_write_tokens": usage.cache_write_tokens}
    prompt_details = {name: count for name, count in prompt.items() if count is not None}
    if prompt_details:
        said["prompt_tokens_details"] = prompt_details
    if usage.reasoning_tokens is not None:
        said["completion_tokens_details"] = {"reasoning_tokens": usage.reasoning_tokens}
    return said


def logprobs_of(logprobs: object) -> tuple[TokenLogprob, ...]:
    """A chat choice's `logprobs`."""
    content = logprobs.get("content") if isinstance(logprobs, dict) else None
    if not isinstance(content, list):
        return ()
    return tuple(
        TokenLogprob(
            text_of(entry.get("token")),
            logprob_of(entry.get("logprob")),
            tuple(
                (text_of(other.get("token")), logprob_of(other.get("logprob")))
                for other in entry.get("top_logprobs") or ()
                if isinstance(other, dict)
            ),
        )
        for entry in content
        if isinstance(entry, dict)
    )


def logprobs_object(logprobs: tuple[TokenLogprob, ...]) -> dict[str, Any] | None:
    """Log probabilities as a chat choice carries them."""
    if not logprobs:
        return None
    return {
        "content": [
            {**_token(said.token, said.logprob), "top_logprobs": [_token(*other) for other in said.top]}
            for said in logprobs
        ],
        "refusal": None,
    }


def _token(token: str, logprob: float) -> dict[str, Any]:
    return {"token": token, "logprob": logprob, "bytes": list(token.encode("utf-8", "replace"))}


def content_of(
    text: str,
    reasoning: str = "",
    refusal: str = "",
    tools: list[ToolCall] | None = None,
    opaque: Opaque | None = None,
) -> Content:
    """The parts of an assistant's message, in the order in which a stream's assembly has them."""
    if not (reasoning or refusal or tools or opaque):
        return text
    parts: list[Part] = []
    if opaque:
        parts.append(opaque)
    if reasoning:
        parts.append(Reasoning(reasoning))
    if text:
        parts.append(Text(text))
    if refusal:
        parts.append(Refusal(refusal))
    if tools:
        parts += tools
    return tuple(parts)
