"""Server-sent events: bytes to frames and back, for any split of the bytes. Knows no JSON, no dialect and no I/O.

The grammar is WHATWG's (HTML standard, 9.2.6 "Interpreting an event stream"), with three exceptions that real bodies
need: an `error:` field without data is an event named error (GPUStack ends a failed stream so); at the end of the
body an event without its blank line counts; and data lines that each hold a whole JSON object are events of their own
(a Hugging Face stream was recorded so), as joined they would be no JSON at all.

This is a hot path: `find` stands where `in` would do, which for bytes costs twice as much (it tries a number first).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from tramite.errors import BadReply

from .frames import Frame

_OBJECT = re.compile(rb'\{".*\}\s*').fullmatch
_BOM = b"\xef\xbb\xbf"
MAX_EVENT = 32 * 1024 * 1024


class SSEDecoder:
    """Takes the body in any pieces. Lines may end in LF, CRLF or CR; text is never decoded, so no split can hurt it.

    `id` and `retry` are read over: they serve reconnecting, which would pay for a request twice. An event without
    data is none, as the standard says. `max_event` bounds the bytes kept for one event.
    """

    __slots__ = ("_after_cr", "_begun", "_tail", "comments", "max_event")

    def __init__(self, max_event: int = MAX_EVENT) -> None:
        self.max_event = max_event
        self.comments = 0
        """Comment lines so far: a sign of life. One inside an unfinished event counts once that event is whole."""
        self._tail = bytearray()  # what follows the last blank line, with line ends as LF
        self._after_cr = False
        self._begun = False

    def feed(self, chunk: bytes) -> list[Frame]:
        """The events that this piece completes. Raises `BadReply` for one that passes `max_event`."""
        if self._after_cr or chunk.find(b"\r") >= 0:
            chunk = self._with_lf(chunk)
        if self._tail or not self._begun:
            chunk = self._joined(chunk)
        end = chunk.rfind(b"\n\n")
        if tail := chunk[end + 2 :] if end >= 0 else chunk:
            self._keep(tail)
        return self._frames(chunk, end) if end > 0 else []

    def flush(self) -> list[Frame]:
        """The body has ended: an event without its blank line is delivered, an unfinished line or half a character
        of it as it is. Whether the stream is complete is for its success proof to say, not for its framing.
        """
        frames = self._events(bytes(self._tail).removeprefix(b"" if self._begun else _BOM))
        self._tail.clear()
        self._after_cr, self._begun = False, True
        return frames

    def _frames(self, chunk: bytes, end: int) -> list[Frame]:
        """The events of `chunk[:end]`, where the last blank line begins."""
        # What nearly all servers send: events of one data line, so no other LF is left. (To look once costs least.)
        if chunk.startswith(b"data: "):
            if chunk.find(b"\n", 6, end) < 0:
                return [Frame(chunk[6:end])]
            payloads = chunk[6:end].split(b"\n\ndata: ")
            if b"".join(payloads).find(b"\n") < 0:
                return list(map(Frame, payloads))
        frames: list[Frame] = []
        for block in chunk[:end].split(b"\n\n"):
            if block.count(b"\n") == 1 and block.startswith(b"event: "):  # and a named event of one line
                name, found, data = block.partition(b"\ndata: ")
                if found:
                    frames.append(Frame(data, name[7:].decode("utf-8", "replace")))
                    continue
            frames += self._events(block)
        return frames

    def _with_lf(self, chunk: bytes) -> bytes:
        """The same lines, ended by LF. A CR at the end counts at once; the LF that may follow it is then dropped."""
        if self._after_cr and chunk:
            chunk = chunk.removeprefix(b"\n")
            self._after_cr = False
        if chunk.find(b"\r") >= 0:
            self._after_cr = chunk.endswith(b"\r")
            chunk = chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        return chunk

    def _joined(self, chunk: bytes) -> bytes:
        """The kept bytes and this piece when an event is whole by it; else all is kept, and nothing is returned."""
        tail = self._tail
        whole = chunk.find(b"\n\n") >= 0 or (chunk.startswith(b"\n") and tail.endswith(b"\n"))
        if not whole:
            self._keep(chunk)
            return b""
        if tail:
            chunk = bytes(tail + chunk)
            tail.clear()
        if not self._begun:
            self._begun = True
            chunk = chunk.removeprefix(_BOM)
        return chunk

    def _keep(self, tail: bytes) -> None:
        kept = self._tail
        kept += tail
        while kept.startswith(b":") and (end := kept.find(b"\n")) >= 0:
            # Now, not with the next event: silence is counted from the last sign of life.
            self.comments += 1
            self._begun = True  # nothing after this can be a byte order mark
            del kept[: end + 1]
        if len(kept) > self.max_event:
            kept.clear()
            raise BadReply(f"one server-sent event is larger than {self.max_event:,} bytes")

    def _events(self, block: bytes) -> list[Frame]:
        data: list[bytes] = []
        event = ""
        failure = b""
        for line in block.split(b"\n"):
            name, _, value = line.partition(b":")
            value = value.removeprefix(b" ")
            if name == b"data":
                data.append(value)
            elif name == b"event":
                event = value.decode("utf-8", "replace")
            elif name == b"error":
                failure = value
            elif line and not name:
                self.comments += 1
        if not data:
            return [Frame(failure, "error")] if failure else []
        if len(data) > 1 and all(map(_OBJECT, data)):
            return [Frame(each, event) for each in data]
        return [Frame(b"\n".join(data), event)]


def encode(frame: Frame) -> bytes:
    """The frame as a server-sent event; data with line breaks becomes several data lines."""
    data = frame.data
    if data.find(b"\n") >= 0 or data.find(b"\r") >= 0:
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\n", b"\ndata: ")
    if frame.event:
        name = frame.event.replace("\r", " ").replace("\n", " ")
        return b"event: %b\ndata: %b\n\n" % (name.encode(), data)
    return b"data: %b\n\n" % data


def encode_all(frames: Sequence[Frame]) -> bytes:
    """The frames as server-sent events, one after another."""
    if len(frames) == 1:
        return encode(frames[0])
    unnamed = [frame.data for frame in frames if not frame.event]
    if len(unnamed) == len(frames):
        joined = b"\n\ndata: ".join(unnamed)
        if joined.count(b"\n") == 2 * len(frames) - 2 and joined.find(b"\r") < 0:  # each of one line, as nearly all are
            return b"data: %b\n\n" % joined
    return b"".join(map(encode, frames))


def comment(text: str) -> bytes:
    """A comment, which readers pass over: it keeps a silent connection alive."""
    return b": " + text.replace("\r", " ").replace("\n", " ").encode() + b"\n\n"
