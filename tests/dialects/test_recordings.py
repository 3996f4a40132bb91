"""What real providers have sent (see `recordings/README.md` beside the repository) is understood, every one of them.

The recordings are read where they are; without them these tests are skipped.
"""

from __future__ import annotations

import gzip
import json
import logging
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tramite import errors as er
from tramite.assembly import Assembler
from tramite.calls import ChatCall
from tramite.dialects import registry
from tramite.dialects.base import Operation
from tramite.messages import user
from tramite.replies import Reply
from tramite.wire.frames import Frame
from tramite.wire.sse import SSEDecoder

_log = logging.getLogger(__name__)  # counts: pytest --log-cli-level=INFO
RECORDINGS = Path(__file__).resolve().parents[3] / "shared/recordings/replies.jsonl.gz"
pytestmark = pytest.mark.skipif(not RECORDINGS.exists(), reason="the recordings are not here")

SUFFIXES = {"chat/completions": "chat", "/completions": "completion", "/embeddings": "embedding", "/models": "models"}

FAILED_STREAMS: dict[str, tuple[type[Exception], str]] = {
    "pydantic-ai-d8c79fc6b0": (er.RequestRejected, "Groq: event error after text: the model called no tool"),
    "pydantic-ai-f785fba4ba": (er.RequestRejected, "Groq: event error after thinking: the tool call was not valid"),
    "pydantic-ai-e4954647ab": (er.RequestRejected, "OpenRouter: an error beside choices, after the finish"),
}
"""Streams that the provider broke off: they must not count as finished."""

ERRORS: dict[tuple[int, str | None], type[Exception]] = {
    (400, None): er.RequestRejected,
    (400, "invalid_value"): er.RequestRejected,
    (400, "unsupported_value"): er.RequestRejected,
    (400, "tool_use_failed"): er.RequestRejected,
    (401, None): er.AuthenticationFailed,
    (401, "401"): er.AuthenticationFailed,
    (401, "invalid_api_key"): er.AuthenticationFailed,
    (401, "invalid_request_error"): er.AuthenticationFailed,
    (404, "model_not_found"): er.ModelNotFound,
    (422, None): er.RequestRejected,
    (429, None): er.Throttled,
    (429, "429"): er.Throttled,
    (429, "RateLimitReached"): er.Throttled,
    (500, None): er.Overloaded,
}
"""Status and code, to the class. Below, those whose message says more."""

BY_MESSAGE: dict[str, type[Exception]] = {
    "ruby_llm-53ae56d538": er.ContextTooLong,
    "ruby_llm-a07afdca43": er.ContextTooLong,
    "ruby_llm-c841b59a8f": er.ContextTooLong,
    "ruby_llm-e0be7f71bf": er.ContextTooLong,
    "pydantic-ai-55899bebff": er.ModelNotFound,
}


def _exchanges() -> Iterator[tuple[dict[str, Any], Operation]]:
    """The exchanges that are of the OpenAI dialect, whoever answered."""
    with gzip.open(RECORDINGS, "rt", encoding="utf-8") as lines:
        for line in lines:
            exchange = json.loads(line)
            for suffix, kind in SUFFIXES.items():
                if exchange["endpoint"].endswith(suffix):
                    yield exchange, registry.get("openai").operations[kind]  # type: ignore[index]  # a Kind
                    break


@pytest.fixture(scope="module")
def exchanges() -> list[tuple[dict[str, Any], Operation]]:
    return list(_exchanges())


def test_every_whole_reply_is_decoded(exchanges: list[tuple[dict[str, Any], Operation]]) -> None:
    done: Counter[str] = Counter()
    for exchange, operation in exchanges:
        if exchange["stream"] or exchange["response"]["status"] != 200:
            continue
        body = exchange["response"]["body_text"].encode()
        reply, signals = operation.decode(body), operation.judge(body)
        assert signals.proof, exchange["id"]
        assert signals.error is None, exchange["id"]
        assert signals.usage == (reply.usage if reply.usage.total_tokens is not None else None), exchange["id"]
        if isinstance(reply, Reply):
            assert signals.finish == reply.finish, exchange["id"]
            assert _said(reply, json.loads(body)), exchange["id"]
        done[operation.kind] += 1
    _log.info("whole replies decoded: %s", dict(done))
    assert done.total() >= 400


