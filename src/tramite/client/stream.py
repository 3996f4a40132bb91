"""A streamed reply as its reader sees it: events, text, snapshots, and the whole reply at the end."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from typing import Any

import msgspec

from tramite.assembly import Assembler
from tramite.dialects.base import StreamReader
from tramite.errors import BadReply, DeadlineExceeded, ProviderError, TramiteError
from tramite.events import Event, Noticed, Restarted, Started, TextDelta
from tramite.pipeline.envelope import Ended, Envelope, Opened, Piece
from tramite.pipeline.patience import Patience
from tramite.pipeline.run import Pipeline
from tramite.replies import Reply, Timings, Usage

Until = Callable[[str], bool]
Learn = Callable[[str, Usage | None], None]
"""Told of a stream's end: which target it was, and its usage."""


class Reading:
    """What a reader has taken of a stream so far. No I/O: the synchronous and the asynchronous stream share it."""

    def __init__(self, until: Until | None) -> None:
        self.pending: deque[Event] = deque()
        self.error: TramiteError | None = None
        self.stopped = False
        self.satisfied = False
        self._taken: list[Event] = []  # assembled when somebody asks: most readers only want the pieces
        self._assembler = Assembler()
        self._until = until

    @property
    def text_so_far(self) -> str:
        """The text that the reader has seen."""
        return self._assembled().text

    def take(self) -> Event:
        """The next event; `satisfied` turns true when `until` says that it was the last one wanted."""
        event = self.pending.popleft()
        self._taken.append(event)
        if self._until is not None and type(event) is TextDelta and self._until(self.text_so_far):
            self.satisfied = True
            self.pending.clear()
        return event

    def texts(self, whole: bool) -> Iterator[str]:
        """Take what is pending: the first choice's text in it, in pieces or (`whole`) as it stands after each."""
        while self.pending:
            event = self.take()
            if type(event) is TextDelta and event.index == 0:
                yield self.text_so_far if whole else event.text

    def fail(self, error: TramiteError) -> None:
        """The stream has broken: the error keeps what was read."""
        self.error = error
        if isinstance(error, ProviderError | DeadlineExceeded):
            error.partial = self.text_so_far

    def reply(self, facts: Facts) -> Reply:
        """The whole reply, or what there is of it after an early stop."""
        if self.error is not None:
            raise self.error
        if facts.ended is None and not self.stopped:
            raise RuntimeError("the stream is not finished yet: read it to its end, or close() it, before reply")
        reply = self._assembled().reply("stopped" if self.stopped else "unknown")
        usage = msgspec.structs.replace(reply.usage, source="partial") if self.stopped else reply.usage
        return msgspec.structs.replace(
            reply,
            usage=usage,
            target=facts.target,
            cost_nanousd=facts.ended.cost_nanousd if facts.ended else None,
            request_id=facts.request_id,
            notices=tuple(facts.notices),
            attempts=facts.ended.attempts if facts.ended else (),
            timings=facts.timings(),
        )

    def _assembled(self) -> Assembler:
        self._assembler.feed(self._taken)
        self._taken.clear()
        return self._assembler


class Facts:
    """What the pipeline told of a stream."""

    def __init__(self) -> None:
        self.target = ""
        self.request_id: str | None = None
        self.notices: list[str] = []
        self.first_token_s: float | None = None
        self.ended: Ended | None = None

    def timings(self) -> Timings:
        """First token and total, in seconds."""
        whole = self.ended.timings if self.ended else Timings()
        return msgspec.structs.replace(whole, first_token_s=self.first_token_s)


