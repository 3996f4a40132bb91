"""Embeddings of the Gemini dialect: `batchEmbedContents`, and for our server's clients `embedContent` too.

`extra` (`taskType`, `title`) is merged into every request of the batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from tramite.calls import EmbeddingCall, Kind
from tramite.dialects.bad_reply import bad_reply
from tramite.dialects.base import Encoded, Signals, Target
from tramite.dialects.json_bodies import UNREADABLE, encode_json
from tramite.dialects.unstreamed import Unstreamed
from tramite.errors import InvalidCall, ProviderError, Unsupported
from tramite.replies import EmbeddingReply, Usage

from .asked import Fields
from .errors_in import error_inside
from .fields import usage_of
from .paths import model_and_method, path_of, resource
from .shapes import Counts, decode_judged_vectors, decode_vectors

_EXPECTED = "an answer with embeddings"
_OURS = frozenset(("model", "content", "outputDimensionality"))
_OF_OUR_SERVER = "encoding_format"  # what the OpenAI dialect leaves in `extra` for the answer to its client


class SingleCall(EmbeddingCall, frozen=True, kw_only=True, omit_defaults=True):
    """A call of our server's that came as `embedContent`: its answer has another shape."""


class Embeddings(Unstreamed):
    """See `dialects.base.Operation`. Embeddings are not streamed."""

    kind: Kind = "embedding"
    dialect = "gemini"

    def encode(self, call: EmbeddingCall, target: Target, stream: bool) -> Encoded:
        """The call as a request to `batchEmbedContents`."""
        if stream:
            self.not_streamed()
        beside: dict[str, Any] = {"model": resource(target.model)}
        if call.dimensions is not None:
            if "dimensions" in target.traits.unsupported:
                raise Unsupported(f"{target} does not support dimensions", "dimensions")
            beside["outputDimensionality"] = call.dimensions
        for name, value in call.extra.items():
            if name in _OURS:
                raise InvalidCall(f"extra holds {name!r}, which has a setting of its own: use that", name)
            if name != _OF_OUR_SERVER:
                beside[name] = value
        requests = [{**beside, "content": {"parts": [{"text": text}]}} for text in call.inputs]
        return Encoded(path_of(target.model, "batchEmbedContents"), encode_json({"requests": requests}))

    def decode(self, body: bytes) -> EmbeddingReply:
        """The vectors, in the order of the inputs. Raises `BadReply`, or the error that the body carries."""
        try:
            whole = decode_vectors(body)
        except UNREADABLE as error:
            raise _not_vectors(body, error) from error
        vectors = whole.embeddings or ([whole.embedding] if whole.embedding is not None else [])
        if whole.error or not vectors:
            raise _not_vectors(body, "no embeddings")
        return EmbeddingReply(
            vectors=[vector.values for vector in vectors], usage=_usage(whole.usage_metadata) or Usage()
        )

    def judge(self, body: bytes) -> Signals:
        """Signals of a whole body: it has succeeded when it has vectors and names no error."""
        try:
            whole = decode_judged_vectors(body)
        except UNREADABLE as error:
            return Signals(error=_not_vectors(body, error))
        usage = _usage(whole.usage_metadata)
        if whole.error or not (whole.embeddings or whole.embedding):
            return Signals(error=_not_vectors(body, "no embeddings"), usage=usage)
        return Signals(proof=True, finish="stop", usage=usage)

    def decode_call(self, body: bytes, path: str) -> tuple[EmbeddingCall, bool]:
        """The call that a client sent, as a batch or alone."""
        model, method = model_and_method(path)
        fields = Fields(body)
        single = method == "embedContent"
        requests = [fields] if single else fields.objects("requests")
        inputs, settings = [], []
        for request in requests:
            named = request.take("model", str)
            model = model or named
            inputs.append(_text(request))
            settings.append((request.take("outputDimensionality", int), request.left()))
        if not inputs:
            raise InvalidCall("requests is empty: there is nothing to embed", "requests")
        if any(other != settings[0] for other in settings):
            raise InvalidCall("the requests of one batch must have the same settings here", "requests")
        dimensions, extra = settings[0]
        kind = SingleCall if single else EmbeddingCall
        return kind(inputs=tuple(inputs), model=model, dimensions=dimensions, extra=extra), False

    def encode_reply(self, reply: EmbeddingReply, call: EmbeddingCall) -> bytes:
        """The vectors, in the shape that was asked for."""
        vectors = [{"values": vector} for vector in reply.vectors]
        said: dict[str, Any] = {"embedding": vectors[0]} if isinstance(call, SingleCall) else {"embeddings": vectors}
        if reply.usage.input_tokens is not None:
            said["usageMetadata"] = {"promptTokenCount": reply.usage.input_tokens}
        return msgspec.json.encode(said)


def _usage(counts: Counts | None) -> Usage | None:
    """Vectors have no output."""
    usage = usage_of(counts)
    return None if usage is None else Usage(input_tokens=usage.input_tokens)


def _not_vectors(body: bytes, why: object) -> ProviderError:
    return error_inside(body) or bad_reply(body, _EXPECTED, why)


def _text(request: Fields) -> str:
    content = request.object("content")
    parts: Sequence[Fields] = content.objects("parts") if content is not None else ()
    texts = [part.take("text", str) for part in parts]
    if not texts or any(text is None for text in texts):
        raise InvalidCall(f"{request.place('content')} must be made of text", request.place("content"))
    return "".join(text or "" for text in texts)
