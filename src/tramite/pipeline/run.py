"""The way of one request: route, attempt, judge, retry, next target. Knows no call and no reply."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from typing import Any, TypeAlias

from tramite.config import Timeouts
from tramite.errors import DeadlineExceeded, ModelLoading, ProviderError, TramiteError
from tramite.events import Loading, Retrying
from tramite.replies import Timings

from .attempt import Upstream, Whole, ask, ask_stream
from .endpoint import Endpoint
from .envelope import Delivery, Ended, Envelope, Opened, Piece
from .patience import Interrupted, Patience
from .retry import Retry
from .tries import Tries

Router: TypeAlias = Callable[[Envelope], Awaitable[Sequence[Endpoint]]]


class Pipeline:
    """Carries envelopes out and brings answers back. One object serves many requests and several loops."""

    def __init__(self, router: Router, retry: Retry, timeouts: Timeouts) -> None:
        self._router = router
        self._retry = retry
        self._timeouts = timeouts

    async def whole(self, envelope: Envelope) -> Delivery:
        """One whole answer. Raises TramiteError; its `attempts` tell what was tried."""
        timeouts = envelope.timeouts or self._timeouts
        patience = Patience(timeouts.deadline_s, envelope.ends_at)
        try:
            tries = await self._tries(envelope, timeouts, patience)
            try:
                while True:
                    endpoint = tries.begin()
                    try:
                        whole = await ask(endpoint, envelope, timeouts, patience)
                    except (ProviderError, DeadlineExceeded) as error:
                        delay_s = await tries.failed(error)
                    else:
                        again_s = await tries.succeeded(whole)
                        if again_s is None:
                            return _delivery(whole, tries, patience)
                        delay_s = again_s
                    await tries.sleep(delay_s)
            except TramiteError as error:
                error.attempts = tuple(tries.attempts)
                fallback = await tries.fallback(error)
                if fallback is None:
                    raise
                return _fallback(fallback, tries, patience)
        finally:
            patience.done()

    async def stream(self, envelope: Envelope, patience: Patience) -> AsyncGenerator[Piece, None]:
        """The answer in pieces. Raises TramiteError where it breaks; ends quietly when `patience` is closed.

        A reader that cannot read a frame throws its BadReply in (`athrow`): that is the stream's failure too.
        """
        timeouts = envelope.timeouts or self._timeouts
        upstream: Upstream | None = None
        tries: Tries | None = None
        try:
            tries = await self._tries(envelope, timeouts, patience)
            while upstream is None:
                endpoint = tries.begin()
                try:
                    upstream = await ask_stream(endpoint, envelope, timeouts, patience)
                except (ProviderError, DeadlineExceeded) as error:
                    delay_s = await tries.failed(error)
                    yield _news(error, tries.endpoint, delay_s)
                    await tries.sleep(delay_s)
            yield _opened(upstream, tries)
            while frames := await upstream.frames():
                yield frames
            tries.record(None, upstream.request_id)
            yield _ended(upstream, tries, patience)
        except Interrupted:
            pass  # its reader has closed it
        except TramiteError as error:
            if tries is None:
                raise
            if upstream is not None:
                tries.record(error)
            error.attempts = tuple(tries.attempts)
            await tries.fallback(error)
            raise
        finally:
            if upstream is not None:
                upstream.close()
            patience.done()

    async def _tries(self, envelope: Envelope, timeouts: Timeouts, patience: Patience) -> Tries:
        endpoints = await patience.in_time(self._router(envelope), "finding a target")
        return Tries(endpoints, envelope.retry or self._retry, timeouts, patience)


def _news(error: TramiteError, endpoint: Endpoint, delay_s: float) -> Retrying | Loading:
    """What a reader is told of a failed try."""
    if isinstance(error, ModelLoading):
        return Loading(str(endpoint.target), error.retry_after_s)
    return Retrying(str(endpoint.target), str(error), delay_s)


def _delivery(whole: Whole, tries: Tries, patience: Patience) -> Delivery:
    costs = [*[cost for _, cost in tries.refused], tries.endpoint.cost_nanousd(whole.signals.usage)]
    known = [cost for cost in costs if cost is not None]
    return Delivery(
        value=whole.value,
        target=tries.endpoint.target,
        signals=whole.signals,
        refused=tuple([usage for usage, _ in tries.refused]),
        cost_nanousd=sum(known) if len(known) == len(costs) else None,
        attempts=tuple(tries.attempts),
        timings=_timings(tries, patience),
        notices=whole.notices,
        request_id=whole.request_id,
    )


def _fallback(value: Any, tries: Tries, patience: Patience) -> Delivery:
    return Delivery(
        value=value,
        target=None,
        signals=None,
        attempts=tuple(tries.attempts),
        timings=_timings(tries, patience),
        notices=("no model answered: this is what on_give_up gave in its place",),
    )


def _ended(upstream: Upstream, tries: Tries, patience: Patience) -> Ended:
    unknown = upstream.watcher.finish in (None, "unknown")
    return Ended(
        attempts=tuple(tries.attempts),
        usage=upstream.watcher.usage,
        cost_nanousd=tries.endpoint.cost_nanousd(upstream.watcher.usage),
        timings=_timings(tries, patience),
        notices=("the provider ended the stream without saying why (no finish reason)",) if unknown else (),
    )


def _timings(tries: Tries, patience: Patience) -> Timings:
    return Timings(total_s=patience.elapsed_s(), waited_s=tries.waited_s)


def _opened(upstream: Upstream, tries: Tries) -> Opened:
    return Opened(
        target=tries.endpoint.target,
        operation=upstream.operation,
        watcher=upstream.watcher,
        attempts=tuple(tries.attempts),
        began_s=tries.began_s,
        waited_s=tries.waited_s,
        notices=upstream.notices,
        request_id=upstream.request_id,
    )
