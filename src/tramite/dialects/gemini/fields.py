"""Fields that whole replies and frames share, both ways: finish, usage, log probabilities. Knows no operation.

Google's words are those of `Candidate.FinishReason`, `UsageMetadata` and `LogprobsResult` in the Gemini API's reference
(ai.google.dev/api/generate-content).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import Raw

from tramite.dialects.json_bodies import UNREADABLE, objects
from tramite.dialects.logprobs import ZERO_PROBABILITY
from tramite.replies import Finish, TokenLogprob, Usage

from .shapes import Counts, decode_counts

_FINISHES: dict[str, Finish] = {
    "STOP": "stop",
    "MAX_TOKENS": "length",
    "CONTINUATION": "length",
    **dict.fromkeys(
        (
            *("SAFETY", "RECITATION", "LANGUAGE", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "MODEL_ARMOR"),
            *("IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION", "ESCALATION", "PUP_LIMITED_DISABLED"),
        ),
        "content_filter",
    ),
}

FAILED = frozenset(("MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS", "MALFORMED_RESPONSE")) | {
    "MISSING_THOUGHT_SIGNATURE"
}
"""Finish reasons that say that there is no answer to use: errors, not endings."""

_NUMBERS = (
    *("", "STOP", "MAX_TOKENS", "SAFETY", "RECITATION", "OTHER", "LANGUAGE", "BLOCKLIST", "PROHIBITED_CONTENT"),
    *("SPII", "MALFORMED_FUNCTION_CALL", "IMAGE_SAFETY"),
)
"""The words by their numbers, which Google's own older clients ask for (`$alt=json;enum-encoding=int`)."""

_WRITTEN: dict[Finish, str] = {
    "stop": "STOP",
    "stopped": "STOP",
    "tool_calls": "STOP",
    "length": "MAX_TOKENS",
    "content_filter": "SAFETY",
    "unknown": "OTHER",
}


def reason_of(value: object) -> str:
    """Google's word for why a candidate ended; empty as long as it has not."""
    if isinstance(value, int) and value.__class__ is not bool and 0 <= value < len(_NUMBERS):
        return _NUMBERS[value]
    return value if isinstance(value, str) and value != "FINISH_REASON_UNSPECIFIED" else ""


def finish_of(reason: str, called: bool) -> Finish:
    """The finish behind a reason. Gemini ends an answer that calls functions with STOP, like any other."""
    return "tool_calls" if called and reason == "STOP" else _FINISHES.get(reason, "unknown")


def finish_word(finish: Finish) -> str:
    """Google's word for a finish."""
    return _WRITTEN[finish]


def usage_of(counts: Counts | None) -> Usage | None:
    """Usage; None where nothing was counted.

    What tools of Google's own brought in is input. Google counts thoughts beside the candidates, we within the output.
    """
    if counts is None:
        return None
    given, written = _count(counts.prompt_token_count), _count(counts.candidates_token_count)
    thought, total = _count(counts.thoughts_token_count), _count(counts.total_token_count)
    if given is None and written is None and thought is None:
        return None
    if given is not None:
        given += _count(counts.tool_use_prompt_token_count) or 0
    if written is None and thought is None:
        output = None if total is None or given is None else max(0, total - given)
    else:
        output = (written or 0) + (thought or 0)
    cached = _count(counts.cached_content_token_count)
    return Usage(
        input_tokens=given,
        output_tokens=output,
        cached_tokens=cached if cached is None or given is None else min(cached, given),
        reasoning_tokens=thought,
    )


def usage_in(counts: Raw) -> Usage | None:
    """Usage out of counts that were left as they came; None for what is none."""
    try:
        return usage_of(decode_counts(counts)) if counts else None
    except UNREADABLE:
        return None


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and value.__class__ is not bool and value >= 0 else None


def usage_object(usage: Usage) -> dict[str, int] | None:
    """`usageMetadata`; None where a side is unknown, since Google's has no way to say so."""
    given, written = usage.input_tokens, usage.output_tokens
    if given is None or written is None:
        return None
    said = {"promptTokenCount": given, "candidatesTokenCount": written - (usage.reasoning_tokens or 0)}
    if usage.reasoning_tokens is not None:
        said["thoughtsTokenCount"] = usage.reasoning_tokens
    if usage.cached_tokens is not None:
        said["cachedContentTokenCount"] = usage.cached_tokens
    said["totalTokenCount"] = given + written
    return said


def logprobs_of(result: object) -> tuple[TokenLogprob, ...]:
    """A candidate's `logprobsResult`: the chosen tokens, and beside each the likeliest ones."""
    if not isinstance(result, dict):
        return ()
    tops = objects(result.get("topCandidates"))
    return tuple(
        TokenLogprob(*_token(chosen), tuple(map(_token, objects(tops[at].get("candidates")))) if at < len(tops) else ())
        for at, chosen in enumerate(objects(result.get("chosenCandidates")))
    )


def _token(entry: dict[str, Any]) -> tuple[str, float]:
    token, logprob = entry.get("token"), entry.get("logProbability")
    return (
        token if isinstance(token, str) else "",
        float(logprob) if isinstance(logprob, int | float) else ZERO_PROBABILITY,
    )


def logprobs_object(logprobs: Sequence[TokenLogprob]) -> dict[str, Any]:
    """Log probabilities as a `logprobsResult`."""
    return {
        "chosenCandidates": [_entry(said.token, said.logprob) for said in logprobs],
        "topCandidates": [{"candidates": [_entry(*other) for other in said.top]} for said in logprobs],
    }


def _entry(token: str, logprob: float) -> dict[str, Any]:
    return {"token": token, "logProbability": logprob}
