"""Lets tries through and sees them off: limits first, then money; and tells whoever wants to know. Sends nothing."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Sequence
from itertools import count
from time import time
from typing import TYPE_CHECKING, NamedTuple

from tramite.config import Limits
from tramite.errors import ConnectFailed, Overloaded, TramiteError

from .envelope import Envelope
from .limits.limiter import Limiter
from .limits.permit import Permit
from .limits.scope import Scope, of_address
from .limits.views import Left
from .observing import Beginning, Caller, Ending, Observer, Outcome
from .passage import Passage
from .patience import Patience

if TYPE_CHECKING:
    from .ledger import Ledger

logger = logging.getLogger("tramite.limits")

TELL_S = 1.0
COUNTED_OUTPUT = frozenset(("openai", "openai-responses", "anthropic", "huggingface"))
"""The dialects whose providers count the output that is asked for when they let a request in (facts A1 to A3)."""


class About(NamedTuple):
    """Which try of which request it is."""

    call_id: str
    number: int
    route: str


class Governor:
    """The limits, the budgets and the observers of one client. Any of them may be absent, and then costs nothing."""

    def __init__(
        self,
        limiter: Limiter | None,
        ledger: Ledger | None = None,
        observers: Sequence[Observer] = (),
        each_address: Limits | None = None,
    ) -> None:
        self.limiter = limiter
        self._each_address = each_address
        self.ledger = ledger
        self.observed = bool(ledger or observers)
        """Whether anybody wants to know of tries."""
        self.watched = bool(observers)
        """Whether anybody wants to know of whole requests."""
        self._observers: tuple[Observer, ...] = (*([ledger] if ledger else []), *observers)
        self._name = os.urandom(8).hex()
        self._numbers = count(1)

    def __repr__(self) -> str:
        return f"Governor({self.limiter!r}, {self.ledger!r}, {len(self._observers)} observers)"

    def name_request(self) -> str:
        """A name that no other request has, of this process or another, before a fork or after it."""
        return f"{self._name}{os.getpid():x}-{next(self._numbers):x}"

    async def admit(
        self, passage: Passage, envelope: Envelope, about: About, patience: Patience, wait_s: float
    ) -> None:
        """Return when the try may be sent: its limits are open and its worst case is held.

        Raises LimitExceeded (it would take longer than `wait_s`), BudgetExceeded, DeadlineExceeded, and ConfigError for
        a target without a price under a budget.
        """
        limiter, scopes = self.limiter, passage.endpoint.scopes
        if envelope.caller.limits is not None:
            scopes = (*scopes, Scope(_bucket(envelope.caller), envelope.caller.limits))
        if self._each_address is not None and envelope.caller.address:
            scopes = (*scopes, of_address(envelope.caller.address, self._each_address))
        if limiter is not None and scopes:
            tokens = _tokens(passage, envelope) if limiter.counts_tokens(scopes) else 0
            passage.permit = limiter.take_now(scopes, tokens, envelope.caller.priority)
            if passage.permit is None:
                taking = limiter.take(scopes, tokens, within_s=wait_s, priority=envelope.caller.priority)
                passage.permit = await _told(taking, f"waiting for a limit of {passage.endpoint.target}", patience)
                passage.sets_out(patience.elapsed_s())
        if not self.observed:
            return
        passage.beginning = beginning(passage, envelope, about)
        try:
            if self.ledger is not None:
                await self.ledger.hold(passage, envelope, patience)
        except BaseException:
            passage.beginning = None
            if passage.permit is not None:
                passage.permit.abandon(sent=False)
            raise
        for observer in self._observers:
            observer.attempt_begins(passage.beginning)

    def end(self, passage: Passage, duration_s: float, error: TramiteError | None, left: bool = False) -> None:
        """The try has ended; what was taken for it is given back. Never waits, never raises."""
        if passage.permit is not None:
            if error is None and not left:
                passage.permit.settle(None if passage.usage is None else passage.usage.total_tokens)
            else:
                if isinstance(error, Overloaded):
                    passage.permit.overloaded()
                passage.permit.abandon(sent=passage.sent and not isinstance(error, ConnectFailed))
        if passage.beginning is None:
            return
        billed = (left or error is not None) and passage.maybe_billed(error)
        ending = Ending(
            beginning=passage.beginning,
            total_s=duration_s,
            waited_s=passage.waited_s,
            first_token_s=passage.first_token_s,
            status=passage.status if error is None else getattr(error, "status", None) or passage.status,
            error=error,
            left=left,
            finish=passage.finish,
            model=getattr(passage.value, "model", ""),
            usage=passage.usage,
            cost_nanousd=_cost(passage, failed=left or error is not None, billed=billed),
            held_nanousd=passage.held_nanousd,
            maybe_billed=billed,
            request_id=passage.request_id,
            texts=passage.texts,
        )
        for observer in self._observers:
            observer.attempt_ended(ending)

    def request_ended(self, outcome: Outcome) -> None:
        """A request has ended."""
        for observer in self._observers:
            observer.request_ended(outcome)

    def left(self, caller: Caller) -> tuple[Left | None, Left | None]:
        """What is left of a caller's own limits: requests and tokens; None where there is none, or it is not known."""
        if caller.limits is None or self.limiter is None:
            return None, None
        return self.limiter.left(_bucket(caller))

    def closed_s(self, scopes: tuple[Scope, ...]) -> float:
        """Seconds until a target that has asked to wait may be asked again."""
        return self.limiter.closed_s(scopes) if self.limiter is not None else 0.0

    async def aclose(self) -> None:
        """Write down what is queued, and let go of what is open on this loop."""
        if self.limiter is not None:
            await self.limiter.aclose()
        if self.ledger is not None:
            await self.ledger.store.flush()


async def _told(taking: Awaitable[Permit], doing: str, patience: Patience) -> Permit:
    """Wait, and say so where it takes long enough to be wondered at."""
    telling = asyncio.get_running_loop().call_later(TELL_S, logger.info, doing)
    try:
        return await patience.in_time(taking, doing)
    finally:
        telling.cancel()


def _bucket(caller: Caller) -> str:
    """Where it is counted what a key has taken."""
    return f"key:{caller.key}"


def beginning(passage: Passage, envelope: Envelope, about: About) -> Beginning:
    """What observers are told of a try that is about to be sent."""
    endpoint = passage.endpoint
    return Beginning(
        attempt_id=f"{about.call_id}-{about.number}",
        call_id=about.call_id,
        number=about.number,
        at=time(),
        kind=envelope.kind,
        asked=envelope.model,
        route=about.route,
        provider=endpoint.provider.name,
        model=endpoint.target.model,
        dialect=endpoint.dialect.name,
        stream=envelope.stream,
        caller=envelope.caller,
        since_s=passage.began_s,
        server=endpoint.server,
    )


def _tokens(passage: Passage, envelope: Envelope) -> int:
    """What the provider will count when it lets this request in, as far as we can tell."""
    endpoint = passage.endpoint
    tokens = endpoint.estimate(envelope.text_bytes())
    if endpoint.dialect.name in COUNTED_OUTPUT:
        tokens += envelope.most_written
    return tokens


def _cost(passage: Passage, failed: bool, billed: bool) -> int | None:
    """Of what failed before anything was charged, nothing; of what may have been charged, nobody knows."""
    if not failed:
        return passage.endpoint.cost_nanousd(passage.usage)
    return None if billed else 0
