"""What follows a try: another at the same target, one at the next target, or the end. Sends nothing itself."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Any

import msgspec

from tramite.config import Timeouts
from tramite.errors import (
    AuthenticationFailed,
    DeadlineExceeded,
    ModelLoading,
    ProviderError,
    ReplyRefused,
    RequestRejected,
    TramiteError,
)
from tramite.replies import Attempt, Usage

from .attempt import Whole
from .endpoint import Endpoint
from .patience import Patience
from .retry import Retrier, Retry

logger = logging.getLogger("tramite.retry")

LOADING_STEP_S = 5.0
MAX_LOADING_STEP_S = 30.0
_CALLBACK = "in a function of the retry policy"


class Tries:
    """The tries of one request over the targets of its route. `endpoint` is whose turn it is."""

    def __init__(self, endpoints: Sequence[Endpoint], retry: Retry, timeouts: Timeouts, patience: Patience) -> None:
        self.endpoint = endpoints[0]
        self.attempts: list[Attempt] = []
        self.refused: list[tuple[Usage | None, int | None]] = []
        """What the answers used and cost that the retry predicate did not take."""
        self.waited_s = 0.0
        self.began_s = 0.0
        self._next = list(endpoints[1:])
        self._retry = retry
        self._timeouts = timeouts
        self._patience = patience
        self._retrier: Retrier | None = None
        self._renewals = 0
        self._renewed = False
        self._loading_since_s: float | None = None

    def begin(self) -> Endpoint:
        """A try begins now, at this endpoint. Raises DeadlineExceeded when it is too late for that."""
        if self._patience.left_s() <= 0:
            raise self._patience.over(f"before {self.endpoint.target} was asked")
        self.began_s, self._renewals = self._patience.elapsed_s(), self.endpoint.renewals
        return self.endpoint

    async def failed(self, error: TramiteError) -> float:
        """Record a failed try; seconds until the next one, which may be at another endpoint.

        Raises the error itself where there is none.
        """
        self.record(error)
        if not isinstance(error, ProviderError):
            raise error
        if await self._may_renew(error):
            return 0.0
        if isinstance(error, ModelLoading):
            delay_s = self._loading_wait_s(error)
        else:
            delay_s = await self._patience.in_time(self._deciding().after_error(error), _CALLBACK)
        if delay_s is not None:
            return delay_s
        if not self._next or isinstance(error, AuthenticationFailed | RequestRejected):
            raise error
        self.endpoint, self._retrier = self._next.pop(0), None
        self._renewed, self._loading_since_s = False, None
        return 0.0

    async def succeeded(self, whole: Whole) -> float | None:
        """Record a try that brought an answer; None to take it, or seconds until the next try. Raises ReplyRefused."""
        self.record(None, whole.request_id)
        if self._retry.if_reply is None and self._retry.retry is None:
            return None
        delay_s: float | None = None
        try:
            delay_s = await self._patience.in_time(self._deciding().after_reply(whole.value), _CALLBACK)
        except ReplyRefused:
            self._refuse(whole)
            raise
        if delay_s is not None:
            self._refuse(whole)
        return delay_s

    async def fallback(self, error: TramiteError) -> Any:
        """What the user's `on_give_up` gives in place of an answer; None if nothing, or if it was never asked for."""
        if self._retry.on_give_up is None or not isinstance(error, ProviderError | DeadlineExceeded | ReplyRefused):
            return None
        return await self._deciding().fallback(error)

    async def sleep(self, delay_s: float) -> None:
        """Wait for the next try's turn."""
        if delay_s <= 0:
            return
        began_s = self._patience.elapsed_s()
        await self._patience.in_time(asyncio.sleep(delay_s), "waiting to try again")
        self.waited_s += self._patience.elapsed_s() - began_s

    def record(self, error: TramiteError | None, request_id: str | None = None) -> None:
        """Note how the try that began last has ended; an error is told where it happened."""
        status, target = 200, self.endpoint.target
        maybe_billed = False
        if isinstance(error, ProviderError):
            error.at(target.provider, target.model)
            request_id, maybe_billed = error.request_id, error.maybe_billed
        self.attempts.append(
            Attempt(
                target=self.endpoint.name,
                duration_s=self._patience.elapsed_s() - self.began_s,
                status=getattr(error, "status", None) if error else status,
                error="" if error is None else f"{type(error).__name__}: {error}",
                request_id=request_id,
                maybe_billed=maybe_billed,
            )
        )

    def _refuse(self, whole: Whole) -> None:
        """An answer that is not taken was paid for all the same."""
        self.refused.append((whole.signals.usage, self.endpoint.cost_nanousd(whole.signals.usage)))
        self.attempts[-1] = msgspec.structs.replace(self.attempts[-1], error="refused by the retry predicate")

    async def _may_renew(self, error: ProviderError) -> bool:
        """Once per target: a 401 may only mean that the secret was renewed where it is kept."""
        if self._renewed or not isinstance(error, AuthenticationFailed) or error.status != 401:
            return False
        self._renewed = True
        return await self._patience.in_time(
            self.endpoint.renew_secret(self._renewals), f"reading the secret for {self.endpoint.target} again"
        )

    def _loading_wait_s(self, error: ModelLoading) -> float | None:
        """A cold start costs no attempt: the server is asked again, slowly, until `start_timeout_s` is over.

        Providers' estimates are often wrong (facts A5), so none is slept through whole.
        """
        now_s = self._patience.elapsed_s()
        if self._loading_since_s is None:
            self._loading_since_s = now_s
        left_s = min(self._loading_since_s + self._timeouts.start_timeout_s - now_s, self._patience.left_s())
        wait_s = min(error.retry_after_s or LOADING_STEP_S, MAX_LOADING_STEP_S)
        if wait_s > left_s:
            return None
        logger.info("%s is being loaded; asking again in %.1f s", self.endpoint.target, wait_s)
        return wait_s

    def _deciding(self) -> Retrier:
        if self._retrier is None:
            self._retrier = Retrier(self._retry, self._timeouts.max_wait_s, self._patience.left_s)
        return self._retrier
