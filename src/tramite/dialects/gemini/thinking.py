"""How hard a model is to think: our efforts as Google's levels and budgets, and what each generation takes. Data.

Levels are those of the models' own pages; budgets those that Google's OpenAI face gives to the same efforts
(ai.google.dev/gemini-api/docs/thinking and …/openai).
"""

from __future__ import annotations

import re
from typing import Any

from tramite.calls import EFFORTS, Effort

_GENERATION = re.compile(r"gemini-(\d{1,3})(?:\.(\d{1,3}))?")
_MINIMAL = re.compile(r"gemini-3(?:\.[15])?-flash")
"""The models whose lowest level is `minimal`; the others begin with `low`."""
_BUDGETS = {"minimal": 1_024, "low": 1_024, "medium": 8_192, "high": 24_576, "xhigh": 24_576}
_SMALLEST = 128
"""The least that 2.5 Pro takes: it cannot be kept from thinking."""
_EFFORTS = {0: "none", 1_024: "low", 8_192: "medium", 24_576: "high"}


def generation(model: str) -> tuple[int, int]:
    """3.1 as (3, 1). A name without a number (`gemini-flash-latest`, a tuned model's) counts as the newest."""
    found = _GENERATION.search(model)
    return (int(found[1]), int(found[2] or 0)) if found else (999, 0)


def checks_signatures(model: str) -> bool:
    """Whether the model refuses function calls whose signature is missing: Gemini 3 was the first."""
    return generation(model) >= (3, 0)


def thinking_config(effort: Effort, model: str) -> tuple[dict[str, Any], str]:
    """`thinkingConfig` for this model, and what of the effort could not be had (empty where all could)."""
    age = generation(model)
    if age < (2, 5):
        return {}, "does not think: reasoning_effort was left out"
    if age < (3, 0):
        if effort != "none":
            return {"thinkingBudget": _BUDGETS[effort]}, ""
        if "pro" not in model:
            return {"thinkingBudget": 0}, ""
        return {"thinkingBudget": _SMALLEST}, "always thinks: reasoning_effort none became the smallest budget"
    level: str = effort
    if effort in ("none", "minimal"):
        level = "minimal" if _MINIMAL.search(model) else "low"
    elif effort == "xhigh" and age < (4, 0):
        level = "high"
    return {"thinkingLevel": level}, "" if level == effort else f"has no effort {effort}: {level} was asked for"


def effort_of(config: dict[str, Any]) -> str | None:
    """Take the effort out of a `thinkingConfig`. What is no effort of ours (a budget of another size) stays in it."""
    level, budget = config.get("thinkingLevel"), config.get("thinkingBudget")
    if isinstance(level, str) and level.lower() in EFFORTS:
        del config["thinkingLevel"]
        return level.lower()
    if isinstance(budget, int) and budget.__class__ is not bool and budget in _EFFORTS:
        del config["thinkingBudget"]
        return _EFFORTS[budget]
    return None
