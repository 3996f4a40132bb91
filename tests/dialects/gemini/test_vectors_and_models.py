"""Gemini's vectors and its list of models, to and fro."""

from __future__ import annotations

import json

import pytest

from tramite import errors as er
from tramite.calls import EmbeddingCall, ModelsCall
from tramite.dialects.base import Target
from tramite.dialects.gemini import GEMINI
from tramite.replies import EmbeddingReply, ModelInfo, ModelsReply, Usage

OLD = Target("gemini", "gemini-2.5-flash")


def test_embeddings_are_a_batch() -> None:
    call = EmbeddingCall(inputs=("a", "b"), dimensions=8, extra={"taskType": "RETRIEVAL_QUERY"})
    sent = GEMINI.operations["embedding"].encode(call, Target("gemini", "gemini-embedding-2"), False)
    assert sent.path == "/models/gemini-embedding-2:batchEmbedContents"
    assert json.loads(sent.body) == {
        "requests": [
            {
                "model": "models/gemini-embedding-2",
                "outputDimensionality": 8,
                "taskType": "RETRIEVAL_QUERY",
                "content": {"parts": [{"text": text}]},
            }
            for text in ("a", "b")
        ]
    }
    with pytest.raises(er.InvalidCall, match="outputDimensionality"):
        GEMINI.operations["embedding"].encode(
            EmbeddingCall(inputs=("a",), extra={"outputDimensionality": 8}), OLD, False
        )


def test_what_is_not_streamed_says_so() -> None:
    for kind, call in (("embedding", EmbeddingCall(inputs=("a",))), ("models", ModelsCall())):
        operation = GEMINI.operations[kind]  # type: ignore[index]  # a Kind
        for act in (
            lambda operation=operation, call=call: operation.encode(call, OLD, True),
            lambda operation=operation, call=call: operation.reader(call),
            lambda operation=operation: operation.watcher(1),
            lambda operation=operation, call=call: operation.writer(call),
        ):
            with pytest.raises(er.Unsupported, match="does not stream"):
                act()


def test_vectors_in_both_shapes() -> None:
    embedding = GEMINI.operations["embedding"]
    batch = b'{"embeddings": [{"values": [1, 0.5]}, {"values": [0, 2]}], "usageMetadata": {"promptTokenCount": 8}}'
    assert embedding.decode(batch) == EmbeddingReply(vectors=[[1.0, 0.5], [0.0, 2.0]], usage=Usage(input_tokens=8))
    assert embedding.judge(batch).usage == Usage(input_tokens=8)
    single = b'{"embedding": {"values": [1, 0.5]}}'
    assert embedding.decode(single) == EmbeddingReply(vectors=[[1.0, 0.5]])
    assert embedding.judge(single).proof
    for body in (b"{}", b"[]", b'{"embeddings": [{}]}'):
        with pytest.raises(er.BadReply):
            embedding.decode(body)


def test_models_by_their_short_names() -> None:
    listed = {
        "models": [
            {"name": "models/gemini-x", "inputTokenLimit": 1048576, "supportedGenerationMethods": ["generateContent"]},
            {"name": "models/embed-x", "supportedGenerationMethods": ["embedContent"]},
            {"name": "models/other", "supportedGenerationMethods": ["predict"]},
        ]
    }
    models = GEMINI.operations["models"]
    body = json.dumps(listed).encode()
    assert models.decode(body) == ModelsReply(
        models=(
            ModelInfo("gemini-x", context_tokens=1048576, type="llm"),
            ModelInfo("embed-x", type="embeddings"),
            ModelInfo("other"),
        )
    )
    assert models.decode(models.encode_reply(models.decode(body), None)) == models.decode(body)
    with pytest.raises(er.BadReply):
        models.decode(b"{}")
