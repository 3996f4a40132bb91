"""Our one reasoning effort, and Anthropic's ways to ask for thinking, both ways.

Older models take a budget of tokens (1,024 at least, less than `max_tokens`), newer ones an effort and think as much as
they see fit (platform.claude.com, "Extended thinking", "Adaptive thinking", "Effort"). A budget is a share of
`max_tokens`, as OpenRouter's documentation has it ("Reasoning Tokens").
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tramite.calls import Effort
from tramite.dialects.base import Target

from .abilities import Abilities

SHARES: dict[Effort, float] = {"minimal": 0.1, "low": 0.2, "medium": 0.5, "high": 0.8, "xhigh": 0.95}
LEAST = 1024
MOST = 128_000

_NEAREST: dict[Effort, tuple[str, ...]] = {
    "minimal": ("low",),
    "low": ("low",),
    "medium": ("medium",),
    "high": ("high",),
    "xhigh": ("xhigh", "high"),  # not max, which costs more
}
_READ: dict[str, Effort] = {"low": "low", "medium": "medium", "high": "high", "xhigh": "xhigh", "max": "xhigh"}


def put_thinking(body: dict[str, Any], effort: Effort, able: Abilities, target: Target, notices: list[str]) -> bool:
    """Ask for thinking, or for none; whether the model will think. `body` has its `max_tokens` already."""
    if able.thinking == "none":
        if effort != "none":
            notices.append(f"{target} does not think: reasoning_effort was left out")
        return False
    if effort == "none":
        return _put_off(body, able, target, notices)
    if able.thinking == "budget":
        return _put_budget(body, effort, target, notices)
    word = next((word for word in _NEAREST[effort] if word in able.efforts), "high")
    if word != effort:
        notices.append(f"{target} has no effort {effort!r}: {word!r} was sent")
    body["thinking"] = {"type": "adaptive"}
    body["output_config"] = {"effort": word}
    return True


def _put_off(body: dict[str, Any], able: Abilities, target: Target, notices: list[str]) -> bool:
    if able.off != "never":
        body["thinking"] = {"type": able.off}
        return False
    body["output_config"] = {"effort": "low"}
    notices.append(f"{target} always thinks: reasoning_effort='none' was sent as 'low'")
    return True


def _put_budget(body: dict[str, Any], effort: Effort, target: Target, notices: list[str]) -> bool:
    most = body["max_tokens"]
    if most <= LEAST:
        notices.append(f"{target} thinks with max_tokens above {LEAST} only: reasoning_effort was left out")
        return False
    if _called_without_thought(body["messages"]):
        notices.append(f"{target} goes on without thinking: the tool calls that are answered came without its thoughts")
        return False
    body["thinking"] = {"type": "enabled", "budget_tokens": budget_of(effort, most)}
    return True


def _called_without_thought(turns: Sequence[Mapping[str, Any]]) -> bool:
    """Whether the last turn answers tools that another model called, or whose caller's thoughts were lost. The API
    refuses to think then ("Extended thinking", preserving thinking blocks). Kept state is raw, everything else is not.
    """
    if len(turns) < 2:
        return False
    called, answer = turns[-2]["content"], turns[-1]["content"]
    answers_tools = isinstance(answer, list) and isinstance(answer[0], dict) and answer[0]["type"] == "tool_result"
    return answers_tools and isinstance(called[0], dict)


def budget_of(effort: Effort, max_tokens: int) -> int:
    """The tokens that an effort may think with."""
    return min(max(int(max_tokens * SHARES[effort]), LEAST), MOST, max_tokens - 1)


def effort_of(thinking: Mapping[str, Any], word: object, max_tokens: int) -> Effort | None:
    """The effort that a request asks for, by its word, else by its budget; None where the model is to decide."""
    named = _READ.get(word) if isinstance(word, str) else None
    if named is not None:
        return named
    match thinking.get("type"):
        case "disabled" | "between_tools":
            return "none"
        case "enabled":
            budget = thinking.get("budget_tokens")
            given = budget if isinstance(budget, int) else LEAST
            efforts: list[Effort] = ["low", "medium", "high", "xhigh"]
            return min(efforts, key=lambda effort: abs(budget_of(effort, max(max_tokens, LEAST + 1)) - given))
    return None
