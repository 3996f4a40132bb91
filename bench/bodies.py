"""What the static server answers, built once: OpenAI's shapes, the sizes that facts were measured with. No I/O."""

from __future__ import annotations

import base64
import json
import struct
from typing import Any

PHRASE = "Firenze in primavera: musei, ponti, colline e mercati, a piedi e senza fretta "
WORDS = PHRASE.split()
SENTENCE = PHRASE * 4
MODEL = "gpt-4o-mini"
FRAMES = 203
"""The role, 199 pieces of text, the finish, the usage, and `[DONE]`."""
PIECES = tuple(f" {WORDS[i % len(WORDS)]}" for i in range(FRAMES - 4))
STREAM_TEXT = "".join(PIECES)
VECTORS, DIMENSIONS = 16, 256
USAGE = {
    "prompt_tokens": 42,
    "completion_tokens": 60,
    "total_tokens": 102,
    "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
    "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
}


def compact(value: object) -> bytes:
    """JSON as servers send it: without blanks."""
    return json.dumps(value, separators=(",", ":")).encode()


def chat() -> bytes:
    """A whole chat completion of about 843 bytes."""
    message: dict[str, Any] = {"role": "assistant", "content": SENTENCE, "refusal": None, "annotations": []}
    return compact(
        {
            "id": "chatcmpl-C3vQ8xkz0n1aWb2yRt5uLpEo7sHdG",
            "object": "chat.completion",
            "created": 1795430400,
            "model": "gpt-4o-mini-2024-07-18",
            "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}],
            "usage": USAGE,
            "service_tier": "default",
            "system_fingerprint": "fp_560af6e559",
        }
    )


def stream_frames(pieces: tuple[str, ...] = PIECES) -> list[bytes]:
    """The server-sent events of a stream that says these pieces."""
    frames = [_chunk([_choice({"role": "assistant", "content": ""})])]
    frames += [_chunk([_choice({"content": piece})]) for piece in pieces]
    frames += [_chunk([_choice({}, "stop")]), _chunk([], USAGE)]
    return [*(b"data: %b\n\n" % frame for frame in frames), b"data: [DONE]\n\n"]


def _chunk(choices: list[dict[str, Any]], usage: object = None) -> bytes:
    return compact(
        {
            "id": "chatcmpl-C3vQ8xkz0n1aWb2yRt5uLpEo7sHdG",
            "object": "chat.completion.chunk",
            "created": 1795430400,
            "model": "gpt-4o-mini",
            "choices": choices,
            "usage": usage,
        }
    )


def _choice(delta: dict[str, str], finish: str | None = None) -> dict[str, Any]:
    return {"index": 0, "delta": delta, "finish_reason": finish}


def embeddings(as_base64: bool) -> bytes:
    """16 vectors of 256 numbers."""
    numbers = [(i % 97 - 48) / 97 for i in range(DIMENSIONS)]
    packed = base64.b64encode(struct.pack(f"<{DIMENSIONS}f", *numbers)).decode()
    vector = packed if as_base64 else [round(number, 8) for number in numbers]
    data = [{"object": "embedding", "index": i, "embedding": vector} for i in range(VECTORS)]
    usage = {"prompt_tokens": 64, "total_tokens": 64}
    return compact({"object": "list", "data": data, "model": "text-embedding-3-small", "usage": usage})
