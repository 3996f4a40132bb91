"""What Anthropic and proxies of its API have sent is understood, every one of them, and can be given back.

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

from tests.dialects.anthropic.wire import Block
from tramite import errors as er
from tramite.assembly import Assembler
from tramite.calls import ChatCall
from tramite.dialects.anthropic import ANTHROPIC
from tramite.dialects.base import Target
from tramite.messages import tool_result, user
from tramite.replies import Reply
from tramite.wire.frames import Frame
from tramite.wire.sse import SSEDecoder

_log = logging.getLogger(__name__)  # counts: pytest --log-cli-level=INFO
RECORDINGS = Path(__file__).resolve().parents[4] / "shared/recordings/replies.jsonl.gz"
pytestmark = pytest.mark.skipif(not RECORDINGS.exists(), reason="the recordings are not here")

CHAT = ANTHROPIC.operations["chat"]
CALL = ChatCall(messages=(user("?"),), max_tokens=1)
Exchange = dict[str, Any]

ERRORS: dict[tuple[int, str], type[Exception]] = {
    (400, "This model does not support effort level"): er.RequestRejected,
    (400, "prompt is too long"): er.ContextTooLong,
    (401, "invalid x-api-key"): er.AuthenticationFailed,
    (404, "model: claude-"): er.ModelNotFound,
}
"""Status and how the message begins, to the class."""

UNREADABLE_REQUESTS = {
    "pydantic-ai-73ba7fd67d": "its recorder has cut the image's base64",
    "ruby_llm-f3154be685": "its recorder has cut the image's base64",
}


@pytest.fixture(scope="module")
def exchanges() -> list[Exchange]:
    with gzip.open(RECORDINGS, "rt", encoding="utf-8") as lines:
        everything = [json.loads(line) for line in lines]
    return [exchange for exchange in everything if exchange["endpoint"].endswith("/v1/messages")]


def _streamed(exchange: Exchange) -> bool:
    return bool(exchange["stream"]) and exchange["response"]["status"] == 200


def _frames(exchange: Exchange) -> list[Frame]:
    decoder = SSEDecoder()
    return [*decoder.feed(exchange["response"]["body_text"].encode()), *decoder.flush()]


def _read(frames: list[Frame]) -> Reply:
    assembler = Assembler()
    assembler.feed(CHAT.reader(CALL).read(frames))
    return assembler.reply()


def test_every_whole_reply_is_decoded_and_can_be_given_back(exchanges: list[Exchange]) -> None:
    done: Counter[str] = Counter()
    for exchange in exchanges:
        if exchange["stream"] or exchange["response"]["status"] != 200:
            continue
        body = exchange["response"]["body_text"].encode()
        reply, signals = CHAT.decode(body), CHAT.judge(body)
        sent = json.loads(body)
        assert (signals.proof, signals.error) == (True, None), exchange["id"]
        assert signals.finish == reply.finish != "unknown", exchange["id"]
        assert signals.usage == reply.usage, exchange["id"]
        assert reply.usage.input_tokens == sum(
            sent["usage"].get(name) or 0
            for name in ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
        ), exchange["id"]
        assert _given_back(reply) == _joined(sent["content"]), exchange["id"]
        done[exchange["provider"]] += 1
    _log.info("whole replies decoded and given back: %s", dict(done))
    assert done.total() == 43


def test_every_stream_reaches_its_proof_and_can_be_given_back(exchanges: list[Exchange]) -> None:
    proven = 0
    for exchange in filter(_streamed, exchanges):
        frames = _frames(exchange)
        watcher = CHAT.watcher(1)
        for count, frame in enumerate(frames, 1):
            watcher.note(frame)
            assert watcher.proof == (count == len(frames)), (exchange["id"], count)
        reply = _read(frames)
        assert (watcher.ended, watcher.error, watcher.content) == (True, None, True), exchange["id"]
        assert (watcher.finish, watcher.usage) == (reply.finish, reply.usage), exchange["id"]
        assert reply.usage.source == "provider"
        blocks = _blocks(frames)
        assert reply.text == "".join(block["text"] for block in blocks if block["type"] == "text"), exchange["id"]
        assert _given_back(reply) == _joined(blocks), exchange["id"]
        proven += 1
    _log.info("streams proven and given back: %d", proven)
    assert proven == 29


def test_every_error_has_its_class(exchanges: list[Exchange]) -> None:
    done: Counter[str] = Counter()
    for exchange in exchanges:
        response = exchange["response"]
        if response["status"] == 200:
            continue
        error = ANTHROPIC.decode_error(response["status"], {}, response["body_text"].encode())
        expected = [
            kind
            for (status, begin), kind in ERRORS.items()
            if status == error.status and error.message.startswith(begin)
        ]
        assert [type(error)] == expected, (exchange["id"], error)
        done[type(error).__name__] += 1
    _log.info("errors classified: %s", dict(done))
    assert done.total() == 7


def test_every_request_is_understood_and_goes_on_as_it_was(exchanges: list[Exchange]) -> None:
    """But for what says the same otherwise, and budgets of thinking, which become an effort's."""
    same = 0
    for exchange in exchanges:
        body = exchange["request"]["body"]
        body = json.loads(body) if isinstance(body, str) else body
        if exchange["id"] in UNREADABLE_REQUESTS:
            continue
        call, stream = CHAT.decode_call(json.dumps(body).encode(), "/v1/messages")
        assert stream == bool(body.get("stream")), exchange["id"]
        encoded = CHAT.encode(call, Target("anthropic", body["model"]), stream)
        again = json.loads(encoded.body)
        for name in ("max_tokens", "temperature", "tool_choice", "stop_sequences", "mcp_servers"):
            assert again.get(name) == body.get(name), (exchange["id"], name)
        assert _plain(again.get("tools")) == _plain(body.get("tools")), exchange["id"]
        assert ("thinking" in again) == ("thinking" in body) or "output_config" in body, exchange["id"]
        assert _turns(again) == _turns(body), exchange["id"]
        same += 1
    _log.info("requests understood: %d", same)
    assert same == 77


