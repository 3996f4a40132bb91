"""What real providers of the Responses API have sent (see `recordings/README.md` beside the repository) is understood.

The recordings are read where they are; without them these tests are skipped.
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
from tramite.calls import ChatCall
from tramite.dialects.base import Target
from tramite.dialects.responses import RESPONSES
from tramite.messages import Message, Opaque, user
from tramite.replies import Reply
from tramite.wire.frames import Frame
from tramite.wire.sse import SSEDecoder

_log = logging.getLogger(__name__)  # counts: pytest --log-cli-level=INFO
RECORDINGS = Path(__file__).resolve().parents[4] / "shared/recordings/replies.jsonl.gz"
pytestmark = pytest.mark.skipif(not RECORDINGS.exists(), reason="the recordings are not here")
CHAT = RESPONSES.operations["chat"]
CALL = ChatCall(messages=(user("?"),))
TARGET = Target("openai-responses", "gpt-5")

ERRORS: dict[tuple[int, str | None], type[Exception]] = {
    (400, None): er.RequestRejected,
    (400, "invalid_value"): er.RequestRejected,
    (400, "unsupported_file"): er.RequestRejected,
    (400, "decimal_below_min_value"): er.RequestRejected,
    (400, "invalid_request_error"): er.RequestRejected,
    (400, "model_not_found"): er.ModelNotFound,
    (400, "context_length_exceeded"): er.ContextTooLong,
    (400, "invalid-argument"): er.AuthenticationFailed,  # xAI, of a wrong key
    (401, "invalid_api_key"): er.AuthenticationFailed,
}
"""Status and code, to the class."""

REFUSED = {"conversation": 2, "background": 2, "temperature": 1, "input": 4}
"""Requests that our server's side refuses: the field at fault, and how many. What needs a store (4), a temperature
below 0 (which OpenAI refused too), and images whose bytes were cut out of the recording (4)."""

REORDERED = {"pydantic-ai-b06f4d2ffc": "a message between two calls, which DeepSeek refused; here text precedes calls"}


@pytest.fixture(scope="module")
def exchanges() -> list[dict[str, Any]]:
    """All that were made with `/responses`; `/responses/compact` is another operation."""
    found = []
    compacted = 0
    with gzip.open(RECORDINGS, "rt", encoding="utf-8") as lines:
        for line in lines:
            exchange = json.loads(line)
            compacted += exchange["endpoint"].endswith("/responses/compact")
            if exchange["endpoint"].endswith("/responses"):
                found.append(exchange)
    _log.info("exchanges: %d, and %d of /responses/compact, left aside", len(found), compacted)
    assert (len(found), compacted) == (148, 7)
    return found


def _walk(output: list[dict[str, Any]]) -> tuple[str, list[tuple[str, str]], list[str]]:
    """Text, tool calls and thoughts to be given back, as the plainest possible reader of the JSON would see them."""
    parts = [part for item in output if item["type"] == "message" for part in item["content"]]
    text = "".join(part["text"] for part in parts if part["type"] == "output_text")
    calls = [(item["call_id"], item["arguments"]) for item in output if item["type"] == "function_call"]
    kept = [item["id"] for item in output if item.get("encrypted_content") or item["type"].endswith("_search_call")]
    return text, calls, kept


def _seen(reply: Reply) -> tuple[str, list[tuple[str, str]], list[str]]:
    states = [part.json for part in reply.message.parts if isinstance(part, Opaque)]
    items = [state.get("item", state) for state in map(json.loads, states)]
    kept = [item["id"] for item in items if "id" in item]
    return reply.text, [(call.id, call.raw) for call in reply.tool_calls], kept


def test_every_whole_reply_is_decoded(exchanges: list[dict[str, Any]]) -> None:
    done: Counter[str] = Counter()
    for exchange in exchanges:
        if exchange["stream"] or exchange["response"]["status"] != 200:
            continue
        body = exchange["response"]["body_text"].encode()
        whole = json.loads(body)
        reply, signals = CHAT.decode(body), CHAT.judge(body)
        assert (signals.proof, signals.error, signals.finish) == (True, None, reply.finish), exchange["id"]
        assert signals.usage == reply.usage, exchange["id"]
        assert reply.usage.total_tokens == whole["usage"]["total_tokens"], exchange["id"]
        text, calls, kept = _walk(whole["output"])
        assert _seen(reply)[:2] == (text, calls), exchange["id"]
        assert set(kept) <= set(_seen(reply)[2]), exchange["id"]
        done[exchange["provider"]] += 1
    _log.info("whole replies decoded: %s", dict(done))
    assert done.total() == 81


def test_every_stream_reaches_its_proof_and_says_what_was_sent(exchanges: list[dict[str, Any]]) -> None:
    done: Counter[str] = Counter()
    for exchange in exchanges:
        if not exchange["stream"] or exchange["response"]["status"] != 200:
            continue
        id, frames = exchange["id"], _frames(exchange)
        watcher, assembler = CHAT.watcher(1), Assembler()
        for frame in frames:
            watcher.note(frame)
        assembler.feed(CHAT.reader(CALL).read(frames))
        reply = assembler.reply()
        assert (watcher.proof, watcher.ended, watcher.error, watcher.content) == (True, True, None, True), id
        assert (watcher.finish, watcher.usage) == (reply.finish, reply.usage), id
        last = _last(frames)
        text, calls, kept = _walk(last["output"])
        assert _seen(reply)[:2] == (text, calls), id
        assert set(kept) <= set(_seen(reply)[2]), id
        whole = CHAT.decode(json.dumps(last).encode())
        assert (whole.finish, whole.usage, whole.model) == (reply.finish, reply.usage, reply.model), id
        assert whole.reasoning == reply.reasoning, id
        assert _shape(_sent(reply.message)) == _shape(_sent(whole.message)), id
        done[exchange["provider"]] += 1
    _log.info("streams proven: %s", dict(done))
    assert done.total() == 54


def _frames(exchange: dict[str, Any]) -> list[Frame]:
    decoder = SSEDecoder()
    return [*decoder.feed(exchange["response"]["body_text"].encode()), *decoder.flush()]


def _last(frames: list[Frame]) -> dict[str, Any]:
    """The whole reply that the last frame holds."""
    payloads = [json.loads(frame.data) for frame in frames if frame.data.startswith(b"{")]
    return next(payload["response"] for payload in reversed(payloads) if payload["type"] == "response.completed")


def test_a_stream_cut_before_its_proof_is_not_proven(exchanges: list[dict[str, Any]]) -> None:
    for exchange in exchanges:
        if not exchange["stream"] or exchange["response"]["status"] != 200:
            continue
        frames = _frames(exchange)
        end = next(n for n, frame in enumerate(frames) if b'"response.completed"' in frame.data)
        for cut in {0, 1, end // 2, end}:
            watcher = CHAT.watcher(1)
            for frame in frames[:cut]:
                watcher.note(frame)
            watcher.close()
            assert not watcher.proof, (exchange["id"], cut)


def test_every_error_has_its_class(exchanges: list[dict[str, Any]]) -> None:
    done: Counter[str] = Counter()
    for exchange in exchanges:
        response = exchange["response"]
        if response["status"] == 200:
            continue
        headers = {name.lower(): value for name, value in response["headers"].items()}
        error = RESPONSES.decode_error(response["status"], headers, response["body_text"].encode())
        assert type(error) is ERRORS[response["status"], error.code], (exchange["id"], error)
        assert error.message, exchange["id"]
        done[type(error).__name__] += 1
    _log.info("errors classified: %s", dict(done))
    assert done.total() == 13


def test_answers_go_back_as_the_items_that_they_were(exchanges: list[dict[str, Any]]) -> None:
    """The next turn's input has the same items in the same order, but for what nobody needs back."""
    done = 0
    for exchange in exchanges:
        if exchange["stream"] or exchange["response"]["status"] != 200:
            continue
        body = exchange["response"]["body_text"].encode()
        sent = [_bare(item) for item in _sent(CHAT.decode(body).message)]
        assert sent == _needed(json.loads(body)["output"]), exchange["id"]
        done += 1
    _log.info("answers given back: %d", done)
    assert done == 81


