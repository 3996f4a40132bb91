"""Whether and when to try again: tenacity's decisions, taken without sleeping. Knows no request."""

from __future__ import annotations

import logging
import random
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from msgspec import Struct

from tramite.errors import ConfigError, ProviderError, ReplyRefused, TramiteError

from .users import call_user

if TYPE_CHECKING:
    from tenacity import RetryCallState

logger = logging.getLogger("tramite.retry")

Strategy: TypeAlias = Literal["fixed", "random", "exponential", "exponential_jitter"]
MAX_BILLED = 3
"""Tries that may each have been charged for (facts A11, "ambiguous")."""
STRATEGIES = ("fixed", "random", "exponential", "exponential_jitter")
Decider: TypeAlias = "Callable[[RetryCallState], Any]"


class Retry(Struct, frozen=True, kw_only=True):
    """What to do after a failure that may pass. The first try counts as one of `attempts`.

    Delays, in seconds: `fixed` base_s; `random` uniform from 0 to max_s; `exponential` base_s * 2^n up to max_s;
    `exponential_jitter` uniform from 0 to that ("full jitter", AWS Architecture Blog, 2015). A provider's
    `Retry-After` is never undercut. `wait`, `stop` and `retry` take tenacity's own objects in place of ours.

    `if_reply(reply)` says that a whole answer is not good enough and is to be asked for again; `before_sleep(state)`
    and `on_give_up(state)` get tenacity's RetryCallState. What `on_give_up` returns, unless None, is the reply; a
    stream, which cannot be replaced, only tells it. These functions run in a thread, coroutine functions on the loop;
    all but `on_give_up` count against `deadline_s`.
    """

    attempts: int = 5
    strategy: Strategy = "exponential_jitter"
    base_s: float = 0.5
    max_s: float = 8.0
    wait: Decider | None = None
    stop: Decider | None = None
    retry: Decider | None = None
    if_reply: Callable[[Any], Any] | None = None
    before_sleep: Callable[[RetryCallState], Any] | None = None
    on_give_up: Callable[[RetryCallState], Any] | None = None

    def __post_init__(self) -> None:
        if not (_is_number(self.attempts, int) and self.attempts >= 1):
            raise ConfigError(f"retry.attempts must be a whole number from 1, got {self.attempts!r}")
        if self.strategy not in STRATEGIES:
            raise ConfigError(f"retry.strategy must be one of {', '.join(STRATEGIES)}, got {self.strategy!r}")
        for name, value in (("base_s", self.base_s), ("max_s", self.max_s)):
            if not (_is_number(value) and value >= 0):
                raise ConfigError(f"retry.{name} must be a number of seconds from 0, got {value!r}")

    @property
    def is_ours(self) -> bool:
        """Whether none of tenacity's objects takes our decisions over."""
        return self.wait is None and self.stop is None and self.retry is None

    def delay_s(self, failures: int) -> float:
        """The wait after this many failures (1 for the first), before `Retry-After` is looked at."""
        if self.strategy == "fixed":
            return self.base_s
        if self.strategy == "random":
            return random.uniform(0, self.max_s)
        # 2^63 seconds is past any cap, and Python's floats end at 2^1023.
        exponential = min(self.max_s, self.base_s * 2.0 ** min(failures - 1, 63))
        return exponential if self.strategy == "exponential" else random.uniform(0, exponential)