def _said(reply: Reply, whole: dict[str, Any]) -> bool:
    """Text and tool calls are what a plain walk through the JSON finds."""
    for choice, sent in zip(reply.choices, whole["choices"], strict=True):
        message = sent["message"]
        names = [call["function"]["name"] for call in message.get("tool_calls") or ()]
        legacy = (message.get("function_call") or {}).get("name")
        text = _text_in(message.get("content"))
        if choice.message.text != text or [call.name for call in choice.message.tool_calls] != (
            names or ([legacy] if legacy else [])
        ):
            return False
    return True


def _text_in(content: object) -> str:
    """A string, nothing, or a list of which only the parts of type text are text."""
    if isinstance(content, list):
        return "".join(part["text"] for part in content if part["type"] == "text")
    return content if isinstance(content, str) else ""


def test_every_stream_reaches_its_proof_and_says_what_was_sent(
    exchanges: list[tuple[dict[str, Any], Operation]],
) -> None:
    proven, failed = 0, 0
    for exchange, operation in exchanges:
        if not exchange["stream"] or exchange["response"]["status"] != 200:
            continue
        id = exchange["id"]
        frames = _frames(exchange["response"]["body_text"].encode())
        watcher = operation.watcher(1)
        for frame in frames:
            watcher.note(frame)
        watcher.close()
        assembler = Assembler()
        assembler.feed(operation.reader(ChatCall(messages=(user("?"),))).read(frames))
        assert assembler.text == _walk(frames), id
        if id in FAILED_STREAMS:
            failed += 1
            assert type(watcher.error) is FAILED_STREAMS[id][0], id
            assert not watcher.proof, id
            continue
        proven += 1
        assert (watcher.proof, watcher.error) == (True, None), id
        assert watcher.usage in (None, assembler.reply().usage), id
        assert watcher.finish == assembler.reply().finish, id
    _log.info("streams proven: %d, broken off by the provider: %d", proven, failed)
    assert failed == len(FAILED_STREAMS)
    assert proven >= 140


def _frames(body: bytes) -> list[Frame]:
    decoder = SSEDecoder()
    return [*decoder.feed(body), *decoder.flush()]


def _walk(frames: list[Frame]) -> str:
    """The text, as the plainest possible reader of the JSON would see it."""
    text = ""
    for frame in frames:
        if frame.data.strip() == b"[DONE]":
            continue
        chunk = json.loads(frame.data)
        for choice in () if "error" in chunk else chunk.get("choices", ()):
            text += _text_in((choice.get("delta") or {}).get("content"))
    return text


def test_a_stream_cut_before_its_proof_is_not_proven(
    exchanges: list[tuple[dict[str, Any], Operation]],
) -> None:
    for exchange, operation in exchanges:
        if not exchange["stream"] or exchange["response"]["status"] != 200:
            continue
        frames = _frames(exchange["response"]["body_text"].encode())
        proven_at = _proven_at(operation, frames)
        for cut in {0, 1, proven_at // 2, proven_at - 1} & set(range(proven_at)):
            assert _proven_at(operation, frames[:cut]) == cut, (exchange["id"], cut)


def _proven_at(operation: Operation, frames: list[Frame]) -> int:
    """After how many frames the proof was complete; all of them where it never was."""
    watcher = operation.watcher(1)
    for count, frame in enumerate(frames, 1):
        watcher.note(frame)
        if watcher.proof:
            return count
    watcher.close()
    return -1 if watcher.proof else len(frames)


def test_every_error_has_its_class(exchanges: list[tuple[dict[str, Any], Operation]]) -> None:
    done: Counter[str] = Counter()
    for exchange, _ in exchanges:
        response = exchange["response"]
        if response["status"] == 200:
            continue
        headers = {name.lower(): value for name, value in response["headers"].items()}
        error = registry.get("openai").decode_error(response["status"], headers, response["body_text"].encode())
        expected = BY_MESSAGE.get(exchange["id"]) or ERRORS[response["status"], error.code]
        assert type(error) is expected, (exchange["id"], error)
        assert error.message, exchange["id"]
        if "retry-after" in headers:
            assert error.retry_after_s == float(headers["retry-after"]), exchange["id"]
        done[type(error).__name__] += 1
    _log.info("errors classified: %s", dict(done))
    assert done.total() >= 40
