"""How a stream of chats or completions stands: content, success proof, failure (facts A8 to A10). Makes no events.

This is a hot path. Most frames are the one before with another text: the watcher learns what surrounds the text, and a
frame that has it, with no quote inside of the text, says nothing new (in JSON the model's own quotes are escaped). That
costs a fifth of decoding it; everything else is decoded.
"""

from __future__ import annotations

import msgspec

from tramite.dialects.bad_reply import bad_reply
from tramite.dialects.failure_shapes import error_in_text, error_inside
from tramite.dialects.frames import DONE, FRAME
from tramite.dialects.json_bodies import UNREADABLE, decoded
from tramite.dialects.stream_state import StreamState
from tramite.errors import Overloaded, ProviderError
from tramite.wire.frames import Frame

from .fields import finish_of, has_failed, usage_of
from .parts_in import reasoning_of
from .shapes import Chunk, ChunkChoice, decode_chunk


class TextWatcher(StreamState):
    """See `dialects.base.Watcher`."""

    __slots__ = ("_finished", "_idle", "_n", "_surroundings", "_usage_frame")

    def __init__(self, n: int) -> None:
        super().__init__()
        self._n = max(n, 1)
        self._finished: set[int] = set()
        self._usage_frame = False
        self._surroundings = _NONE
        self._idle = 0

    def note(self, frame: Frame) -> None:
        """Take one frame in."""
        data = frame.data
        head, size, tail, tail_size = self._surroundings
        if data[:size] == head:
            end = data.find(b'"', size)
            if data.startswith(tail, end) and not frame.event:
                rest = end + tail_size
                if rest == len(data) or data.find(b'"', rest) == len(data) - 2:
                    self._idle = 0
                    return
        self._look(frame)

    def close(self) -> None:
        """The body has ended."""
        self._settle()

    def _look(self, frame: Frame) -> None:
        data = frame.data.strip()
        if data == DONE:
            self.ended = True
            self._settle()
        elif frame.event == "error":  # LM Studio, Groq, GPUStack
            self._fail(error_in_text(data))
        elif data:
            try:
                self._read(decoded(decode_chunk, data), data)
            except UNREADABLE as error:
                if frame.event in ("", "message"):  # events of other names are not ours to read
                    self._fail(bad_reply(data, FRAME, error))

    def _read(self, chunk: Chunk, data: bytes) -> None:
        if chunk.error or chunk.choices is None:
            failure = error_inside(msgspec.json.decode(data), data)
            if failure is not None:
                self._fail(failure)
                return
        usage = usage_of(chunk.usage, chunk.x_groq)
        if usage is not None:
            self.usage = usage
            self._usage_frame = self._usage_frame or not chunk.choices
        for choice in chunk.choices or ():
            self._choice(choice, data)
        if usage is None and self.content and self.error is None:
            self._learn(chunk, data)

    def _choice(self, choice: ChunkChoice, data: bytes) -> None:
        self.content = self.content or _visible(choice)
        if choice.error or has_failed(choice.finish_reason):
            self._fail(broken_off(choice.error, choice.finish_reason, data))
            return
        finish = finish_of(choice.finish_reason)
        if finish is None:
            return
        index = choice.index if self._n > 1 and isinstance(choice.index, int) else 0
        self._finished.add(index)
        if self.finish is None or index == 0:
            self.finish = finish
        self.proof = self.error is None and len(self._finished) >= self._n

    def _settle(self) -> None:
        """Snowflake never sends a finish reason: its proof is a frame of usage alone, followed by `[DONE]`."""
        if self.ended and self._usage_frame and not self._finished and self.error is None:
            self.proof = True
            self.finish = "unknown"

    def _learn(self, chunk: Chunk, data: bytes) -> None:
        """Remember what surrounds this frame's text, if it is one that says nothing but text."""
        choices = chunk.choices or ()
        if self._idle > _PATIENCE or len(choices) != 1 or choices[0].finish_reason:
            return
        self._idle += 1
        key, text = _text(choices[0])
        start = max(data.find(b'"%b":"' % key) + 4, data.find(b'"%b": "' % key) + 5) + len(key)
        end = data.find(b'"', start)
        if not text or data[start:end].decode("utf-8", "replace") != text:
            return
        # OpenAI pads each frame at its end, so that its length does not tell the text's: that padding is not compared.
        padding = data.find(b'"obfuscation":"', end)
        tail = data[end:] if padding < 0 else data[end : padding + 15]
        self._surroundings = data[:start], start, tail, len(tail)


_NONE = (b"\n", 1, b"", 0)
"""What comes before the text, its size, what comes after, its size. No frame begins with a line feed."""
_PATIENCE = 16
"""How often surroundings may be learned that the next frame does not have: some servers change an id in each."""


def _text(choice: ChunkChoice) -> tuple[bytes, str]:
    """The text of a frame, and the field that it is in."""
    delta = choice.delta
    if delta is not None:
        for key, value in (
            (b"content", delta.content),
            (b"reasoning_content", delta.reasoning_content),
            (b"reasoning", delta.reasoning),
        ):
            if value and isinstance(value, str):
                return key, value
    return b"text", choice.text if isinstance(choice.text, str) else ""


def _visible(choice: ChunkChoice) -> bool:
    delta = choice.delta
    return bool(
        choice.text
        or (
            delta is not None
            and (delta.content or delta.tool_calls or delta.refusal or delta.function_call or reasoning_of(delta))
        )
    )


def broken_off(error: object, reason: object, body: bytes) -> ProviderError:
    """The error of a choice that says itself that it failed."""
    if isinstance(error, dict):
        found = error_inside({"error": error}, body)
        if found is not None:
            return found
    return Overloaded(f"the provider broke the answer off (finish_reason {reason!r})", status=200, code=str(reason))
