"""Vectors out of numbers in any nesting, and texts in an order."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tramite import errors as er
from tramite.calls import EmbeddingCall, RerankCall
from tramite.dialects.base import Serves, Target, Traits, decode_for
from tramite.dialects.huggingface import HUGGINGFACE
from tramite.replies import EmbeddingReply, Ranked, RerankReply

EMBEDDINGS, RERANKING = HUGGINGFACE.operations["embedding"], HUGGINGFACE.operations["rerank"]
A, B, C = [1.0, 2.0], [3.0, 4.0], [5.0, 9.0]
MEAN = {"pooling": "mean"}


def sent(serves: Serves = "containers", **settings: Any) -> tuple[str, dict[str, Any], tuple[str, ...]]:
    call = EmbeddingCall(**{"inputs": ("uno", "due"), **settings})
    encoded = EMBEDDINGS.encode(call, Target("mine", "org/model", Traits(serves=serves)), False)
    return encoded.path, json.loads(encoded.body), encoded.notices


def vectors(payload: Any, texts: int, **settings: Any) -> list[list[float]]:
    call = EmbeddingCall(inputs=("x",) * texts, **settings)
    reply: EmbeddingReply = decode_for(EMBEDDINGS, json.dumps(payload).encode(), call)
    return reply.vectors


@pytest.mark.parametrize(
    ("serves", "path"),
    [
        ("containers", "/embed"),
        ("tei", "/embed"),
        ("router", "/hf-inference/models/org/model/pipeline/feature-extraction"),
        ("task", ""),
    ],
)
def test_settings_stand_at_the_root_of_the_body(serves: Serves, path: str) -> None:
    extra = {"normalize": True, "prompt_name": "query", "truncation_direction": "left"}
    found, body, notices = sent(serves, dimensions=64, extra=extra)
    assert found == path
    assert body == {"inputs": ["uno", "due"], "dimensions": 64, **extra}
    assert notices == ()


def test_truncating_is_the_servers_work_and_named() -> None:
    _, body, notices = sent(truncate=True)
    assert body["truncate"] is True
    assert "cut by the server" in notices[0]


def test_pooling_is_for_us_alone() -> None:
    assert "pooling" not in sent(extra=MEAN)[1]
    with pytest.raises(er.Unsupported, match="pooling must be 'mean'"):
        sent(extra={"pooling": "max"})
    with pytest.raises(er.InvalidCall, match="dimensions"):
        sent(extra={"dimensions": 3})


@pytest.mark.parametrize(
    ("payload", "texts", "expected"),
    [
        (A, 1, [A]),
        ([A], 1, [A]),
        ([A, B], 2, [A, B]),
        ([[A]], 1, [A]),
        ([[A], [B]], 2, [A, B]),
        ([[A, B]], 2, [A, B]),
        ([[[A]], [[B]]], 2, [A, B]),
        ({"embeddings": [A, B]}, 2, [A, B]),
        ([[1, 2]], 1, [[1.0, 2.0]]),
    ],
)
def test_a_vector_for_each_text_is_found_however_deep_it_is(payload: Any, texts: int, expected: Any) -> None:
    found = vectors(payload, texts)
    assert found == expected
    assert all(isinstance(number, float) for vector in found for number in vector)


@pytest.mark.parametrize(
    ("payload", "texts", "expected"),
    [
        ([[A, C]], 1, [[3.0, 5.5]]),  # one text, its tokens
        ([A, C], 1, [[3.0, 5.5]]),  # the same without the batch around it
        ([[A, C], [B]], 2, [[3.0, 5.5], B]),
        ([[[A, C]], [[B, B, B]]], 2, [[3.0, 5.5], B]),
    ],
)
def test_vectors_of_tokens_are_pooled_only_when_asked(payload: Any, texts: int, expected: Any) -> None:
    assert vectors(payload, texts, extra=MEAN) == expected
    with pytest.raises(er.BadReply, match=r'a vector for each token .* extra=\{"pooling": "mean"\}') as caught:
        vectors(payload, texts)
    assert not caught.value.retryable
    assert EMBEDDINGS.judge(json.dumps(payload).encode()).proof  # the server has done its part


@pytest.mark.parametrize(
    ("payload", "texts"),
    [
        ([A], 2),
        ([A, B], 3),
        ([[A, B], [C]], 3),
        ([[]], 1),
        ([[[]]], 1),
        ([[[[[1.0]]]]], 1),
        ([[A, [1.0]]], 1),
        ([A, ["x", "y"]], 2),
    ],
)
def test_too_few_vectors_or_none_are_a_bad_reply(payload: Any, texts: int) -> None:
    with pytest.raises(er.BadReply):
        vectors(payload, texts, extra=MEAN)


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'["x"]', b"[[1.0]", b"[null]", b'{"embeddings":[]', b"[{}]"])
def test_what_is_no_list_of_numbers_is_a_bad_reply(body: bytes) -> None:
    with pytest.raises(er.BadReply):
        EMBEDDINGS.decode(body)
    assert isinstance(EMBEDDINGS.judge(body).error, er.BadReply)


def test_an_error_inside_of_a_success_is_that_error() -> None:
    body = b'{"error":"Model is overloaded","error_type":"overloaded"}'
    for operation in (EMBEDDINGS, RERANKING):
        with pytest.raises(er.Overloaded):
            operation.decode(body)
        assert isinstance(operation.judge(body).error, er.Overloaded)


def test_a_server_takes_one_text_or_several() -> None:
    call, stream = EMBEDDINGS.decode_call(b'{"inputs":"uno","truncate":true}', "/embed")
    assert (call, stream) == (EmbeddingCall(inputs=("uno",), truncate=True), False)
    for body in (b"{}", b'{"inputs":[1]}', b'{"inputs":[]}'):
        with pytest.raises(er.InvalidCall, match="inputs"):
            EMBEDDINGS.decode_call(body, "/embed")


def test_scores_come_in_any_order_and_leave_in_one() -> None:
    call = RerankCall(query="q", texts=("a", "b", "c"), top_n=2)
    encoded = RERANKING.encode(call, Target("mine", "tei"), False)
    assert (encoded.path, json.loads(encoded.body)) == ("/rerank", {"query": "q", "texts": ["a", "b", "c"]})
    body = b'[{"index":0,"score":0.1},{"index":2,"score":0.9,"text":"c"},{"index":1,"score":0.5}]'
    reply: RerankReply = decode_for(RERANKING, body, call)
    assert reply.results == (Ranked(2, 0.9), Ranked(1, 0.5))
    assert len(RERANKING.decode(body)) == 3


@pytest.mark.parametrize("body", [b"[]", b'[{"index":0,"score":1}]', b'[{"index":0,"score":1},{"index":7,"score":2}]'])
def test_scores_for_other_texts_are_a_bad_reply(body: bytes) -> None:
    with pytest.raises(er.BadReply):
        decode_for(RERANKING, body, RerankCall(query="q", texts=("a", "b")))


def test_a_server_gives_the_texts_back_to_who_asks() -> None:
    body = b'{"query":"q","texts":["a","b"],"return_text":true}'
    call, _ = RERANKING.decode_call(body, "/rerank")
    said = RERANKING.encode_reply(RerankReply(results=(Ranked(1, 0.5), Ranked(0, 0.1))), call)
    assert json.loads(said) == [{"index": 1, "score": 0.5, "text": "b"}, {"index": 0, "score": 0.1, "text": "a"}]
    for wrong in (b'{"texts":["a"]}', b'{"query":"q"}', b'{"query":"q","texts":[1]}'):
        with pytest.raises(er.InvalidCall):
            RERANKING.decode_call(wrong, "/rerank")


def test_the_router_orders_no_texts() -> None:
    with pytest.raises(er.Unsupported, match="router does not order texts"):
        RERANKING.encode(RerankCall(query="q", texts=("a",)), Target("hf", "m", Traits(serves="router")), False)


@pytest.mark.parametrize("operation", [EMBEDDINGS, RERANKING, HUGGINGFACE.operations["models"]])
def test_vectors_orders_and_lists_are_not_streamed(operation: Any) -> None:
    call = EmbeddingCall(inputs=("x",))
    for act in (
        lambda: operation.encode(call, Target("mine", "m"), True),
        lambda: operation.watcher(1),
        lambda: operation.reader(call),
        lambda: operation.writer(call),
    ):
        with pytest.raises(er.Unsupported, match="does not stream"):
            act()
