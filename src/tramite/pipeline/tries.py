"""What follows a try: another at the same target, one at another, or the end. Sends nothing itself."""

from __future__ import annotations

import asyncio
from math import inf
from typing import Any

import msgspec

from tramite.errors import (
    ContextTooLong,
    DeadlineExceeded,
    LimitExceeded,
    ProviderError,
    QuotaExhausted,
    ReplyRefused,
    TramiteError,
    Unsupported,
)
from tramite.replies import Attempt, Usage

from .attempt import Whole
from .choosing import best, larger
from .endpoint import Endpoint
from .envelope import Envelope
from .governing import About
from .judging import DOWN, PARKED_S, name_of
from .passage import Passage
from .patience import Patience
from .persistence import Persistence, Policy
from .route import Found

GIVEN_UP = (ProviderError, DeadlineExceeded, LimitExceeded, ReplyRefused)
"""The errors that mean that an answer was tried for; the others are the request's own."""
PROBE_S = 30.0
"""How long a target that was down may keep its first request, before another one tries it."""


class Tries:
    """The tries of one request over the targets of its route. `endpoint` is whose turn it is."""

    def __init__(self, found: Found, envelope: Envelope, policy: Policy, patience: Patience) -> None:
        self.attempts: list[Attempt] = []
        self.refused: list[tuple[Usage | None, int | None]] = []
        """What the answers used and cost that the retry predicate did not take."""
        self.waited_s = 0.0
        self.elapsed_s = 0.0
        """How long the request had been under way when its last try ended."""
        self.delay_s = 0.0
        """How long to wait before the next try."""
        self.envelope = envelope
        self.prefilled = False
        """Whether the envelope holds the beginning of its answer, with which not every target goes on."""
        self.passage: Passage | None = None
        """The try under way."""
        self.call_id = policy.governor.name_request() if policy.governor.observed else ""
        self._found = found
        self._policy = policy
        self._patience = patience
        self.route = found.route
        self._left = list(found.endpoints)
        self._limited: LimitExceeded | None = None
        self.endpoint = self._left.pop() if len(self._left) == 1 else self._next(self._left)
        self._here: Persistence | None = None

    async def begin(self) -> Passage:
        """The next try, once its limits and budgets let it through.

        Raises DeadlineExceeded when it is too late for that, LimitExceeded, BudgetExceeded, and InvalidCall for what
        the target cannot be asked.
        """
        endpoint, patience, governor = self.endpoint, self._patience, self._policy.governor
        now = patience.now()
        if now >= patience.deadline_at:
            raise patience.over(f"before {endpoint.target} was asked")
        envelope, notice = self.envelope, ""
        if governor.ledger is not None and not endpoint.free:
            envelope, notice = governor.ledger.capped(envelope)
        encoded = envelope.body_for(endpoint.dialect, endpoint.target)
        if notice:
            encoded = msgspec.structs.replace(encoded, notices=(*encoded.notices, notice))
        self.passage = passage = Passage(endpoint, encoded, now - patience.started_at, endpoint.renewals)
        about = About(self.call_id, len(self.attempts) + 1, self._found.name)
        await governor.admit(passage, envelope, about, patience, self._policy.timeouts.max_wait_s)
        self.waited_s += passage.waited_s
        if not self.attempts:
            endpoint.retries.deposit(now)
        if not endpoint.standing.well:
            endpoint.standing.probe(now, PROBE_S)
        return passage

    async def failed(self, error: TramiteError) -> None:
        """Record a failed try. Another follows after `delay_s`, perhaps elsewhere; else the error is raised."""
        self.delay_s = 0.0
        passage = self.record(error)
        if isinstance(error, ProviderError) and passage is not None:
            delay_s = await self._persistence().again_s(error, passage, elsewhere=bool(self._able(error)))
            if delay_s is not None:
                self.delay_s = delay_s
                return
        if isinstance(error, LimitExceeded):
            self._limited = min(self._limited or error, error, key=_wait_s)
        self._blame(error)
        if not self.move_on(error):
            raise self._limited if self._limited is not None and isinstance(error, LimitExceeded) else error

    async def succeeded(self, whole: Whole) -> bool:
        """Record a try that brought an answer; whether it is taken, or another follows after `delay_s`.

        Raises ReplyRefused.
        """
        self.record(None)
        retry = self._policy.retry
        if retry.if_reply is None and retry.retry is None:
            return True
        try:
            delay_s = await self._persistence().after_reply(whole.value)
        except ReplyRefused:
            self._refuse(whole)
            raise
        if delay_s is None:
            return True
        self.delay_s = delay_s
        self._refuse(whole)
        return False

    def broke_off(self, error: TramiteError) -> None:
        """Record a stream that broke after its reader had seen something of it."""
        self.record(error)
        self._blame(error)

    def carry(self, envelope: Envelope, prefilled: bool = False) -> None:
        """Ask with this from here on."""
        self.envelope, self.prefilled = envelope, prefilled

    def move_on(self, error: TramiteError) -> bool:
        """Go to the target that is best asked now; whether there is one that may not have this failure."""
        able = self._able(error)
        if not able:
            return False
        if isinstance(error, ContextTooLong):
            self._left = larger(self._left, self.endpoint)
        self.endpoint = self._next(able)
        self._here = None
        return True

    async def fallback(self, error: TramiteError) -> Any:
        """What the user's `on_give_up` gives in place of an answer; None if nothing, or if it was never asked for."""
        if self._policy.retry.on_give_up is None or not isinstance(error, GIVEN_UP):
            return None
        return await self._persistence().fallback(error)

    async def sleep(self) -> None:
        """Wait for the next try's turn."""
        delay_s = self.delay_s
        if delay_s <= 0:
            return
        began_s = self._patience.elapsed_s()
        await self._patience.in_time(asyncio.sleep(delay_s), "waiting to try again")
        self.waited_s += self._patience.elapsed_s() - began_s

    def record(self, error: TramiteError | None) -> Passage | None:
        """Note how the try under way has ended; an error is told where it happened."""
        passage, self.passage = self.passage, None
        if passage is None:
            if isinstance(error, Unsupported):
                self.attempts.append(Attempt(self.endpoint.name, 0.0, error=f"{type(error).__name__}: {error}"))
            return None
        self.elapsed_s = self._patience.elapsed_s()
        endpoint, duration_s = passage.endpoint, self.elapsed_s - passage.began_s
        if isinstance(error, ProviderError):
            endpoint.hide_secret(error)
            error.at(endpoint.target.provider, endpoint.target.model, passage.request_id)
            passage.request_id = error.request_id
        elif error is None:
            if not endpoint.standing.well:
                endpoint.standing.succeeded()
            if self.route is not None and self.route.choose == "fastest":
                endpoint.standing.began(duration_s if passage.first_token_s is None else passage.first_token_s)
        self._policy.governor.end(passage, duration_s, error)
        self.attempts.append(passage.attempt(duration_s, error))
        return passage

    def leave(self) -> None:
        """The caller is gone: what the try under way has taken is given back."""
        passage, self.passage = self.passage, None
        if passage is not None:
            self._policy.governor.end(passage, self._patience.elapsed_s() - passage.began_s, None, left=True)

    def _refuse(self, whole: Whole) -> None:
        """An answer that is not taken was paid for all the same."""
        self.refused.append((whole.signals.usage, self.endpoint.cost_nanousd(whole.signals.usage)))
        self.attempts[-1] = msgspec.structs.replace(self.attempts[-1], error="refused by the retry predicate")

    def _blame(self, error: TramiteError) -> None:
        """What speaks against the target itself keeps later requests away from it for a while."""
        if self.route is None or name_of(error) not in DOWN:
            return
        asked_s = getattr(error, "retry_after_s", None) or 0.0
        at_least_s = max(asked_s, PARKED_S) if isinstance(error, QuotaExhausted) else asked_s
        self.endpoint.standing.failed(self._patience.now(), self.route.cooldown_s, at_least_s)

    def _able(self, error: TramiteError) -> list[Endpoint]:
        """The targets that may not have this failure, and can be asked with what there is to ask."""
        if self.route is None or name_of(error) not in self.route.failover:
            return []
        left = larger(self._left, self.endpoint) if isinstance(error, ContextTooLong) else self._left
        return [endpoint for endpoint in left if endpoint.target.traits.prefill] if self.prefilled else left

    def _persistence(self) -> Persistence:
        if self._here is None:
            self._here = Persistence(self.endpoint, self._policy, self._patience)
        return self._here

    def _next(self, able: list[Endpoint]) -> Endpoint:
        chosen = able[0] if len(able) == 1 else best(able, self._patience.now(), self._policy.governor.closed_s)
        self._left.remove(chosen)
        return chosen


def _wait_s(error: LimitExceeded) -> float:
    return inf if error.retry_after_s is None else error.retry_after_s
