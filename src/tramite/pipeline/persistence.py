"""How long one target is persisted with: what may be tried there again, and when (facts A11). Sends nothing itself."""

from __future__ import annotations

import logging
from typing import Any, NamedTuple

from tramite.config import Timeouts
from tramite.errors import AuthenticationFailed, ModelLoading, ProviderError, Throttled, TramiteError

from .endpoint import Endpoint
from .governing import Governor
from .judging import AT_ONCE
from .passage import Passage
from .patience import Patience
from .retry import Retrier, Retry

logger = logging.getLogger("tramite.retry")

LOADING_STEP_S = 5.0
MAX_LOADING_STEP_S = 30.0
THROTTLE_S = 0.5
MAX_THROTTLE_S = 30.0
"""How long to wait after a throttle that says nothing: twice as long after each further one."""
_CALLBACK = "in a function of the retry policy"


class Policy(NamedTuple):
    """What holds for all tries of one request."""

    retry: Retry
    timeouts: Timeouts
    governor: Governor


class Persistence:
    """One request at one target."""

    def __init__(self, endpoint: Endpoint, policy: Policy, patience: Patience) -> None:
        self._endpoint = endpoint
        self._policy = policy
        self._patience = patience
        self._retrier: Retrier | None = None
        self._renewed = False
        self._throttles = 0
        self._throttled_s = 0.0
        self._loading_since_s: float | None = None

    async def again_s(self, error: ProviderError, passage: Passage, elsewhere: bool) -> float | None:
        """Seconds until the next try here; None for no further one. `elsewhere`: another target stands ready."""
        if isinstance(error, AuthenticationFailed):
            return 0.0 if await self._may_renew(error, passage) else None
        if isinstance(error, ModelLoading):
            return self._loading_wait_s(error)
        if isinstance(error, Throttled) and self._policy.retry.is_ours:
            return await self._throttled_wait_s(error, passage, elsewhere)
        if elsewhere and type(error) in AT_ONCE:
            return None
        delay_s: float | None = await self._in_time(self._deciding().after_error(error))
        if delay_s is not None and error.retryable and not self._endpoint.retries.withdraw(self._patience.now()):
            logger.warning("giving up: so much fails at %s that it is not tried again", self._endpoint.target)
            return None
        return delay_s

    async def after_reply(self, reply: Any) -> float | None:
        """The same for an answer that the user's predicate may refuse: None to take it. Raises ReplyRefused."""
        delay_s: float | None = await self._in_time(self._deciding().after_reply(reply))
        return delay_s

    async def fallback(self, error: TramiteError) -> Any:
        """What the user's `on_give_up` gives in place of an answer; None if nothing."""
        return await self._deciding().fallback(error)

    async def _may_renew(self, error: ProviderError, passage: Passage) -> bool:
        """Once per target: a 401 may only mean that the secret was renewed where it is kept."""
        if self._renewed or error.status != 401:
            return False
        self._renewed = True
        renewing = self._endpoint.renew_secret(passage.renewals)
        return await self._patience.in_time(renewing, f"reading the secret for {self._endpoint.target} again")

    def _loading_wait_s(self, error: ModelLoading) -> float | None:
        """A cold start costs no attempt: the server is asked again, slowly, until `start_timeout_s` is over.

        Providers' estimates are often wrong (facts A5), so none is slept through whole.
        """
        now_s = self._patience.elapsed_s()
        if self._loading_since_s is None:
            self._loading_since_s = now_s
        ends_s = self._loading_since_s + self._policy.timeouts.start_timeout_s
        wait_s = min(error.retry_after_s or LOADING_STEP_S, MAX_LOADING_STEP_S)
        if wait_s > min(ends_s - now_s, self._patience.left_s()):
            return None
        logger.info("%s is being loaded; asking again in %.1f s", self._endpoint.target, wait_s)
        return wait_s

    async def _throttled_wait_s(self, error: Throttled, passage: Passage, elsewhere: bool) -> float | None:
        """A throttle costs no attempt either: all that go there wait, at most `max_wait_s` in all."""
        wait_s = error.retry_after_s
        if wait_s is None:
            wait_s = min(MAX_THROTTLE_S, THROTTLE_S * 2**self._throttles)
            self._throttles += 1
        if passage.permit is not None:
            wait_s = max(wait_s, passage.permit.throttled(error.retry_after_s))
        self._throttled_s += wait_s
        too_long = self._throttled_s > self._policy.timeouts.max_wait_s or wait_s > self._patience.left_s()
        if elsewhere or too_long:
            return None
        await self._in_time(self._deciding().throttled(error, wait_s))
        return wait_s

    async def _in_time(self, deciding: Any) -> Any:
        return await self._patience.in_time(deciding, _CALLBACK)

    def _deciding(self) -> Retrier:
        if self._retrier is None:
            policy = self._policy
            self._retrier = Retrier(policy.retry, policy.timeouts.max_wait_s, self._patience.left_s)
        return self._retrier
