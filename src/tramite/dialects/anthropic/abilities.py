"""What a Claude model takes and what it refuses, by its name: data, as of 2026-11. Knows no wire shape.

Sources: platform.claude.com, "Thinking", "Effort", "Mid-conversation system messages", "What's new" of each model,
"Migrating to API version 2026-10-21". Only what decides between sending a setting, sending it another way and leaving
it out stands here; what the API refuses with words of its own (prefill, forced tools) is the API's to say.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal

from msgspec import Struct

_NAME = re.compile(
    r"claude-(?:(?P<before>\d(?:[-.]\d)?)-)?"  # claude-3-7-sonnet, and OpenRouter's claude-4.7-opus
    r"(?P<family>opus|sonnet|haiku|fable|mythos)"
    r"(?:-(?P<after>\d(?:[-.]\d)?)(?!\d))?"  # claude-opus-4-1-20250805: a date is no version
)
_NEWEST = 99.0


class Abilities(Struct, frozen=True):
    """How one model is spoken to."""

    thinking: Literal["none", "budget", "adaptive"]
    """How thinking is asked for: not at all, as a budget of tokens, or as an effort."""
    off: Literal["disabled", "between_tools", "never"]
    """The word that turns thinking off, where it can be."""
    efforts: tuple[str, ...]
    sampling: Literal["any", "one", "none"]
    """Whether `temperature` and `top_p` are taken: both, one of them, or neither."""
    thinks_unsampled: bool
    """While it thinks, it takes no `temperature` and no `top_p`."""
    mid_system: bool
    """A system message may stand after a user's turn."""


_OTHER = Abilities("budget", "disabled", (), "any", thinks_unsampled=False, mid_system=False)
"""Any model that is no Claude, behind a server that speaks this dialect: the form that all of them know."""


@lru_cache(maxsize=256)
def abilities(model: str) -> Abilities:
    """What this model takes. A Claude newer than this table is taken to be like the newest in it."""
    found = _NAME.search(model)
    if found is None:
        return _OTHER
    family = found["family"]
    version = float((found["before"] or found["after"] or str(_NEWEST)).replace("-", "."))
    return Abilities(
        thinking="none" if version < 3.7 else "budget" if version < 4.6 else "adaptive",
        off=_off(family, version),
        efforts=("low", "medium", "high", "max") if version < 4.7 else ("low", "medium", "high", "xhigh", "max"),
        sampling="any" if version < 4.1 else "one" if version < 4.7 else "none",
        thinks_unsampled=True,
        # Sources disagree on Sonnet 5: without it nothing can go wrong.
        mid_system=version >= 4.8 and not (family == "sonnet" and version < 5.5),
    )


def _off(family: str, version: float) -> Literal["disabled", "between_tools", "never"]:
    if family in ("fable", "mythos") or (family == "opus" and version >= 5.5):
        return "never"
    return "between_tools" if family == "sonnet" and version >= 5.5 else "disabled"
