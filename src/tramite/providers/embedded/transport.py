"""The embedded model as a provider: calls checked, computed off the loop in batches, answered. Knows no wire format."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING

from tramite.calls import EmbeddingCall, ModelsCall
from tramite.errors import ModelNotFound, RequestRejected
from tramite.providers.batches import batches
from tramite.providers.lengths import cut_notice, too_long
from tramite.providers.rows import Provider
from tramite.providers.serving import Serving
from tramite.replies import EmbeddingReply, ModelInfo, ModelsReply, Usage

from . import package
from .language import looks_foreign
from .workers import Workers

if TYPE_CHECKING:
    from .bert import Floats

NAME = "all-minilm-l6-v2"
OWNER = "sentence-transformers (English only)"
ENGLISH_ONLY = (
    "all-minilm-l6-v2 knows English alone, and these texts look like another language: nearness of their vectors says "
    "little. A multilingual model, such as local/sentence-transformers/paraphrase-multilingual-MiniLM-L12-v2 or an "
    "embedding model of LM Studio or Ollama, is the better choice"
)
BATCH_TOKENS = 512
"""Of one batch: some 0.1 s of one core, after which a cancelled request ends."""
_WORDS = frozenset(("encoding_format", "user"))
"""Fields of a request beside our own that may be there (`user` says who asks)."""

workers = Workers()


def transport(provider: Provider) -> Serving:
    """A transport to the embedded model. Loads nothing before the first call."""
    return Serving({"embedding": _embed, "models": _models})


async def _models(call: ModelsCall) -> ModelsReply:
    """The one model, labelled. Raises MissingExtra."""
    await workers.run(package.check_installed)
    return ModelsReply(models=(ModelInfo(NAME, OWNER, context_tokens=256, type="embeddings"),))


async def _embed(call: EmbeddingCall) -> EmbeddingReply:
    _refuse(call)
    from . import model as loading

    model = await workers.run(loading.load)
    tokens = await workers.run(partial(model.tokens, call.inputs))
    long = too_long(call, tokens, loading.WINDOW)
    texts = [loading.cut(one) for one in tokens]
    done = await workers.run_each(
        lambda batch: model.vectors([texts[position] for position in batch]),
        batches([len(one) for one in texts], BATCH_TOKENS),
    )
    notices = cut_notice(call, long, loading.WINDOW)
    if looks_foreign(call.inputs):
        notices = (*notices, ENGLISH_ONLY)
    return EmbeddingReply(
        vectors=_in_order(done, len(texts)),
        usage=Usage(input_tokens=sum(map(len, texts)), output_tokens=0),
        model=NAME,
        notices=notices,
    )


def _refuse(call: EmbeddingCall) -> None:
    if call.model != NAME:
        raise ModelNotFound(f"there is no embedded model {call.model!r}: the only one is {NAME}, for English")
    if call.dimensions is not None:
        raise RequestRejected(f"{NAME} has vectors of 384 numbers only: leave out dimensions")
    unknown = set(call.extra) - _WORDS
    if unknown:
        raise RequestRejected(f"{NAME} does not know {', '.join(sorted(unknown))}: leave it out")


def _in_order(done: Sequence[tuple[list[int], Floats]], count: int) -> list[list[float]]:
    vectors: list[list[float]] = [[]] * count
    for position, vector in chain.from_iterable(zip(batch, rows.tolist(), strict=True) for batch, rows in done):
        vectors[position] = vector
    return vectors
