"""A streamed reply as its reader sees it: events, text, snapshots, and the whole reply at the end."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any

import msgspec

from tramite.dialects.base import StreamReader
from tramite.errors import BadReply, IncompleteStream, TramiteError
from tramite.events import Event, Noticed, Restarted, Started
from tramite.pipeline.caching import as_events
from tramite.pipeline.envelope import Ended, Envelope, Opened, Piece
from tramite.pipeline.patience import Patience
from tramite.pipeline.run import Pipeline
from tramite.replies import Reply, Timings, Usage

from .reading import Facts, Reading, Until

Learn = Callable[[str, Usage | None], None]
"""Told of a stream's end: which target it was, and its usage."""
Again = Callable[[str, str], Envelope | None]
"""The request once more, with this text that this target has written as the beginning of its answer."""


class InUse(RuntimeError):
    """A stream has one reader at a time, on one event loop."""


class Source:
    """The stream on its loop: `batch()` gives what has come, `close()` ends it, from any task of the loop."""

    def __init__(
        self, pipeline: Pipeline, envelope: Envelope, call: Any, deadline_s: float, learn: Learn, again: Again
    ) -> None:
        self.facts = facts = Facts()
        self.reading = reading = Reading()
        self.earlier: Callable[[], Awaitable[Reply | None]] | None = None
        """Gives an earlier answer to the same call, where one will do."""
        self.keep: Callable[[Reply], None] | None = None
        """Told of the answer that may be given again later."""
        self._pipeline = pipeline
        # Nothing that goes along may refer to this object: without a cycle, who merely drops the stream ends it.
        self._envelope = msgspec.structs.replace(
            envelope,
            takes_back=lambda: reading.takes_back,
            continued=lambda: again(facts.target, text) if (text := reading.text_alone) else None,
            texts=lambda value: envelope.texts(reading.text_so_far),
        )
        self._call = call
        self._deadline_s = deadline_s
        self._learn = learn
        self._pieces: AsyncGenerator[Piece, None] | None = None
        self._patience: Patience | None = None
        self._reader: StreamReader | None = None
        self._closed = False
        self._waiting = False
        self._broken: BadReply | None = None

    def check_free(self) -> None:
        """Raise InUse where another task or another loop has this stream in hand."""
        if self._waiting and self._patience is not None:
            there = "" if self._patience.here else ", on another event loop"
            raise InUse(f"another task is reading this stream{there}: a stream has one reader at a time")

    async def batch(self) -> list[Event]:
        """The next events; an empty list at the end. Raises TramiteError."""
        if self._closed:
            return []
        if self.facts.cached and self._patience is not None:
            self.facts.ended = Ended(attempts=(), cost_nanousd=0, timings=Timings(self._patience.elapsed_s()))
            return []
        self._waiting = True
        try:
            if self._pieces is None or self._patience is None:
                self._patience = Patience(self._deadline_s)
                if (earlier := await self._repeated()) is not None:
                    return earlier
                self._pieces = self._pipeline.stream(self._envelope, self._patience)
            return await self._next_events(self._pieces)
        except StopAsyncIteration:
            if self.facts.ended is None and not self._closed:
                raise self._cut_off() from None
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

    def leave(self) -> None:
        """Note what it took until now: its reader wants no more."""
        if self._patience is not None:
            self.facts.leave(self._patience.elapsed_s())

    async def _repeated(self) -> list[Event] | None:
        """An earlier answer, all of it at once."""
        reply = None if self.earlier is None else await self.earlier()
        if reply is None:
            return None
        self.facts.repeat(reply)
        return list(as_events(reply))

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
            self.facts.open(piece)
            return [Started(str(piece.target), len(piece.attempts) + 1), *map(Noticed, piece.notices)]
        if isinstance(piece, Ended):
            self.facts.ended = piece
            self._learn(self.facts.target, piece.usage)
            self.facts.notices += piece.notices
            return [Noticed(notice) for notice in piece.notices]
        if isinstance(piece, Restarted):
            self.facts.begin_anew()
        if isinstance(piece, Noticed):
            self.facts.resumed = True
            self.facts.notices.append(piece.text)
        return [piece]  # type: ignore[list-item]  # lists of frames were dealt with above

    def _cut_off(self) -> IncompleteStream:
        """Its loop has ended, and asynchronous generators with it; to the reader that must not look like an end."""
        error = IncompleteStream("the stream was cut off: its event loop has ended, or its client was closed")
        provider, _, model = self.facts.target.partition("/")
        error.at(provider, model, self.facts.request_id)
        return error


class AsyncStream:
    """A reply as it is written. Iterate it for events, `text` for strings, `snapshots` for the text so far.

    Leave it by its end, by `close()`, by leaving `async with`, or by cancelling the task: the provider is told at once.
    It has one reader at a time, on one event loop.
    """

    def __init__(self, source: Source, until: Until | None = None) -> None:
        self.reading = source.reading
        self.reading.until = until
        self.over = False
        self._source = source
        self._on_end: list[Callable[[Reply], None]] = [] if source.keep is None else [source.keep]

    def __repr__(self) -> str:
        target = self._source.facts.target
        return f"<{type(self).__name__}{f' of {target}' if target else ''}: {self.state}>"

    @property
    def state(self) -> str:
        """How it stands, in words."""
        if self.reading.error is not None:
            return f"failed, {type(self.reading.error).__name__}"
        if self.over:
            return "stopped" if self.reading.stopped else "complete"
        return "under way" if self._source.facts.target else "not begun"

    async def __aenter__(self) -> AsyncStream:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()

    def __aiter__(self) -> AsyncStream:
        return self

    async def __anext__(self) -> Event:
        event = self.reading.take()
        if event is None:
            await self.fill()
            event = self.reading.take()
            if event is None:
                raise StopAsyncIteration
        return event

    @property
    def text(self) -> AsyncGenerator[str, None]:
        """The first choice's text, in pieces. Ends the stream when it is left early."""
        return self._texts(whole=False)

    @property
    def snapshots(self) -> AsyncGenerator[str, None]:
        """The first choice's text so far, after each piece; from nothing again where the stream restarts."""
        return self._texts(whole=True)

    @property
    def reply(self) -> Reply:
        """The whole reply. Raises RuntimeError before the end, and the stream's error after a failure."""
        return self.reading.reply(self._source.facts)

    async def fill(self) -> None:
        """Wait until events are pending; none are at the end. Raises TramiteError, and RuntimeError if it is in use."""
        if self.reading.satisfied:
            await self.close()
        if not self.over:
            self._source.check_free()
            await self._fill()

    async def _fill(self) -> None:
        try:
            events = await self._source.batch()
        except TramiteError as error:
            if self.over:
                return  # closed meanwhile: nobody asks any more what went wrong
            self.over = True
            self.reading.fail(error)
            raise
        except BaseException:
            await self.close()
            raise
        if self.over:
            return  # closed meanwhile: this came too late
        if events:
            self.reading.put(events)
        else:
            self._end()

    async def close(self) -> None:
        """Stop reading; what came so far is in `reply`, with finish `stopped`. Idempotent."""
        if self.over:
            return
        self.reading.stopped = self._source.facts.ended is None
        self.reading.pending.clear()
        self._source.leave()
        try:
            self._end()
        finally:
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
        except InUse:
            raise  # it is another's to close
        except BaseException:
            await self.close()
            raise
