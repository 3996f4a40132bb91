"""Texts ordered by how well they answer a query: TEI's `/rerank`. One operation, both sides.

Source: TEI's `router/src/http/types.rs` (RerankRequest, Rank).
"""

from __future__ import annotations

from typing import Any

import msgspec

from tramite.calls import Kind, RerankCall
from tramite.dialects.base import Encoded, Signals, Target
from tramite.dialects.json_bodies import UNREADABLE, encode_json
from tramite.dialects.request_fields import fields_of, take
from tramite.dialects.unstreamed import Unstreamed
from tramite.errors import InvalidCall, Unsupported
from tramite.replies import Ranked, RerankReply

from .embeddings import put_extra, put_truncate
from .errors_in import failure_in
from .paths import model_of, task_path
from .shapes import Rank, decode_ranks

_EXPECTED = "a list of scores"


class Reranking(Unstreamed):
    """See `dialects.base.Operation`. Orders are not streamed."""

    kind: Kind = "rerank"
    dialect = "huggingface"

    def encode(self, call: RerankCall, target: Target, stream: bool) -> Encoded:
        """The call as a request to `/rerank`. All scores are asked for: TEI has no word for `top_n`."""
        if stream:
            self.not_streamed()
        if target.traits.serves == "router":
            raise Unsupported(f"{target}: Hugging Face's router does not order texts; a server of TEI's does", "model")
        body: dict[str, Any] = {"query": call.query, "texts": call.texts}
        notices = put_truncate(body, call.truncate, target)
        put_extra(body, call.extra, ("query", "texts", "truncate"))
        return Encoded(task_path(target, "/rerank"), encode_json(body), notices=notices)

    def decode(self, body: bytes) -> RerankReply:
        """All texts, the best first. Raises `BadReply`, or the error that the body carries."""
        ranks = _ranks(body)
        ranks.sort(key=lambda rank: -rank.score)
        return RerankReply(results=tuple([Ranked(rank.index, rank.score) for rank in ranks]))

    def decode_for(self, body: bytes, call: RerankCall) -> RerankReply:
        """The best of this call's texts (see `dialects.base.decode_for`)."""
        reply = self.decode(body)
        if {ranked.index for ranked in reply.results} != set(range(len(call.texts))):
            raise failure_in(body, _EXPECTED, f"not one score for each of {len(call.texts)} texts")
        return RerankReply(results=reply.results[: call.top_n])

    def judge(self, body: bytes) -> Signals:
        """Signals of a whole body: it has succeeded when it is a list of scores."""
        try:
            decode_ranks(body)
        except UNREADABLE as error:
            return Signals(error=failure_in(body, _EXPECTED, error))
        return Signals(proof=True, finish="stop")

    def decode_call(self, body: bytes, path: str) -> tuple[RerankCall, bool]:
        """The call that a client sent. Unknown fields stay in `extra`."""
        fields = fields_of(body)
        query = take(fields, "query", str, "a string")
        texts = take(fields, "texts", list, "a list of strings")
        if query is None or texts is None:
            raise InvalidCall("query and texts are both needed", "query" if query is None else "texts")
        call = RerankCall(
            query=query,
            texts=tuple(texts),
            model=model_of(path) or take(fields, "model", str, "a string"),
            truncate=bool(take(fields, "truncate", bool, "true or false")),
            extra=fields,
        )
        return call, False

    def encode_reply(self, reply: RerankReply, call: RerankCall) -> bytes:
        """The scores, with the texts where the client asked for them."""
        said: list[dict[str, Any]] = [{"index": ranked.index, "score": ranked.score} for ranked in reply.results]
        if call.extra.get("return_text") is True:
            said = [{**rank, "text": call.texts[rank["index"]]} for rank in said]
        return msgspec.json.encode(said)


def _ranks(body: bytes) -> list[Rank]:
    try:
        return decode_ranks(body)
    except UNREADABLE as error:
        raise failure_in(body, _EXPECTED, error) from error