class Source:
    """The stream on its loop: `batch()` gives what has come, `close()` ends it, from any task of the loop."""

    def __init__(self, pipeline: Pipeline, envelope: Envelope, call: Any, deadline_s: float, learn: Learn) -> None:
        self.facts = Facts()
        self._pipeline = pipeline
        self._envelope = envelope
        self._call = call
        self._deadline_s = deadline_s
        self._learn = learn
        self._pieces: AsyncGenerator[Piece, None] | None = None
        self._patience: Patience | None = None
        self._reader: StreamReader | None = None
        self._closed = False
        self._waiting = False
        self._broken: BadReply | None = None

    async def batch(self) -> list[Event]:
        """The next events; an empty list at the end. Raises TramiteError."""
        if self._closed:
            return []
        if self._pieces is None or self._patience is None:
            self._patience = Patience(self._deadline_s)
            self._pieces = self._pipeline.stream(self._envelope, self._patience)
        self._waiting = True
        try:
            return await self._next_events(self._pieces)
        except StopAsyncIteration:
            return []
        finally:
            self._waiting = False

    async def close(self) -> None:
        """Stop: the upstream connection ends now. Idempotent."""
        self._closed = True
        if self._patience is not None:
            self._patience.close()
        if self._pieces is not None and not self._waiting:
            await self._pieces.aclose()

    async def _next_events(self, pieces: AsyncGenerator[Piece, None]) -> list[Event]:
        while True:
            # A frame that only a full decoding shows to be broken is the pipeline's to judge; what came in the same
            # piece before it is read first.
            broken, self._broken = self._broken, None
            piece = await (anext(pieces) if broken is None else pieces.athrow(broken))
            try:
                events = self._events(piece)
            except BadReply as error:
                self._broken = error
                events = list(error.events)
            if events:
                return events

    def _events(self, piece: Piece) -> list[Event]:
        if type(piece) is list:
            if self.facts.first_token_s is None and self._patience is not None:
                self.facts.first_token_s = self._patience.elapsed_s()
            return self._reader.read(piece) if self._reader is not None else []
        if isinstance(piece, Opened):
            followed: Any = piece.watcher  # a follower has read what it has noted
            self._reader = followed if hasattr(followed, "read") else piece.operation.reader(self._call)
            self.facts.target, self.facts.request_id = str(piece.target), piece.request_id
            self.facts.notices += piece.notices
            return [Started(str(piece.target), piece.attempt), *map(Noticed, piece.notices)]
        if isinstance(piece, Ended):
            self.facts.ended = piece
            self._learn(self.facts.target, piece.usage)
            self.facts.notices += piece.notices
            return [Noticed(notice) for notice in piece.notices]
        if isinstance(piece, Restarted):
            self.facts.first_token_s = None
        return [piece]  # type: ignore[list-item]  # lists of frames were dealt with above


class AsyncStream:
    """A reply as it is written. Iterate it for events, `text` for strings, `snapshots` for the text so far.

    Leave it by its end, by `close()`, by leaving `async with`, or by cancelling the task: the provider is told at once.
    """

    def __init__(self, source: Source, until: Until | None = None) -> None:
        self.reading = Reading(until)
        self.over = False
        self._source = source
        self._on_end: list[Callable[[Reply], None]] = []

    async def __aenter__(self) -> AsyncStream:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()

    def __aiter__(self) -> AsyncStream:
        return self

    async def __anext__(self) -> Event:
        reading = self.reading
        if not reading.pending:
            await self.fill()
            if not reading.pending:
                raise StopAsyncIteration
        return reading.take()

    @property
    def text(self) -> AsyncIterator[str]:
        """The first choice's text, in pieces. Ends the stream when it is left early."""
        return self._texts(whole=False)

    @property
    def snapshots(self) -> AsyncIterator[str]:
        """The first choice's text so far, after each piece; it starts again where the stream restarts."""
        return self._texts(whole=True)

    @property
    def reply(self) -> Reply:
        """The whole reply. Raises RuntimeError before the end, and the stream's error after a failure."""
        return self.reading.reply(self._source.facts)

    async def fill(self) -> None:
        """Wait until events are pending; none are at the end. Raises TramiteError."""
        if self.over:
            return
        if self.reading.satisfied:
            await self.close()
            return
        try:
            self.reading.pending.extend(await self._source.batch())
        except TramiteError as error:
            self.over = True
            self.reading.fail(error)
            raise
        if not self.reading.pending:
            self._end()

    async def close(self) -> None:
        """Stop reading; what came so far is in `reply`, with finish `stopped`. Idempotent."""
        if self.over:
            return
        self.reading.stopped = self._source.facts.ended is None
        self.reading.pending.clear()
        self._end()
        await self._source.close()

    def on_end(self, tell: Callable[[Reply], None]) -> None:
        """Call `tell` once, when the stream has ended well or was stopped."""
        self._on_end.append(tell)

    def _end(self) -> None:
        self.over = True
        for tell in self._on_end:
            tell(self.reply)

    async def _texts(self, whole: bool) -> AsyncGenerator[str, None]:
        try:
            while True:
                for text in self.reading.texts(whole):
                    yield text
                if self.over:
                    return
                await self.fill()
        finally:
            await self.close()
