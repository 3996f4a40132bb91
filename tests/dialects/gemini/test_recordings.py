"""What Gemini and Vertex have sent (see `recordings/README.md` beside the repository) is understood, every one of them.

The recordings are read where they are; without them these tests are skipped.
"""

from __future__ import annotations

import gzip
import json
import logging
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tramite import errors as er
from tramite.assembly import Assembler
from tramite.calls import ChatCall, Kind
from tramite.dialects.base import Operation
from tramite.dialects.gemini import GEMINI
from tramite.messages import user
from tramite.replies import EmbeddingReply, Reply
from tramite.wire.frames import Frame
from tramite.wire.sse import SSEDecoder

_log = logging.getLogger(__name__)  # counts: pytest --log-cli-level=INFO
RECORDINGS = Path(__file__).resolve().parents[4] / "shared/recordings/replies.jsonl.gz"
pytestmark = pytest.mark.skipif(not RECORDINGS.exists(), reason="the recordings are not here")

KINDS: dict[str, Kind] = {
    "generateContent": "chat",
    "streamGenerateContent": "chat",
    "batchEmbedContents": "embedding",
    "embedContent": "embedding",
}

NO_ANSWERS: dict[str, tuple[type[er.ProviderError], str]] = {
    "pydantic-ai-bdef2aae68": (er.ContentFiltered, "promptFeedback.blockReason and no candidates"),
    "pydantic-ai-c86eea8aab": (er.BadReply, "UNEXPECTED_TOOL_CALL: it called a function that was not declared"),
}
"""Successes in HTTP that are none."""

ERRORS: dict[str, type[er.ProviderError]] = {
    "ace-5689022437": er.AuthenticationFailed,
    "ace-621e4d1ba0": er.AuthenticationFailed,
    "langchaingo-72a8c03bf5": er.AuthenticationFailed,
    "pydantic-ai-00cae071c4": er.RequestRejected,
    "pydantic-ai-1f5932a3a3": er.ModelNotFound,
    "pydantic-ai-229d2c26f5": er.RequestRejected,
    "pydantic-ai-615f174c99": er.RequestRejected,
    "pydantic-ai-e2b272bc5d": er.ModelNotFound,
    "ruby_llm-ae3b114de0": er.ContextTooLong,
    "ruby_llm-c2d180d3d0": er.Throttled,
    "ruby_llm-c92c92b931": er.AuthenticationFailed,
}

OTHER_DIALECTS = {
    "/chat/completions": 2,  # Gemini's OpenAI face
    ":predict": 1,  # Vertex's older embeddings, of a shape of their own (ruby_llm-2c7446a3e9)
}
"""Exchanges with Google that are not of this dialect, by their addresses' ends."""

NOT_OURS = {
    "inlineData.data is not valid base64": "the recorder has cut the data out",
    "must be an image's": "we have no word for video, documents and sound by address",
    "must start with http": "gs:// is no address that we can name",
    "is empty": "a user who says nothing is refused before it is sent",
    "ask for them with ?alt=sse": "streams as a JSON array are read, not served",
    "must be made of text": "we embed text alone",
}
"""Requests that our server's side refuses, by its words, and why."""


@pytest.fixture(scope="module")
def exchanges() -> list[tuple[dict[str, Any], Operation]]:
    found, others = [], Counter[str]()
    with gzip.open(RECORDINGS, "rt", encoding="utf-8") as lines:
        for line in lines:
            exchange = json.loads(line)
            if exchange["provider"] not in ("gemini", "vertex"):
                continue
            path = _path(exchange).partition("?")[0]
            kind = KINDS.get(path.rpartition(":")[2])
            if kind is not None:
                found.append((exchange, GEMINI.operations[kind]))
            else:
                others[next((end for end in OTHER_DIALECTS if path.endswith(end)), path)] += 1
    assert others == OTHER_DIALECTS
    return found


def _path(exchange: dict[str, Any]) -> str:
    return "/" + exchange["url"].partition("://")[2].partition("/")[2]


def _body(exchange: dict[str, Any]) -> bytes:
    body: str = exchange["response"]["body_text"]
    return body.encode()


def _is_stream(exchange: dict[str, Any]) -> bool:
    return "streamGenerateContent" in exchange["url"]


def test_every_whole_reply_is_decoded(exchanges: list[tuple[dict[str, Any], Operation]]) -> None:
    done: Counter[str] = Counter()
    for exchange, operation in exchanges:
        if _is_stream(exchange) or exchange["response"]["status"] != 200:
            continue
        body, id = _body(exchange), exchange["id"]
        signals = operation.judge(body)
        if id in NO_ANSWERS:
            assert type(signals.error) is NO_ANSWERS[id][0], id
            done["no answers"] += 1
            continue
        assert (signals.proof, signals.error) == (True, None), id
        reply = operation.decode(body)
        assert signals.usage == (reply.usage if reply.usage.total_tokens is not None else None), id
        if isinstance(reply, Reply):
            _check(reply, json.loads(body), id)
            assert signals.finish == reply.finish, id
        else:
            assert isinstance(reply, EmbeddingReply)
            assert all(reply.vectors), id
        done[operation.kind] += 1
    _log.info("whole replies: %s", dict(done))
    assert done["no answers"] == len(NO_ANSWERS)
    assert done["chat"] >= 150
    assert done["embedding"] >= 20


