"""What Hugging Face's servers have sent (see `recordings/README.md` beside the repository) is understood.

The recordings are read where they are; without them these tests are skipped. Each exchange belongs to one task; those
that have no word here (labels, pictures, translations) are out of scope, and counted.
"""

from __future__ import annotations

import gzip
import json
import logging
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tramite import errors as er
from tramite.assembly import Assembler
from tramite.calls import ChatCall, CompletionCall, EmbeddingCall
from tramite.dialects.huggingface import HUGGINGFACE
from tramite.messages import user
from tramite.replies import Reply
from tramite.wire.frames import Frame
from tramite.wire.sse import SSEDecoder

_log = logging.getLogger(__name__)  # counts: pytest --log-cli-level=INFO
RECORDINGS = Path(__file__).resolve().parents[4] / "shared/recordings/replies.jsonl.gz"
pytestmark = pytest.mark.skipif(not RECORDINGS.exists(), reason="the recordings are not here")

CHAT = ChatCall(messages=(user("?"),))
SHAPES = {
    "summary_text": "summarization",
    "translation_text": "translation",
    "labels": "zero-shot classification",
    "label": "text classification",
    "entity_group": "named entities",
    "token_str": "fill-mask",
    "aggregator": "table question answering",
    "answer": "question answering",
    "conversation": "conversational (before chats)",
    "generated_text": "text-generation",
}
"""A field that a task's answer has, and no task before it in this list."""
FINISHES = {"length": "length", "eos_token": "stop", "stop_sequence": "stop"}
OURS = {"chat", "text-generation", "feature-extraction"}

ERRORS: dict[int, type[er.ProviderError]] = {
    400: er.RequestRejected,
    401: er.AuthenticationFailed,
    404: er.ModelNotFound,
    429: er.Throttled,
    500: er.Overloaded,
    503: er.ModelLoading,
}
"""By status; a 422 is a rejected request, or a context that is too long."""

Exchange = dict[str, Any]


@pytest.fixture(scope="module")
def exchanges() -> list[Exchange]:
    with gzip.open(RECORDINGS, "rt", encoding="utf-8") as lines:
        return [found for found in map(json.loads, lines) if found["provider"] == "huggingface"]


def task_of(exchange: Exchange) -> str:
    """By the path, else by what was answered."""
    endpoint, body = exchange["endpoint"], exchange["response"]["body_text"]
    if endpoint.endswith("chat/completions"):
        return "chat"
    if "/pipeline/" in endpoint:
        return str(endpoint.partition("/pipeline/")[2].partition("/")[0])
    if exchange["stream"]:
        return "text-generation"
    payload = json.loads(body)
    while isinstance(payload, list):
        payload = payload[0]
    if isinstance(payload, float):
        return (
            "feature-extraction" if "source_sentence" not in json.dumps(exchange["request"]) else "sentence-similarity"
        )
    return next(task for field, task in SHAPES.items() if field in payload)


def body_of(exchange: Exchange) -> bytes:
    return str(exchange["response"]["body_text"]).encode()


def frames_of(exchange: Exchange) -> list[Frame]:
    decoder = SSEDecoder()
    return [*decoder.feed(body_of(exchange)), *decoder.flush()]


def fields_of(exchange: Exchange) -> dict[str, Any]:
    """What was asked, where the recording has it."""
    body = exchange["request"]["body"]
    body = json.loads(body) if isinstance(body, str) and body.startswith("{") else body
    return body if isinstance(body, dict) else {}


def succeeded(exchanges: list[Exchange], stream: bool) -> list[Exchange]:
    return [found for found in exchanges if found["response"]["status"] == 200 and found["stream"] is stream]


def test_every_whole_reply_of_our_tasks_is_decoded(exchanges: list[Exchange]) -> None:
    done: Counter[str] = Counter()
    for exchange in succeeded(exchanges, stream=False):
        task, body = task_of(exchange), body_of(exchange)
        done[task if task in OURS else f"out of scope: {task}"] += 1
        if task == "chat":
            reply = HUGGINGFACE.operations["chat"].decode(body)
            assert HUGGINGFACE.operations["chat"].judge(body).proof, exchange["id"]
            assert isinstance(reply, Reply)
        elif task == "text-generation":
            _check_generation(exchange)
        elif task == "feature-extraction":
            _check_vectors(exchange)
    _log.info("whole replies: %s", dict(done.most_common()))
    assert done["chat"] >= 67
    assert done["text-generation"] >= 40
    assert done["feature-extraction"] >= 8


