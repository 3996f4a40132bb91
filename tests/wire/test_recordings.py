"""Streams that real providers sent. The recordings are not part of the project: without them these tests skip."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tramite.wire.frames import Frame
from tramite.wire.ndjson import NDJSONDecoder
from tramite.wire.sse import SSEDecoder

RECORDINGS = Path(__file__).parents[3] / "shared" / "recordings" / "replies.jsonl.gz"
SMALL = 20_000

pytestmark = pytest.mark.skipif(not RECORDINGS.exists(), reason="the recordings are not here")


def streams(kind: str) -> list[dict[str, Any]]:
    with gzip.open(RECORDINGS, "rt") as lines:
        every = [json.loads(line) for line in lines]
    return [one for one in every if kind in one["response"]["headers"].get("content-type", "")]


def read(decoder: SSEDecoder | NDJSONDecoder, pieces: Iterator[bytes]) -> list[Frame]:
    frames = [frame for piece in pieces for frame in decoder.feed(piece)]
    return frames + decoder.flush()


def in_sizes(body: bytes, sizes: list[int]) -> Iterator[bytes]:
    start = 0
    for size in sizes:
        yield body[start : start + size]
        start += size
    yield body[start:]


def sizes_of(one: dict[str, Any], length: int) -> list[int]:
    """The transport's own chunks where they were recorded, else some that are always the same."""
    chance = random.Random(one["id"])
    return one["response"].get("chunk_sizes") or [chance.randrange(1, 300) for _ in range(length // 100)]


@pytest.mark.parametrize(("kind", "decoder"), [("event-stream", SSEDecoder), ("ndjson", NDJSONDecoder)])
def test_recorded_streams_read_the_same_in_any_pieces(
    kind: str, decoder: type[SSEDecoder] | type[NDJSONDecoder]
) -> None:
    found = streams(kind)
    assert found
    for one in found:
        body = one["response"]["body_text"].encode()
        frames = read(decoder(), iter([body]))
        assert frames or not body.strip(), one["id"]
        assert read(decoder(), in_sizes(body, sizes_of(one, len(body)))) == frames, one["id"]
        if len(body) <= SMALL:
            assert read(decoder(), (bytes([byte]) for byte in body)) == frames, one["id"]


def test_recorded_frames_hold_json_or_the_end_marker() -> None:
    for one in streams("event-stream"):
        for frame in read(SSEDecoder(), iter([one["response"]["body_text"].encode()])):
            if frame.data.strip() not in (b"[DONE]", b""):
                json.loads(frame.data)
