"""Vectors for one call: lengths checked, batches computed until nobody asks any more, on the machine's thread."""

from __future__ import annotations

from typing import Any

from tramite.calls import EmbeddingCall
from tramite.errors import RequestRejected
from tramite.providers.batches import batches
from tramite.providers.lengths import cut_notice, too_long
from tramite.replies import EmbeddingReply, Usage

from .machine import Line

BATCH_TOKENS = 2048
"""Of one batch of texts, filled up to its longest; after each, a cancelled request ends."""
NO_RECIPE = (
    "{model} does not say how its vectors are made (it has no modules.json): they are the mean over the tokens, "
    "of any length"
)
_SENT_ALONG = frozenset(("encoding_format", "user", "prompt_name"))


def refuse_unsupported(call: EmbeddingCall) -> None:
    """Raise RequestRejected for what would otherwise be dropped in silence."""
    named = sorted(set(call.extra) - _SENT_ALONG)
    if call.dimensions is not None:
        named.append("dimensions")
    if named:
        raise RequestRejected(f"local models do not support {', '.join(named)}: leave it out")


def embed(model: Any, call: EmbeddingCall, line: Line) -> None:
    """Say the reply, unless nobody hears it. Raises ContextTooLong, RequestRejected for an unknown prompt."""
    prompt_name = call.extra.get("prompt_name")
    tokens = model.tokens(call.inputs, prompt_name)
    long = too_long(call, tokens, model.window)
    for position in long:
        tokens[position] = model.cut(call.inputs[position], prompt_name)
    vectors: list[list[float]] = [[]] * len(tokens)
    for batch in batches([len(text) for text in tokens], BATCH_TOKENS):
        if line.gone.is_set():
            return
        for position, vector in zip(batch, model.vectors([tokens[place] for place in batch]), strict=True):
            vectors[position] = vector
    notices = cut_notice(call, long, model.window)
    if not model.recipe.known:
        notices = (*notices, NO_RECIPE.format(model=call.model))
    line.say(
        EmbeddingReply(
            vectors=vectors,
            usage=Usage(input_tokens=sum(map(len, tokens)), output_tokens=0),
            model=call.model or "",
            notices=notices,
        )
    )
