"""Fields that whole generations and frames share, both ways: finish, usage, log probabilities. Knows no operation."""

from __future__ import annotations

from itertools import zip_longest
from typing import Any

from tramite.dialects.json_bodies import text_of
from tramite.dialects.logprobs import logprob_of
from tramite.dialects.openai.fields import finish_of as known_finish
from tramite.replies import Finish, TokenLogprob, Usage

from .shapes import Details, RatedDetails, RatedToken

_WRITTEN = {"length": "length", "stop": "eos_token"}


def finish_of(details: Details | None) -> Finish:
    """Why it ended; `unknown` where no details were sent."""
    return known_finish(details.finish_reason) or "unknown" if details is not None else "unknown"


def finish_word(finish: Finish, stops: tuple[str, ...]) -> str:
    """TGI's word for a finish: it has three."""
    return "stop_sequence" if finish == "stop" and stops else _WRITTEN.get(finish, "eos_token")


def usage_of(details: Details | None) -> Usage | None:
    """Tokens, those of the generations beside the best one included; None where nothing was counted."""
    if details is None:
        return None
    given = _count(details.input_length)
    if given is None and details.prefill:
        given = len(details.prefill)
    written = _count(details.generated_tokens)
    if written is not None:
        written += sum(_count(other.generated_tokens) or 0 for other in details.best_of_sequences or ())
    if given is None and written is None:
        return None
    return Usage(input_tokens=given, output_tokens=written)


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and value.__class__ is int and value >= 0 else None


def details_object(finish: str, usage: Usage) -> dict[str, Any]:
    """The details that whole generations and streams have in common."""
    said: dict[str, Any] = {"finish_reason": finish, "generated_tokens": usage.output_tokens, "seed": None}
    if usage.input_tokens is not None:
        said["input_length"] = usage.input_tokens
    return said


def logprobs_of(details: RatedDetails) -> tuple[TokenLogprob, ...]:
    """The probabilities of a generation's tokens; special ones are no text, and left out."""
    rated = zip_longest(details.tokens or (), details.top_tokens or ())
    return tuple(logprob(token, top) for token, top in rated if token is not None and token.special is not True)


def logprob(token: RatedToken, top: list[RatedToken] | None) -> TokenLogprob:
    """One token's."""
    return TokenLogprob(text_of(token.text), logprob_of(token.logprob), tuple(map(_pair, top or ())))


def _pair(token: RatedToken) -> tuple[str, float]:
    return text_of(token.text), logprob_of(token.logprob)


def token_object(said: TokenLogprob) -> dict[str, Any]:
    """A token as TGI writes it; which number it has is not known."""
    return {"id": 0, "text": said.token, "logprob": said.logprob, "special": False}


def top_objects(said: TokenLogprob) -> list[dict[str, Any]]:
    """The alternatives beside it."""
    return [{"id": 0, "text": text, "logprob": value, "special": False} for text, value in said.top]
