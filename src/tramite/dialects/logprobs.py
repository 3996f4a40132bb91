"""Log probabilities as JSON has them, whatever the dialect. Knows no token."""

from __future__ import annotations

ZERO_PROBABILITY = -9999.0
"""What OpenAI reports for a token beyond its precision; JSON has no minus infinity."""


def logprob_of(value: object) -> float:
    """The number; that of a token beyond precision for anything else."""
    return float(value) if isinstance(value, int | float) else ZERO_PROBABILITY