def _check_generation(exchange: Exchange) -> None:
    operation, body = HUGGINGFACE.operations["completion"], body_of(exchange)
    sent = json.loads(body)[0]
    details = sent.get("details") or {}
    reply, signals = operation.decode(body), operation.judge(body)
    assert (signals.proof, signals.error, signals.finish) == (True, None, reply.finish), exchange["id"]
    assert reply.text == sent["generated_text"], exchange["id"]
    assert len(reply.choices) == 1 + len(details.get("best_of_sequences") or ()), exchange["id"]
    if details:
        assert (
            reply.finish == {"length": "length", "eos_token": "stop", "stop_sequence": "stop"}[details["finish_reason"]]
        )
        assert reply.usage.output_tokens is not None
    prompt = fields_of(exchange).get("inputs")
    if isinstance(prompt, str):  # some repeat it, whatever they were asked
        again = operation.decode_for(body, CompletionCall(prompt=prompt))  # type: ignore[attr-defined]  # it has one
        assert not again.text.startswith(prompt), exchange["id"]
        assert sent["generated_text"].endswith(again.text), exchange["id"]


def _check_vectors(exchange: Exchange) -> None:
    operation, body = HUGGINGFACE.operations["embedding"], body_of(exchange)
    inputs = fields_of(exchange).get("inputs", "?")
    call = EmbeddingCall(inputs=(inputs,) if isinstance(inputs, str) else tuple(inputs), extra={"pooling": "mean"})
    reply = operation.decode_for(body, call)  # type: ignore[attr-defined]  # it has one
    assert operation.judge(body).proof, exchange["id"]
    assert len(reply.vectors) == len(call.inputs), exchange["id"]
    assert len(set(map(len, reply.vectors))) == 1, exchange["id"]


def test_every_stream_reaches_its_proof_and_says_what_was_sent(exchanges: list[Exchange]) -> None:
    done: Counter[str] = Counter()
    for exchange in succeeded(exchanges, stream=True):
        task = task_of(exchange)
        operation = HUGGINGFACE.operations["chat" if task == "chat" else "completion"]
        frames = frames_of(exchange)
        watcher = operation.watcher(1)
        assembler = Assembler()
        prompt = fields_of(exchange).get("inputs", "")
        assembler.feed(operation.reader(CHAT if task == "chat" else CompletionCall(prompt=prompt)).read(frames))
        for position, frame in enumerate(frames):
            assert task == "chat" or not watcher.proof, (exchange["id"], position)
            watcher.note(frame)
        watcher.close()
        assert (watcher.proof, watcher.error) == (True, None), exchange["id"]
        assert watcher.finish == assembler.reply().finish, exchange["id"]
        if task != "chat":
            assert assembler.text == "".join(json.loads(frame.data)["token"]["text"] for frame in frames), exchange[
                "id"
            ]
        done[task] += 1
    _log.info("streams proven: %s", dict(done))
    assert done["chat"] >= 30
    assert done["text-generation"] >= 20


def test_every_error_has_its_class_and_its_message(exchanges: list[Exchange]) -> None:
    done: Counter[str] = Counter()
    for exchange in exchanges:
        response = exchange["response"]
        status, body = response["status"], body_of(exchange)
        if status == 200:
            continue
        headers = {name.lower(): value for name, value in response["headers"].items()}
        error = HUGGINGFACE.decode_error(status, headers, body)
        too_long = b"tokens` + `max_new_tokens` must be" in body or b"`inputs` tokens + " in body
        expected = ERRORS.get(status) or (er.ContextTooLong if too_long else er.RequestRejected)
        assert type(error) is expected, (exchange["id"], error)
        assert error.status == status
        if status == 503:
            assert error.retry_after_s == json.loads(body)["estimated_time"], exchange["id"]
        done[f"{status} {type(error).__name__}"] += 1
    _log.info("errors classified: %s", dict(done))
    assert done.total() >= 45


def test_a_generation_cut_before_its_last_frame_is_not_proven(exchanges: list[Exchange]) -> None:
    for exchange in succeeded(exchanges, stream=True):
        if task_of(exchange) == "chat":
            continue
        watcher = HUGGINGFACE.operations["completion"].watcher(1)
        for frame in frames_of(exchange)[:-1]:
            watcher.note(frame)
        watcher.close()
        assert not watcher.proof, exchange["id"]
