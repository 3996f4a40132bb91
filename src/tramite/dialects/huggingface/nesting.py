"""Vectors out of numbers nested in any depth. Knows no request; `count` is how many texts there were, where known.

Servers give a text's vector alone (depth 1), one for each text (2), the vectors of each text's tokens (3), or the same
with each text as a batch of its own (4): which, depends on the model and on what serves it (facts A5, recordings).
"""

from __future__ import annotations

from typing import Any, TypeAlias

import msgspec

from tramite.dialects.bad_reply import bad_reply
from tramite.dialects.json_bodies import UNREADABLE
from tramite.errors import BadReply

from .errors_in import failure_in

Vector: TypeAlias = list[float]
Rows: TypeAlias = list[Vector]

EXPECTED = "vectors"

_DECODERS: tuple[Any, ...] = (
    msgspec.json.Decoder(Vector).decode,
    msgspec.json.Decoder(Rows).decode,
    msgspec.json.Decoder(list[Rows]).decode,
    msgspec.json.Decoder(list[list[Rows]]).decode,
)


def vectors_of(body: bytes, count: int | None, pooled: bool) -> Rows:
    """One vector for each text; the mean of its tokens' where there is one for each and `pooled`. Raises `BadReply`."""
    depth = depth_of(body)
    try:
        found = _DECODERS[depth - 1](body) if 1 <= depth <= len(_DECODERS) else None
    except UNREADABLE as error:
        raise failure_in(body, EXPECTED, error) from error
    if found is None:
        raise failure_in(body, EXPECTED, f"lists nested {depth} deep")
    vectors = _in_two(found, depth, count, pooled)
    if not all(vectors) or (count is not None and len(vectors) != count):
        asked = "" if count is None else f" for {count} texts"
        raise bad_reply(body, EXPECTED, f"{len(vectors)} vectors{asked}, or empty ones")
    return vectors


def depth_of(body: bytes) -> int:
    """How many lists begin before the first number."""
    head = body[:64].translate(None, b" \t\r\n")
    return len(head) - len(head.lstrip(b"["))


def _in_two(found: Any, depth: int, count: int | None, pooled: bool) -> Rows:
    if depth == 1:
        return [found]
    if depth == 2:
        rows: Rows = found
        return [_one(rows, pooled)] if count == 1 and len(rows) > 1 else rows
    texts: list[Rows] = found if depth == 3 else [rows for text in found for rows in text]
    if count is not None and len(texts) == 1 and len(texts[0]) == count:
        return texts[0]
    return [_one(rows, pooled) for rows in texts]


def _one(rows: Rows, pooled: bool) -> Vector:
    """The only row, or the mean of the tokens' rows, the special ones included. Raises `BadReply`."""
    if len(rows) == 1:
        return rows[0]
    if not pooled or len({len(row) for row in rows}) != 1:
        raise _unpooled(len(rows))
    return [sum(column) / len(rows) for column in zip(*rows, strict=True)]


def _unpooled(rows: int) -> BadReply:
    error = BadReply(
        f"the model gives a vector for each token ({rows} of them), none for the text: "
        'choose a model for sentences, or ask for the mean with extra={"pooling": "mean"}',
        status=200,
    )
    error.retryable = False  # it will say the same again
    return error
