"""The way of one request: route, admit, attempt, judge, retry, next target. Knows no call and no reply."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

from tramite.config import Timeouts
from tramite.errors import DeadlineExceeded, LimitExceeded, ProviderError, TramiteError, Unsupported

from .attempt import Upstream, ask, ask_stream
from .envelope import Delivery, Ended, Envelope, Piece
from .governing import Governor
from .patience import Interrupted, Patience
from .persistence import Policy
from .resuming import Resumption
from .retry import Retry
from .route import Routes
from .telling import delivery, ended, fallback, outcome
from .tries import Tries

FAILURES = (ProviderError, DeadlineExceeded, LimitExceeded, Unsupported)
"""What may end one try and be mended by another."""


class Pipeline:
    """Carries envelopes out and brings answers back. One object serves many requests and several loops."""

    def __init__(self, routes: Routes, retry: Retry, timeouts: Timeouts, governor: Governor) -> None:
        self._routes = routes
        self._retry = retry
        self._timeouts = timeouts
        self._governor = governor

    async def whole(self, envelope: Envelope) -> Delivery:
        """One whole answer. Raises TramiteError; its `attempts` tell what was tried."""
        timeouts = envelope.timeouts or self._timeouts
        patience = Patience(timeouts.deadline_s, envelope.ends_at)
        tries: Tries | None = None
        came: Delivery | TramiteError | None = None
        try:
            tries = await self._tries(envelope, timeouts, patience)
            came = await _answer(tries, envelope, timeouts, patience)
        except TramiteError as error:
            came = error
            instead = await _give_up(error, tries)
            if tries is None or instead is None:
                raise
            return fallback(instead, tries, patience)
        else:
            return came
        finally:
            self._done(tries, envelope, patience, came)

    async def stream(self, envelope: Envelope, patience: Patience) -> AsyncGenerator[Piece, None]:
        """The answer in pieces. Raises TramiteError where it breaks; ends quietly when `patience` is closed.

        A reader that cannot read a frame throws its BadReply in (`athrow`): that is the stream's failure too.
        """
        timeouts = envelope.timeouts or self._timeouts
        upstream: Upstream | None = None
        tries: Tries | None = None
        came: Ended | TramiteError | None = None
        resumption = Resumption(envelope)
        try:
            tries = await self._tries(envelope, timeouts, patience)
            while True:
                try:
                    upstream = await ask_stream(await tries.begin(), tries.envelope, timeouts, patience)
                except FAILURES as error:
                    yield await resumption.failed(error, tries)
                    await tries.sleep()
                    continue
                for piece in resumption.opened(upstream, tries):
                    yield piece
                try:
                    while frames := await upstream.frames():
                        yield frames
                    break
                except ProviderError as error:
                    upstream.close()
                    resumption.broke_off(error, tries)
            upstream.close()
            tries.record(None)
            came = ended(upstream, tries)
            yield came
        except Interrupted:
            pass  # its reader has closed it
        except TramiteError as error:
            came = error
            await _give_up(error, tries)  # nothing can take a stream's place, but who asked to be told is told
            raise
        finally:
            if upstream is not None:
                upstream.close()
            self._done(tries, envelope, patience, came)

    async def _tries(self, envelope: Envelope, timeouts: Timeouts, patience: Patience) -> Tries:
        found = self._routes.known(envelope.model, envelope.kind)
        if found is None:
            found = await patience.in_time(self._routes.find(envelope.model, envelope.kind), "finding a target")
        return Tries(found, envelope, Policy(envelope.retry or self._retry, timeouts, self._governor), patience)

    def _done(
        self, tries: Tries | None, envelope: Envelope, patience: Patience, came: Delivery | Ended | TramiteError | None
    ) -> None:
        """Whatever has ended it: what is still taken is given back, and who wants to know is told."""
        patience.done()
        if tries is not None:
            if tries.passage is not None:
                tries.leave()
            if self._governor.watched:
                self._governor.request_ended(outcome(tries, envelope, patience, came))


async def _answer(tries: Tries, envelope: Envelope, timeouts: Timeouts, patience: Patience) -> Delivery:
    """Try until there is an answer that is taken. Raises TramiteError."""
    while True:
        try:
            whole = await ask(await tries.begin(), envelope, timeouts, patience)
        except FAILURES as error:
            await tries.failed(error)
        else:
            if await tries.succeeded(whole):
                return delivery(whole, tries)
        await tries.sleep()


async def _give_up(error: TramiteError, tries: Tries | None) -> Any:
    """The request has failed for good: what the user puts in place of an answer; None if nothing."""
    if tries is None:
        return None
    if tries.passage is not None:
        tries.record(error)
    error.attempts = tuple(tries.attempts)
    return await tries.fallback(error)