def _check(reply: Reply, whole: dict[str, Any], id: str) -> None:
    """Text, thoughts, calls and counts are what a plain walk through the JSON finds."""
    for choice, sent in zip(reply.choices, whole["candidates"], strict=True):
        parts = sent.get("content", {}).get("parts", [])
        _check_parts(choice.message, parts, id)
    counts = whole["usageMetadata"]
    assert reply.usage.total_tokens == counts["totalTokenCount"], id
    assert reply.model == whole["modelVersion"], id


def _check_parts(message: Any, parts: list[dict[str, Any]], id: str) -> None:
    assert message.text == "".join(part.get("text", "") for part in parts if not part.get("thought")), id
    thoughts = "".join(part.text for part in message.parts if type(part).__name__ == "Reasoning")
    assert thoughts == "".join(part["text"] for part in parts if part.get("thought")), id
    sent = [part["functionCall"] for part in parts if "functionCall" in part]
    assert [(call.name, call.arguments) for call in message.tool_calls] == [(s["name"], s["args"]) for s in sent], id
    state = "".join(part.json for part in message.parts if type(part).__name__ == "Opaque")
    for part in parts:
        assert part.get("thoughtSignature", "") in state, id


def test_every_stream_reaches_its_proof(exchanges: list[tuple[dict[str, Any], Operation]]) -> None:
    done: Counter[str] = Counter()
    for exchange, operation in exchanges:
        if not _is_stream(exchange):
            continue
        frames, id = _frames(_body(exchange)), exchange["id"]
        watcher = operation.watcher(1)
        for position, frame in enumerate(frames):
            assert not watcher.proof or b'"finishReason"' not in frame.data, (id, position)
            watcher.note(frame)
        watcher.close()
        assert (watcher.proof, watcher.error) == (True, None), id
        assembler = Assembler()
        assembler.feed(operation.reader(ChatCall(messages=(user("?"),))).read(frames))
        reply = assembler.reply()
        assert (watcher.finish, watcher.usage) == (reply.finish, reply.usage), id
        sent = [json.loads(frame.data) for frame in frames]
        parts = [part for piece in sent for part in piece["candidates"][0].get("content", {}).get("parts", [])]
        _check_parts(reply.message, parts, id)
        assert reply.usage.total_tokens == sent[-1]["usageMetadata"]["totalTokenCount"], id
        done["server-sent events" if exchange["response"]["body_text"].startswith("data:") else "JSON arrays"] += 1
    _log.info("streams proven: %s", dict(done))
    assert done == {"server-sent events": 41, "JSON arrays": 4}


def _frames(body: bytes) -> list[Frame]:
    """Streams asked for without `alt=sse` came as one JSON array, which our client never asks for."""
    if body.startswith(b"["):
        return [Frame(bytes(piece)) for piece in msgspec.json.decode(body, type=list[msgspec.Raw])]
    decoder = SSEDecoder()
    return [*decoder.feed(body), *decoder.flush()]


def test_a_stream_cut_before_its_finish_is_not_proven(exchanges: list[tuple[dict[str, Any], Operation]]) -> None:
    for exchange, operation in exchanges:
        if not _is_stream(exchange):
            continue
        frames = _frames(_body(exchange))
        first = next(at for at, frame in enumerate(frames) if b'"finishReason"' in frame.data)
        for cut in range(first + 1):
            watcher = operation.watcher(1)
            for frame in frames[:cut]:
                watcher.note(frame)
            watcher.close()
            assert not watcher.proof, (exchange["id"], cut)


def test_every_error_has_its_class(exchanges: list[tuple[dict[str, Any], Operation]]) -> None:
    found = {}
    for exchange, _ in exchanges:
        response = exchange["response"]
        if response["status"] != 200:
            headers = {name.lower(): value for name, value in response["headers"].items()}
            error = GEMINI.decode_error(response["status"], headers, _body(exchange))
            assert error.message, exchange["id"]
            found[exchange["id"]] = error
    _log.info("errors classified: %s", dict(Counter(type(error).__name__ for error in found.values())))
    assert {id: type(error) for id, error in found.items()} == ERRORS
    assert found["ruby_llm-c2d180d3d0"].retry_after_s == 48


def test_what_others_have_sent_to_google_is_understood(exchanges: list[tuple[dict[str, Any], Operation]]) -> None:
    done: Counter[str] = Counter()
    for exchange, operation in exchanges:
        sent = exchange["request"]["body"]
        if not isinstance(sent, dict):
            continue
        try:
            operation.decode_call(json.dumps(sent).encode(), _path(exchange))
            done["understood"] += 1
        except er.InvalidCall as error:
            said = f"{exchange['id']}: {error}"
            done[next((why for words, why in NOT_OURS.items() if words in said), said)] += 1
    _log.info("requests: %s", dict(done))
    assert set(done) == {"understood", *NOT_OURS.values()}
    assert done["understood"] >= 220