class Retrier:
    """Decides after each failure of one request at one target. `after` returns seconds, or None: give up."""

    def __init__(self, policy: Retry, max_wait_s: float, left_s: Callable[[], float]) -> None:
        from tenacity import AsyncRetrying, RetryCallState

        self._policy = policy
        self._max_wait_s = max_wait_s
        self._left_s = left_s
        self._tenacity = AsyncRetrying(
            # AsyncRetrying awaits each of the three where it is a coroutine function; its annotations do not say so.
            retry=_off_loop(policy.retry) or self._may_pass,
            wait=_off_loop(policy.wait) or self._delay,  # type: ignore[arg-type]
            stop=_off_loop(policy.stop) or self._spent,  # type: ignore[arg-type]
            reraise=True,
        )
        self.state = RetryCallState(self._tenacity, None, (), {})
        self._begun = False
        self._refused = False

    async def after_error(self, error: ProviderError) -> float | None:
        """Seconds to wait before the next try, or None to give up."""
        await self._begin()
        self.state.set_exception((type(error), error, error.__traceback__))
        return await self._decide(str(error), error.retry_after_s)

    async def after_reply(self, reply: Any) -> float | None:
        """The same for an answer: None to take it. Raises ReplyRefused when it is refused for the last time."""
        await self._begin()
        self.state.set_result(reply)
        delay = await self._decide("the reply was refused by the retry predicate", None)
        if delay is None and self._refused:
            raise ReplyRefused(f"the reply was refused by the retry predicate {self.state.attempt_number} times", reply)
        return delay

    async def throttled(self, error: ProviderError, delay_s: float) -> None:
        """Tell of a wait that the provider asks for: it is no failure, and none of the tries is used up."""
        await self._begin()
        self.state.set_exception((type(error), error, error.__traceback__))
        logger.warning("%s; next in %.2f s", error, delay_s)
        if self._policy.before_sleep:
            await call_user(self._policy.before_sleep, self.state)

    async def fallback(self, error: TramiteError) -> Any:
        """What the user's `on_give_up` puts in place of a reply; None if there is nothing."""
        if self._policy.on_give_up is None:
            return None
        if not isinstance(error, ReplyRefused):
            self.state.set_exception((type(error), error, error.__traceback__))
        return await call_user(self._policy.on_give_up, self.state)

    async def _begin(self) -> None:
        if not self._begun:
            self._begun = True
            self._tenacity.begin()
            await self._tenacity.iter(self.state)  # tenacity's own first step: "do attempt"

    async def _decide(self, reason: str, retry_after_s: float | None) -> float | None:
        from tenacity import DoSleep, RetryError

        try:
            step = await self._tenacity.iter(self.state)
        except (ProviderError, RetryError) as given_up:
            self._refused = isinstance(given_up, RetryError)
            return None
        if not isinstance(step, DoSleep):
            return None
        delay = max(float(step), retry_after_s or 0.0)
        if delay > self._left_s() or (retry_after_s or 0.0) > self._max_wait_s:
            logger.warning("giving up: %s; the next try could only be in %.1f s", reason, delay)
            self._refused = retry_after_s is None
            return None
        logger.warning("try %d failed: %s; next in %.2f s", self.state.attempt_number, reason, delay)
        if self._policy.before_sleep:
            await call_user(self._policy.before_sleep, self.state)
        self.state.prepare_for_next_attempt()
        return delay

    async def _may_pass(self, state: RetryCallState) -> bool:
        outcome = state.outcome
        if outcome is None:
            return False
        if outcome.failed:
            return bool(getattr(outcome.exception(), "retryable", False))
        return bool(self._policy.if_reply and await call_user(self._policy.if_reply, outcome.result()))

    def _delay(self, state: RetryCallState) -> float:
        return self._policy.delay_s(state.attempt_number)

    def _spent(self, state: RetryCallState) -> bool:
        error = state.outcome.exception() if state.outcome else None
        if getattr(error, "maybe_billed", False):
            return state.attempt_number >= min(self._policy.attempts, MAX_BILLED)
        return state.attempt_number >= self._policy.attempts


def _is_number(value: object, kinds: Any = (int, float)) -> bool:
    return isinstance(value, kinds) and not isinstance(value, bool)


def _off_loop(decide: Decider | None) -> Callable[[RetryCallState], Awaitable[Any]] | None:
    """A tenacity object may hold a function of the user's (`retry_if_result(f)`): keep it off the loop."""
    if decide is None:
        return None
    chosen = decide

    async def decided(state: RetryCallState) -> Any:
        return await call_user(chosen, state)

    return decided
