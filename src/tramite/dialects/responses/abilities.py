"""Which models may think, by their names: data, as of 2026-11. Knows no wire shape.

Source: platform.openai.com, "Reasoning models". It is asked of models whose servers refuse to be asked for encrypted
thoughts ("Encrypted content is not supported with this model"); any other is asked.
"""

from __future__ import annotations

import re
from functools import lru_cache

from tramite.dialects.base import Target

_THOUGHTLESS = re.compile(r"gpt-3\.5|gpt-35|gpt-4|gpt-5(?:\.\d+)?-chat|chatgpt-4o|davinci|babbage", re.IGNORECASE)


def may_think(target: Target) -> bool:
    """Whether to ask for the state of thinking. A deployment whose name does not say what it is can say it in its
    traits: one that has `reasoning_effort` among its unsupported settings does not think.
    """
    return _named_so(target.model) and "reasoning_effort" not in target.traits.unsupported


@lru_cache(maxsize=256)
def _named_so(model: str) -> bool:
    return _THOUGHTLESS.search(model) is None
