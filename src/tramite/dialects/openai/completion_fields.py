"""The choices of a completion and their log probabilities, both ways. Knows no frame and no call."""

from __future__ import annotations

from itertools import zip_longest
from typing import Any

from tramite import events as ev
from tramite.dialects.logprobs import ZERO_PROBABILITY
from tramite.replies import TokenLogprob

from .fields import finish_of, logprobs_of
from .shapes import ChunkChoice


class CompletionChoices:
    """The choices of one stream (see `reader.Choices`)."""

    def add(self, choice: ChunkChoice, index: int, events: list[ev.Event]) -> None:
        """The events of one choice in one frame."""
        text = choice.text if isinstance(choice.text, str) else ""
        tokens = completion_logprobs(choice.logprobs) if choice.logprobs is not None else ()
        if text or tokens:
            events.append(ev.TextDelta(text, index, tokens))
        finish = finish_of(choice.finish_reason) if choice.finish_reason else None
        if finish is not None:
            events.append(ev.Finished(finish, index))

    def end(self, events: list[ev.Event]) -> None:
        """Nothing is kept back."""


def completion_logprobs(logprobs: object) -> tuple[TokenLogprob, ...]:
    """A completion's `logprobs`: parallel lists, or (llama.cpp) a chat's form."""
    if not isinstance(logprobs, dict) or not isinstance(logprobs.get("tokens"), list):
        return logprobs_of(logprobs)
    columns = (logprobs.get("token_logprobs") or (), logprobs.get("top_logprobs") or ())
    return tuple(
        TokenLogprob(str(token), _known(logprob), _others(top))
        for token, logprob, top in zip_longest(logprobs["tokens"], *columns)
        if token is not None
    )


def _known(logprob: object) -> float:
    """The first token of an echoed prompt has no probability (null): as 0, it leaves sums as they are."""
    return float(logprob) if isinstance(logprob, int | float) else 0.0


def _others(top: object) -> tuple[tuple[str, float], ...]:
    if not isinstance(top, dict):
        return ()
    return tuple(
        (token, float(logprob) if isinstance(logprob, int | float) else ZERO_PROBABILITY)
        for token, logprob in top.items()
    )


def completion_logprobs_object(logprobs: tuple[TokenLogprob, ...]) -> dict[str, Any] | None:
    """Log probabilities as a completion carries them."""
    if not logprobs:
        return None
    offsets, end = [], 0
    for said in logprobs:
        offsets.append(end)
        end += len(said.token)
    return {
        "tokens": [said.token for said in logprobs],
        "token_logprobs": [said.logprob for said in logprobs],
        "top_logprobs": [dict(said.top) for said in logprobs],
        "text_offset": offsets,
    }