def _given_back(reply: Reply) -> list[Block]:
    """The answer, as it is in the history of the next request."""
    results = [tool_result(call, "x") for call in reply.tool_calls]
    call = ChatCall(messages=(user("?"), reply.message, *results, user("!")), max_tokens=1)
    encoded = CHAT.encode(call, Target("anthropic", "claude-haiku-4-5"), False)
    assert encoded.notices == ()
    said = [turn["content"] for turn in json.loads(encoded.body)["messages"] if turn["role"] == "assistant"]
    return _joined(_listed(said[0]) if said else [])


def _blocks(frames: list[Frame]) -> list[Block]:
    """The blocks of a stream, as the plainest possible reader would join them."""
    blocks: dict[int, Block] = {}
    inputs: dict[int, str] = {}
    for frame in frames:
        event = json.loads(frame.data)
        if event["type"] == "content_block_start":
            blocks[event["index"]] = event["content_block"]
        if event["type"] != "content_block_delta":
            continue
        block, delta = blocks[event["index"]], event["delta"]
        match delta["type"]:
            case "text_delta":
                block["text"] += delta["text"]
            case "thinking_delta":
                block["thinking"] += delta["thinking"]
            case "signature_delta":
                block["signature"] = delta["signature"]
            case "citations_delta":
                block["citations"] = [*block.get("citations", ()), delta["citation"]]
            case "input_json_delta":
                inputs[event["index"]] = inputs.get(event["index"], "") + delta["partial_json"]
    for index, written in inputs.items():
        blocks[index]["input"] = json.loads(written or "{}")
    return [blocks[index] for index in sorted(blocks)]


def _listed(content: Any) -> list[Block]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def _plain(value: Any) -> Any:
    """Without what says nothing: marks for the cache, empty descriptions, a tool's type, who called it."""
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if not isinstance(value, dict):
        return value
    if value.get("type") == "tool_result":
        value = {**value, "content": _listed(value.get("content", ""))}
    silent = {"type": "custom", "description": "", "citations": None, "caller": {"type": "direct"}, "is_error": False}
    return {
        name: _plain(inner)
        for name, inner in value.items()
        if name != "cache_control" and not (name in silent and inner == silent[name])
    }


def _joined(blocks: list[Block]) -> list[Block]:
    """Text without sources is one block, however many it came in; empty text is none."""
    joined: list[Block] = []
    for block in _plain(blocks):
        is_text = block["type"] == "text" and "citations" not in block
        if is_text and joined and joined[-1]["type"] == "text" and "citations" not in joined[-1]:
            joined[-1]["text"] += block["text"]
        elif not (is_text and not block["text"]):
            joined.append(block)
    return joined


def _turns(body: dict[str, Any]) -> list[tuple[str, list[Block]]]:
    """The system's words and the turns, those of one role joined, results before the rest of theirs."""
    turns: list[tuple[str, list[Block]]] = [("system", _listed(body.get("system", "")))]
    for message in body["messages"]:
        blocks = _listed(message["content"])
        if turns[-1][0] == message["role"]:
            turns[-1][1].extend(blocks)
        else:
            turns.append((message["role"], list(blocks)))
    return [(role, _joined(blocks)) for role, blocks in turns]
