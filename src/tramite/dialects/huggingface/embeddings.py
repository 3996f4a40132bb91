"""Embeddings: feature extraction at the router, `/embed` of TEI. One operation, both sides; the fields are the same.

Source: TEI's `router/src/http/types.rs` (EmbedRequest); huggingface_hub, `inference/_providers/hf_inference.py`:
parameters stand at the root of a feature extraction's body.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Raw

from tramite.calls import EmbeddingCall, Kind
from tramite.dialects.base import Encoded, Signals, Target
from tramite.dialects.json_bodies import UNREADABLE, encode_json
from tramite.dialects.request_fields import fields_of, take
from tramite.dialects.unstreamed import Unstreamed
from tramite.errors import InvalidCall, ProviderError, Unsupported
from tramite.replies import EmbeddingReply

from .errors_in import failure_in
from .nesting import EXPECTED, depth_of, vectors_of
from .paths import PIPELINE, model_of, task_path
from .shapes import decode_rows

POOLING = "pooling"
"""What `extra` says of token vectors. It is for us: no server takes it."""
CUT = "what is longer than the model's window is cut by the server, which does not say where"


class Embeddings(Unstreamed):
    """See `dialects.base.Operation`. Embeddings are not streamed."""

    kind: Kind = "embedding"
    dialect = "huggingface"

    def encode(self, call: EmbeddingCall, target: Target, stream: bool) -> Encoded:
        """The call as a request to `/embed`, or to the feature extraction of a model of the router's."""
        if stream:
            self.not_streamed()
        if call.extra.get(POOLING, "mean") != "mean":
            raise Unsupported(f"pooling must be 'mean', or left out, got {call.extra[POOLING]!r}", POOLING)
        body: dict[str, Any] = {"inputs": call.inputs}
        if call.dimensions is not None:
            body["dimensions"] = call.dimensions
        notices = put_truncate(body, call.truncate, target)
        put_extra(body, call.extra, ("inputs", "dimensions", "truncate"))
        return Encoded(task_path(target, "/embed", PIPELINE), encode_json(body), notices=notices)

    def decode(self, body: bytes) -> EmbeddingReply:
        """The vectors, where they are one for each text. Raises `BadReply`, or the error that the body carries."""
        return EmbeddingReply(vectors=vectors_of(_list_in(body), None, False))

    def decode_for(self, body: bytes, call: EmbeddingCall) -> EmbeddingReply:
        """The vectors of this call's texts (see `dialects.base.decode_for`)."""
        return EmbeddingReply(vectors=vectors_of(_list_in(body), len(call.inputs), POOLING in call.extra))

    def judge(self, body: bytes) -> Signals:
        """Signals of a whole body: it has succeeded when it is a list with something in it."""
        try:
            _rows(body)
        except ProviderError as error:
            return Signals(error=error)
        return Signals(proof=True, finish="stop")

    def decode_call(self, body: bytes, path: str) -> tuple[EmbeddingCall, bool]:
        """The call that a client sent. Unknown fields stay in `extra`."""
        fields = fields_of(body)
        call = EmbeddingCall(
            inputs=_inputs(fields.pop("inputs", None)),
            model=model_of(path) or take(fields, "model", str, "a string"),
            dimensions=take(fields, "dimensions", int, "a whole number"),
            truncate=bool(take(fields, "truncate", bool, "true or false")),
            extra=fields,
        )
        return call, False

    def encode_reply(self, reply: EmbeddingReply, call: EmbeddingCall) -> bytes:
        """The vectors as a list of lists."""
        return msgspec.json.encode(reply.vectors)


def put_truncate(body: dict[str, Any], wanted: bool, target: Target) -> tuple[str, ...]:
    """Ask for too long texts to be cut; the notice that says so."""
    if not wanted:
        return ()
    body["truncate"] = True
    return (f"{target}: {CUT}",)


def put_extra(body: dict[str, Any], extra: dict[str, Any], ours: tuple[str, ...]) -> None:
    """Lay `extra` over the body. Raises `InvalidCall` for what has a setting of its own."""
    for name, value in extra.items():
        if name in ours:
            raise InvalidCall(f"extra holds {name!r}, which has a setting of its own: use that", name)
        if name != POOLING:
            body[name] = value


def _list_in(body: bytes) -> bytes:
    """The body where it is a list, else the one in it: what a list holds is looked at when it is decoded."""
    return body if depth_of(body) else _rows(body)


def _rows(body: bytes) -> bytes:
    """The list in the body, or in its `embeddings`. Raises `BadReply`, or the error that the body carries."""
    try:
        found = decode_rows(body)
    except UNREADABLE as error:
        raise failure_in(body, EXPECTED, error) from error
    if isinstance(found, list):
        if not found or not _is_number_or_list(found[0]):
            raise failure_in(body, EXPECTED, "no list of numbers")
        return body
    rows = bytes(found.embeddings)
    if found.error or not rows.startswith(b"["):
        raise failure_in(body, EXPECTED, "no list")
    return rows


def _is_number_or_list(raw: Raw) -> bool:
    return bytes(raw)[:1] in b"[-0123456789"


def _inputs(given: object) -> tuple[str, ...]:
    if isinstance(given, str):
        return (given,)
    if given is None:
        raise InvalidCall("inputs is missing", "inputs")
    if not isinstance(given, list) or not all(isinstance(text, str) for text in given):
        raise InvalidCall("inputs must be a string or a list of strings", "inputs")
    return tuple(given)
