"""Server-sent events: the grammar, any split of the bytes, and the way back."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tramite.errors import BadReply
from tramite.wire.frames import Frame
from tramite.wire.sse import SSEDecoder, comment, encode


def reference(body: bytes) -> tuple[list[Frame], int]:
    """The standard's own algorithm, line by line, and the three exceptions that the decoder's file names."""
    frames: list[Frame] = []
    comments = 0
    data: list[bytes] = []
    event, failure = "", b""
    for line in [*re.split(rb"\r\n|\r|\n", body.removeprefix(b"\xef\xbb\xbf")), b""]:
        if line == b"":
            if len(data) > 1 and all(line[:2] == b'{"' and line.rstrip()[-1:] == b"}" for line in data):
                frames += [Frame(line, event) for line in data]
            elif data:
                frames.append(Frame(b"\n".join(data), event))
            elif failure:
                frames.append(Frame(failure, "error"))
            data, event, failure = [], "", b""
            continue
        if line[:1] == b":":
            comments += 1
            continue
        name, colon, value = line.partition(b":")
        value = value[1:] if colon and value[:1] == b" " else value
        if name == b"data":
            data.append(value)
        elif name == b"event":
            event = value.decode(errors="replace")
        elif name == b"error":
            failure = value
    return frames, comments


def decoded(pieces: Iterable[bytes]) -> tuple[list[Frame], int]:
    decoder = SSEDecoder()
    frames = [frame for piece in pieces for frame in decoder.feed(piece)]
    frames += decoder.flush()
    return frames, decoder.comments


def cut(body: bytes, points: Iterable[int]) -> list[bytes]:
    edges = [0, *sorted(point % (len(body) + 1) for point in points), len(body)]
    return [body[a:b] for a, b in pairwise(edges)]


names = st.sampled_from([b"data", b"event", b"error", b"id", b"retry", b"", b" data", b"datas", b"\xef\xbb\xbfdata"])
values = st.sampled_from(
    [b'{"b": 2} ', '{"a":"è"}'.encode(), b"[DONE]", b"", b" two", b"a:b", "🙂".encode(), b"\xff\x00"]
)
colons = st.sampled_from([b": ", b":", b""])
ends = st.sampled_from([b"\n", b"\r\n", b"\r"])
fields = st.builds(lambda *parts: b"".join(parts), names, colons, values, ends)
breaks = st.builds(lambda end: end * 2, ends)
tidy = st.builds(lambda value: b"data: %b\n\n" % value.replace(b"\n", b""), values)
starts = st.sampled_from([b"", b"\xef\xbb\xbf", b"\xef\xbb", b"\n", b"\r", b":\n"])
streams = st.builds(
    lambda start, parts: start + b"".join(parts),
    starts,
    st.lists(st.one_of(fields, breaks, ends, tidy, st.binary(max_size=3)), max_size=30),
)


@given(streams, st.lists(st.integers(0, 2000), max_size=12))
def test_any_stream_in_any_pieces_reads_as_the_standard_says(body: bytes, points: list[int]) -> None:
    assert decoded(cut(body, points)) == reference(body)


@given(streams)
def test_any_stream_reads_the_same_byte_by_byte(body: bytes) -> None:
    assert decoded(bytes([byte]) for byte in body) == reference(body)


SAMPLE = (
    '\ufeff: hi\nevent: delta\ndata: {"è":1}\n\ndata: a\ndata:b\n\n\ndata: 🙂\nid: 7\nretry: 10\n\ndata: [DONE]\n\n'
)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_split_point_gives_the_same_frames(end: str) -> None:
    body = SAMPLE.replace("\n", end).encode()
    whole = decoded([body])
    assert whole == (
        [Frame('{"è":1}'.encode(), "delta"), Frame(b"a\nb"), Frame("🙂".encode()), Frame(b"[DONE]")],
        1,
    )
    for first in range(len(body) + 1):
        for second in range(first, min(first + 5, len(body) + 1)):
            assert decoded([body[:first], body[first:second], body[second:]]) == whole


def test_a_carriage_return_ends_a_line_at_once_and_its_line_feed_may_come_later() -> None:
    decoder = SSEDecoder()
    assert decoder.feed(b"data: 1\r\n\r") == [Frame(b"1")]
    assert decoder.feed(b"\ndata: 2\r\n\r\n") == [Frame(b"2")]


def test_a_comment_counts_when_its_line_ends() -> None:
    decoder = SSEDecoder()
    decoder.feed(b"data: x\n\n: PROC")
    assert decoder.comments == 0
    decoder.feed(b"ESSING\n")
    assert decoder.comments == 1
    decoder.feed(b":\n\n:\n")
    assert decoder.comments == 3


def test_an_error_field_without_data_is_an_event_named_error() -> None:
    body = b'data: {"a":1}\n\nerror: {"code":500}\n\n'
    assert decoded([body])[0] == [Frame(b'{"a":1}'), Frame(b'{"code":500}', "error")]


def test_an_event_without_its_blank_line_is_delivered_at_the_end_as_it_is() -> None:
    assert decoded([b"data: 1\n\ndata: [DONE]"])[0] == [Frame(b"1"), Frame(b"[DONE]")]
    assert decoded(["data: è".encode()[:-1]])[0] == [Frame(b"\xc3")]
    assert decoded([b"data: 1\n\ndat"])[0] == [Frame(b"1")]


def test_an_event_without_data_is_none_but_one_with_empty_data_is_one() -> None:
    assert decoded([b"event: ping\n\nid: 1\n\ndata\n\nevent: e\ndata:\n\n"])[0] == [Frame(b""), Frame(b"", "e")]


def test_a_line_of_spaces_does_not_end_an_event() -> None:
    assert decoded([b"data: 1\n \ndata: 2\n\n"])[0] == [Frame(b"1\n2")]


def test_data_lines_that_are_each_a_json_object_are_events_of_their_own() -> None:
    assert decoded([b'data:{"a":1}\ndata:{"b":2} '])[0] == [Frame(b'{"a":1}'), Frame(b'{"b":2} ')]
    assert decoded([b'data: {\ndata: "a":1}\n\n'])[0] == [Frame(b'{\n"a":1}')]


def test_an_event_that_never_ends_is_refused() -> None:
    decoder = SSEDecoder(max_event=1000)
    for _ in range(10):
        decoder.feed(b"data: " + b"x" * 94)
    with pytest.raises(BadReply, match="larger than 1,000 bytes"):
        decoder.feed(b"x")


def test_many_events_may_pass_the_limit_of_one() -> None:
    decoder = SSEDecoder(max_event=1000)
    assert sum(len(decoder.feed(b"data: %b\n\n" % (b"x" * 700))) for _ in range(99)) == 99


lines = st.binary().map(lambda data: re.sub(rb"[\r\n]", b"", data))
event_names = st.text(st.characters(codec="utf-8", exclude_characters="\r\n"))


@given(st.lists(st.builds(Frame, st.lists(lines, min_size=1).map(b"\n".join), event_names.map(str.lstrip))))
def test_what_is_encoded_is_decoded_to_the_same_frames(frames: list[Frame]) -> None:
    body = b"".join(part for frame in frames for part in (comment("still here"), encode(frame)))
    assert decoded([body]) == (frames, len(frames))


def test_no_text_of_ours_can_break_out_of_its_line() -> None:
    body = encode(Frame(b"a\r\nb\rc", "x\ndata: y")) + comment("z\n\ndata: evil")
    assert decoded([body]) == ([Frame(b"a\nb\nc", "x data: y")], 1)
