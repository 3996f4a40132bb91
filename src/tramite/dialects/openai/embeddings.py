"""Embeddings of the OpenAI dialect: one operation, both sides. Vectors may travel as numbers or as base64."""

from __future__ import annotations

import base64
import sys
from array import array
from collections.abc import Sequence
from typing import Any

import msgspec

from tramite.calls import EmbeddingCall, Kind
from tramite.dialects.bad_reply import bad_reply
from tramite.dialects.base import Encoded, Signals, Target
from tramite.dialects.failure_shapes import error_inside
from tramite.dialects.json_bodies import UNREADABLE
from tramite.dialects.request_fields import fields_of, take
from tramite.dialects.unstreamed import Unstreamed
from tramite.errors import InvalidCall, ProviderError, Unsupported
from tramite.replies import EmbeddingReply, Usage

from .assistant_out import NAME
from .fields import usage_of
from .settings_in import model_of
from .settings_out import finish_body
from .shapes import Vector, Vectors, decode_judged_vectors, decode_vectors

_EXPECTED = "a list of embeddings"
_FORMATS = ("float", "base64", "base64_int8")


class Embeddings(Unstreamed):
    """See `dialects.base.Operation`. Embeddings are not streamed."""

    kind: Kind = "embedding"
    dialect = NAME

    def encode(self, call: EmbeddingCall, target: Target, stream: bool) -> Encoded:
        """The call as a request to `/embeddings`."""
        if stream:
            self.not_streamed()
        body: dict[str, Any] = {"model": target.model, "input": call.inputs}
        if call.dimensions is not None:
            body["dimensions"] = call.dimensions
        if target.traits.base64_embeddings:
            body["encoding_format"] = "base64"
        if call.extra.get("encoding_format", "float") not in _FORMATS:
            raise Unsupported(f"encoding_format must be one of {', '.join(_FORMATS)}", "encoding_format")
        if call.truncate and target.traits.truncates:
            body["truncate"] = True  # OpenAI has no word for it: elsewhere the client cuts what is refused, and says so
        return finish_body("/embeddings", body, call.extra, target, [])

    def decode(self, body: bytes) -> EmbeddingReply:
        """The vectors, in the order of the inputs. Raises `BadReply`, or the error that the body carries."""
        try:
            whole = decode_vectors(body)
        except UNREADABLE as error:
            raise _not_vectors(body, error) from error
        if whole.error or not whole.data:
            raise _not_vectors(body, "no data")
        return EmbeddingReply(
            vectors=[_numbers(vector, body) for vector in _in_order(whole, body)],
            usage=usage_of(whole.usage) or Usage(),
            model=whole.model if isinstance(whole.model, str) else "",
            request_id=whole.id if whole.id and isinstance(whole.id, str) else None,
        )

    def judge(self, body: bytes) -> Signals:
        """Signals of a whole body: it has succeeded when it has vectors and names no error."""
        try:
            whole = decode_judged_vectors(body)
        except UNREADABLE as error:
            return Signals(error=_not_vectors(body, error))
        if whole.error or not whole.data:
            return Signals(error=_not_vectors(body, "no data"), usage=usage_of(whole.usage))
        return Signals(proof=True, finish="stop", usage=usage_of(whole.usage))

    def decode_call(self, body: bytes, path: str) -> tuple[EmbeddingCall, bool]:
        """The call that a client sent. `encoding_format` stays in `extra`, where `encode_reply` finds it."""
        fields = fields_of(body)
        inputs = _inputs(fields.pop("input", None))
        form = fields.get("encoding_format", "float")
        if form not in ("float", "base64"):
            raise InvalidCall(f"encoding_format must be float or base64, got {form!r}", "encoding_format")
        cut = fields.get("truncate")
        call = EmbeddingCall(
            inputs=inputs,
            truncate=fields.pop("truncate") if isinstance(cut, bool) else False,  # NVIDIA's is END or START
            model=model_of(fields, path),
            dimensions=take(fields, "dimensions", int, "a whole number"),
            extra=fields,
        )
        return call, False

    def encode_reply(self, reply: EmbeddingReply, call: EmbeddingCall) -> bytes:
        """The vectors as an OpenAI list, in the form that the client asked for."""
        packed = call.extra.get("encoding_format") == "base64"
        tokens = reply.usage.input_tokens
        return msgspec.json.encode(
            {
                "object": "list",
                "data": [
                    {"object": "embedding", "index": index, "embedding": _packed(vector) if packed else vector}
                    for index, vector in enumerate(reply.vectors)
                ],
                "model": reply.model or call.model or "",
                "usage": None if tokens is None else {"prompt_tokens": tokens, "total_tokens": tokens},
            }
        )


def _not_vectors(body: bytes, why: object) -> ProviderError:
    try:
        payload = msgspec.json.decode(body)
    except UNREADABLE:
        payload = None
    said = error_inside(payload, body) if isinstance(payload, dict) else None
    return said or bad_reply(body, _EXPECTED, why)


def _in_order(whole: Vectors, body: bytes) -> Sequence[Vector]:
    """By `index`; as they came where a server does not number them (none, or all 0)."""
    vectors = whole.data or []
    numbers = [vector.index for vector in vectors]
    if not any(numbers):
        return vectors
    by_number = {vector.index: vector for vector in vectors}
    try:
        return [by_number[number] for number in range(len(vectors))]
    except KeyError as error:
        raise bad_reply(body, _EXPECTED, f"no embedding has the index {error}") from error


def _numbers(vector: Vector, body: bytes) -> list[float]:
    if not isinstance(vector.embedding, str):
        return vector.embedding
    try:
        data = base64.b64decode(vector.embedding, validate=True)
    except ValueError as error:
        raise bad_reply(body, _EXPECTED, "an embedding that is not base64") from error
    floats = array("f")
    if len(data) % 4 == 0:
        floats.frombytes(data)
        if sys.byteorder == "big":
            floats.byteswap()  # the wire is little-endian
        if all(_plausible(number) for number in floats[:16]):
            return floats.tolist()
    # Perplexity packs each dimension into one signed byte; read as floats, those are absurdly large and small.
    return [float(number) for number in array("b", data)]


def _plausible(number: float) -> bool:
    return number == 0 or 1e-20 < abs(number) < 1e10


def _packed(vector: list[float]) -> str:
    floats = array("f", vector)
    if sys.byteorder == "big":
        floats.byteswap()
    return base64.b64encode(floats.tobytes()).decode("ascii")


def _inputs(given: object) -> tuple[str, ...]:
    if isinstance(given, str):
        return (given,)
    if not given:
        raise InvalidCall("input is missing or empty: there is nothing to embed", "input")
    if not isinstance(given, list) or not all(isinstance(text, str) for text in given):
        raise InvalidCall("input must be a string or a list of strings (text, not token numbers)", "input")
    return tuple(given)
