"""One JSON value per line: bytes to frames and back, for any split of the bytes. Knows no dialect and no I/O."""

from __future__ import annotations

from tramite.errors import BadReply

from .frames import Frame

_BOM = b"\xef\xbb\xbf"
_BLANK = b" \t\r"
MAX_LINE = 32 * 1024 * 1024


class NDJSONDecoder:
    """Takes the body in any pieces. Lines end in LF or CRLF; blank ones are passed over.

    `max_line` bounds the bytes kept for an unfinished line. There are no comments in this format: `comments` stays 0.
    """

    __slots__ = ("_begun", "_tail", "comments", "max_line")

    def __init__(self, max_line: int = MAX_LINE) -> None:
        self.max_line = max_line
        self.comments = 0
        self._tail = bytearray()
        self._begun = False

    def feed(self, chunk: bytes) -> list[Frame]:
        """The lines that this piece completes. Raises `BadReply` for one that passes `max_line`."""
        end = chunk.rfind(b"\n")
        if end < 0:
            self._keep(chunk)
            return []
        lines = chunk[:end]
        if self._tail:
            lines = bytes(self._tail + lines)
            self._tail.clear()
        self._keep(chunk[end + 1 :])
        return self._frames(lines)

    def flush(self) -> list[Frame]:
        """The body has ended: a last line without its line break is delivered as it is."""
        lines = bytes(self._tail)
        self._tail.clear()
        return self._frames(lines)

    def _keep(self, tail: bytes) -> None:
        self._tail += tail
        if len(self._tail) > self.max_line:
            self._tail.clear()
            raise BadReply(f"one line of the stream is larger than {self.max_line:,} bytes")

    def _frames(self, lines: bytes) -> list[Frame]:
        if not self._begun:
            self._begun = True
            lines = lines.removeprefix(_BOM)
        return [Frame(bare) for line in lines.split(b"\n") if (bare := line.strip(_BLANK))]


def encode(frame: Frame) -> bytes:
    """The frame as a line. Between JSON's tokens a line break is a space; within them it cannot stand."""
    data = frame.data
    if b"\n" in data or b"\r" in data:
        data = data.replace(b"\r", b" ").replace(b"\n", b" ")
    return data + b"\n"
