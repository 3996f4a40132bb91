"""One JSON value per line: any split of the bytes, and the way back."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tramite.errors import BadReply
from tramite.wire.frames import Frame
from tramite.wire.ndjson import NDJSONDecoder, encode


def reference(body: bytes) -> list[Frame]:
    lines = body.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    return [Frame(line.strip(b" \t\r")) for line in lines if line.strip(b" \t\r")]


def decoded(pieces: Iterable[bytes]) -> list[Frame]:
    decoder = NDJSONDecoder()
    frames = [frame for piece in pieces for frame in decoder.feed(piece)]
    return frames + decoder.flush()


def cut(body: bytes, points: Iterable[int]) -> list[bytes]:
    edges = [0, *sorted(point % (len(body) + 1) for point in points), len(body)]
    return [body[a:b] for a, b in pairwise(edges)]


parts = st.sampled_from(['{"a":"è"}'.encode(), b"\n", b"\r\n", b"  ", b"\xef\xbb\xbf", "🙂".encode(), b"\r", b"1"])
bodies = st.lists(parts, max_size=30).map(b"".join)


@given(bodies, st.lists(st.integers(0, 500), max_size=12))
def test_any_body_in_any_pieces_gives_its_lines(body: bytes, points: list[int]) -> None:
    assert decoded(cut(body, points)) == reference(body)
    assert decoded(bytes([byte]) for byte in body) == reference(body)


def test_every_split_point_gives_the_same_frames() -> None:
    body = '\ufeff{"a":"è"}\r\n\r\n{"b":"🙂"}\n{"done":true}'.encode()
    for point in range(len(body) + 1):
        assert decoded([body[:point], body[point:]]) == [
            Frame('{"a":"è"}'.encode()),
            Frame('{"b":"🙂"}'.encode()),
            Frame(b'{"done":true}'),
        ]


def test_a_line_is_given_out_as_soon_as_it_ends() -> None:
    decoder = NDJSONDecoder()
    assert decoder.feed(b'{"a"') == []
    assert decoder.feed(b":1}\n{") == [Frame(b'{"a":1}')]
    assert decoder.comments == 0


def test_a_line_that_never_ends_is_refused() -> None:
    decoder = NDJSONDecoder(max_line=1000)
    for _ in range(10):
        decoder.feed(b"x" * 100)
    with pytest.raises(BadReply, match="larger than 1,000 bytes"):
        decoder.feed(b"x")


json = st.recursive(st.none() | st.text(), lambda inner: st.lists(inner), max_leaves=5)


@given(st.lists(json))
def test_what_is_encoded_is_decoded_to_the_same_values(values: list[object]) -> None:
    pretty = [msgspec.json.format(msgspec.json.encode(value), indent=2) for value in values]
    frames = decoded([b"".join(encode(Frame(data)) for data in pretty)])
    assert [msgspec.json.decode(frame.data) for frame in frames] == values