def _sent(message: Message) -> list[dict[str, Any]]:
    """An earlier answer as the items of the next turn's input."""
    encoded = CHAT.encode(ChatCall(messages=(user("?"), message, user("?"))), TARGET, False)
    assert encoded.notices == ()
    items: list[dict[str, Any]] = json.loads(encoded.body)["input"][1:-1]
    return items


def _shape(items: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """Types, texts and calls: some servers name an item otherwise when they repeat it at the end."""
    return [(item.get("type", "message"), item.get("content"), item.get("call_id")) for item in items]


def _bare(item: dict[str, Any]) -> dict[str, Any]:
    """Messages and calls as far as they go back, encrypted thoughts without their ids; other items whole."""
    if item.get("type", "message") == "message":
        text = item["content"]
        if isinstance(text, list):
            text = "".join(part["text"] for part in text)
        return {"message": text, "phase": item.get("phase")}
    if item["type"] == "function_call":
        return {name: item.get(name) for name in ("call_id", "name", "arguments", "namespace")}
    return {name: value for name, value in item.items() if name != "id" or not item.get("encrypted_content")}


def _needed(output: list[dict[str, Any]]) -> list[dict[str, Any]]:
    needed: list[dict[str, Any]] = []
    for item in output:
        if item["type"] == "reasoning" and not (item.get("encrypted_content") or item.get("content")):
            continue
        bare = _bare(item)
        if bare == {"message": "", "phase": None}:
            continue
        needed.append(bare)
    return needed


def test_real_requests_are_understood_or_refused_by_name(exchanges: list[dict[str, Any]]) -> None:
    """What was asked is asked again by our client's side: the same conversation with the same settings."""
    refused: Counter[str] = Counter()
    done = 0
    for exchange in exchanges:
        id, asked = exchange["id"], exchange["request"]["body"]
        try:
            call, stream = CHAT.decode_call(json.dumps(asked).encode(), "/v1/responses")
        except er.InvalidCall as error:
            refused[str(error.field).split("[")[0]] += 1
            continue
        encoded = CHAT.encode(call, Target("openai-responses", call.model or ""), stream)
        again = json.loads(encoded.body)
        assert stream == exchange["stream"], id
        assert encoded.notices == (), id
        assert set(asked.get("include") or ()) <= set(again.get("include", ())), id
        assert _settings(again) == _settings(asked), id
        assert id in REORDERED or _conversation(again) == _conversation(asked), id
        done += 1
    _log.info("requests understood: %d, refused: %s", done, dict(refused))
    assert refused == REFUSED
    assert done + refused.total() == len(exchanges)


def _settings(body: dict[str, Any]) -> dict[str, Any]:
    """All but the conversation, what is sent always, and what a default says; of a tool, what it has."""
    ours = ("input", "instructions", "store", "stream", "include", "tools")
    defaults = {"truncation": "disabled", "background": False, "top_logprobs": 0}
    said = {name: value for name, value in body.items() if name not in ours and value not in (None, defaults.get(name))}
    tools = [
        {name: value for name, value in tool.items() if value not in (None, "", False)}
        for tool in body.get("tools", ())
    ]
    return {**said, "tools": sorted(tools, key=lambda tool: json.dumps(tool, sort_keys=True))} if tools else said


def _conversation(body: dict[str, Any]) -> list[Any]:
    """Texts, those of one role joined where they follow each other; calls and other items."""
    given = body["input"]
    items = [{"role": "user", "content": given}] if isinstance(given, str) else given
    if body.get("instructions"):
        items = [{"role": "system", "content": body["instructions"]}, *items]
    found: list[Any] = []
    for item in items:
        content = item.get("content")
        if "role" not in item:
            found.append(_bare(item))
            continue
        texts = [part.get("text", part) for part in content] if isinstance(content, list) else [content]
        for text in texts:
            if found and isinstance(text, str) and isinstance(found[-1], tuple) and found[-1][0] == item["role"]:
                text = found.pop()[1] + text
            found.append((item["role"], text) if isinstance(text, str) else text)
    return found
