"""Lets requests go when their limits allow: asks the state for starts, and keeps those in order who must wait.

Knows no provider and no call: buckets have names, requests have sizes. Serves one event loop at a time.
"""

from __future__ import annotations

import asyncio
import math
from itertools import count

from tramite.errors import LimitExceeded
from tramite.pipeline.observing import Priority

from . import rates
from .alarm import Alarm
from .decisions import AHEAD_US, LEASE_US, SECOND_US, cost_us
from .gate import Gate
from .learning import Mark
from .line import RANKS, Line, Waiter
from .permit import Permit
from .records import AT_ONCE, CONCURRENCY, THROTTLED, Verdict
from .scope import Plan, Scope
from .state import State
from .views import Left, View, left, view

LOOK_S = 0.25
"""How often it is looked whether a slot is free that another process holds: nobody tells us."""
SLOT_S = 1.0
"""When to come back for a slot: nobody knows when one will be free."""
RENEW_S = LEASE_US / SECOND_US / 3
PLANS = 1024
"""So many sets of buckets are remembered before those that nothing goes on in are forgotten."""


class Limiter:
    """What the pipeline asks before it sends. `headroom`: the share of each rate that is left alone."""

    def __init__(self, state: State, *, headroom: float = rates.HEADROOM) -> None:
        self._state = state
        self._headroom = headroom
        self._gates: dict[str, Gate] = {}
        self._plans: dict[tuple[Scope, ...], Plan] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._alarm: Alarm | None = None
        self._order = count()
        self._renewing = False
        self._forget_at = PLANS

    def __repr__(self) -> str:
        now = self._loop.time() if self._loop else 0.0
        gates = self._gates.values()
        in_flight = sum(gate.in_flight for gate in gates)
        waiting = sum(plan.line.waiting for plan in self._plans.values())
        closed = [gate.want.bucket for gate in gates if gate.closed_s(now)]
        return f"Limiter({self._state!r}, in flight {in_flight}, waiting {waiting}, closed {closed})"

    def take_now(self, scopes: tuple[Scope, ...], tokens: int, priority: Priority = "interactive") -> Permit | None:
        """A permit, if nobody waits and it may go this instant; None: use `take`. Who waits goes first, always."""
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self._move(loop)
        plan = self._plans.get(scopes) or self._plan(scopes)
        counted = plan.counted
        for gate in plan.gates:
            if gate.claimant is not None or (gate.ceiling is not None and gate.in_flight >= gate.ceiling):
                return None
            if gate.closed_until_s and gate.closed_until_s > loop.time():
                return None
            counted = counted or bool(gate.learning.known)
        if plan.line.waiting or (counted and not self._state.take_now(plan.wants, tokens)):
            return None
        return self._permit(plan, tokens, counted, loop, 0.0)

    async def take(
        self, scopes: tuple[Scope, ...], tokens: int, *, within_s: float, priority: Priority = "interactive"
    ) -> Permit:
        """A permit, when its turn has come and its limits allow: first come, first served, interactive before batch.

        Raises LimitExceeded, at once where it can never fit or would have to wait longer than `within_s`.
        """
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self._move(loop)
        plan = self._plans.get(scopes) or self._plan(scopes)
        began_s = loop.time()
        waiter = Waiter(RANKS[priority], next(self._order), tokens, within_s, began_s + within_s)
        expected = self._expected(plan, waiter, began_s)
        if expected.wait_s > within_s:
            raise too_long(expected, waiter)
        plan.join(waiter)
        try:
            counted = await self._start(plan, waiter, loop)
            return self._permit(plan, tokens, counted, loop, loop.time() - began_s)
        finally:
            plan.leave(waiter)

    def counts_tokens(self, scopes: tuple[Scope, ...]) -> bool:
        """Whether the size of a request matters here: whoever asks may leave it at 0 where it does not."""
        plan = self._plans.get(scopes) or self._plan(scopes)
        if plan.counted:
            return True
        for gate in plan.gates:  # noqa: SIM110 - every call comes here, and a generator costs more than all of it
            if gate.learning.known:
                return True
        return False

    def closed_s(self, scopes: tuple[Scope, ...]) -> float:
        """Seconds until all the buckets are open that this process knows a throttle to have closed."""
        now = asyncio.get_running_loop().time()
        gates = [self._gates[scope.name] for scope in scopes if scope.name in self._gates]
        return max((gate.closed_s(now) for gate in gates), default=0.0)

    def left(self, bucket: str) -> tuple[Left | None, Left | None]:
        """What is left of a bucket's own limits, requests and tokens, as far as this process knows without waiting."""
        gate, seen = self._gates.get(bucket), self._state.seen(bucket)
        return (None, None) if gate is None or seen is None else left(seen[0], gate.want, seen[1])

    async def views(self) -> list[View]:
        """Every bucket that this process has used lately. Raises TramiteError where the state cannot be read."""
        now = asyncio.get_running_loop().time()
        snapshot = await self._state.read()
        return [view(self._gates[name], snapshot, now) for name in sorted(self._gates)]

    async def aclose(self) -> None:
        """Let go of timers, files and connections. It may be used again."""
        if self._alarm is not None and self._loop is asyncio.get_running_loop():
            self._alarm.stop()
        self._loop = None
        await self._state.aclose()

    async def _start(self, plan: Plan, waiter: Waiter, loop: asyncio.AbstractEventLoop) -> bool:
        """Return when it may go; whether the state has counted it."""
        while True:
            ask_at_s = math.inf
            if plan.line.first is waiter and not waiter.is_behind(plan.gates):
                counted, verdict = plan.is_counted, plan.blocked(loop.time()) or AT_ONCE
                if counted and verdict.granted:
                    verdict = await self._state.take(plan.wants, waiter.tokens)
                if verdict.granted:
                    if await self._reach(verdict, plan, waiter, loop):
                        return counted
                    continue
                if loop.time() + verdict.wait_s > waiter.until_s:
                    raise too_long(verdict, waiter)
                ask_at_s = self._refused(verdict, waiter, loop.time())
            if loop.time() >= waiter.until_s:
                raise too_long(self._expected(plan, waiter, loop.time()), waiter)
            await self._sleep(waiter, min(waiter.until_s, ask_at_s))

    def _refused(self, verdict: Verdict, waiter: Waiter, now: float) -> float:
        """Let nobody pass in that bucket; when to ask again."""
        gate = self._gates[verdict.bucket]
        needs_slot = verdict.limit == CONCURRENCY
        waiter.claim(gate, needs_slot)
        if needs_slot:
            all_ours = gate.full or (gate.want.slots is not None and gate.in_flight >= gate.want.slots)
            return math.inf if all_ours else now + LOOK_S
        if verdict.limit == THROTTLED:
            gate.closed_until_s = max(gate.closed_until_s, now + verdict.wait_s)
            return gate.closed_until_s
        return now + verdict.wait_s - AHEAD_US / SECOND_US

    async def _reach(self, verdict: Verdict, plan: Plan, waiter: Waiter, loop: asyncio.AbstractEventLoop) -> bool:
        """Wait for the start that is granted. False: a throttle came in between, and it is given back."""
        if not verdict.wait_s:
            return True
        start_s = loop.time() + verdict.wait_s
        waiter.unclaim()
        try:
            if start_s > waiter.until_s:
                raise too_long(verdict, waiter)
            while loop.time() < start_s:
                await self._sleep(waiter, start_s)
        except BaseException:
            self._state.give_back(plan.wants, -waiter.tokens, True)
            raise
        if plan.blocked(loop.time()) is None:
            return True
        self._state.give_back(plan.wants, -waiter.tokens, True)
        return False

    async def _sleep(self, waiter: Waiter, until_s: float) -> None:
        """Until then, or until its bell rings."""
        alarm = self._alarm
        number = alarm.at(until_s, waiter.bell.set) if alarm is not None and until_s < math.inf else None
        try:
            await waiter.bell.wait()
            waiter.bell.clear()
        finally:
            if alarm is not None and number is not None:
                alarm.drop(number)

    def _expected(self, plan: Plan, waiter: Waiter, now: float) -> Verdict:
        """How long those before it keep it waiting at the least, as far as this process knows."""
        longest = plan.blocked(now) or AT_ONCE
        requests, tokens = plan.line.before(waiter.order[0])
        for gate in plan.gates if requests else ():
            for rate in gate.rates(now):
                wait_s = cost_us(rate, tokens if rate.tokens else requests) / SECOND_US
                if wait_s > longest.wait_s:
                    longest = Verdict(False, wait_s, gate.want.bucket, rate.name)
        return longest

    def _permit(
        self, plan: Plan, tokens: int, counted: bool, loop: asyncio.AbstractEventLoop, waited_s: float
    ) -> Permit:
        now = loop.time()
        marks = []
        for gate in plan.learners:
            gate.requests += 1
            gate.tokens += tokens
            marks.append(Mark(gate.requests, gate.tokens, now))
        for gate in plan.gates:
            gate.in_flight += 1
        if plan.slots and self._state.shared and not self._renewing:
            self._renew()
        return Permit(self._state, plan, loop, tokens, marks, counted, waited_s)

    def _plan(self, scopes: tuple[Scope, ...]) -> Plan:
        if len(self._plans) >= self._forget_at:
            self._forget()
        gates = []
        for scope in scopes:
            want = rates.want(scope.name, scope.limits, self._headroom)
            gate = self._gates.get(scope.name)
            if gate is None:
                gate = self._gates[scope.name] = Gate(want, scope.limits, self._headroom)
            gate.want, gate.limits = want, scope.limits
            gates.append(gate)
        plan = self._plans[scopes] = Plan(scopes, gates, self._state.shared)
        return plan

    def _forget(self) -> None:
        """Drop the buckets that nothing goes on in, and what was worked out of them."""
        now = asyncio.get_running_loop().time()
        self._gates = {name: gate for name, gate in self._gates.items() if not gate.idle(now)}
        self._plans = {
            scopes: plan
            for scopes, plan in self._plans.items()
            if all(self._gates.get(gate.want.bucket) is gate for gate in plan.gates)
        }
        self._forget_at = max(PLANS, 2 * len(self._plans))

    def _move(self, loop: asyncio.AbstractEventLoop) -> None:
        """Another loop runs now: whoever waited on the one before is gone with it."""
        self._loop, self._alarm, self._renewing = loop, Alarm(loop), False
        for plan in self._plans.values():
            plan.line = Line()
        for gate in self._gates.values():
            gate.claimant, gate.waiting = None, 0

    def _renew(self) -> None:
        """While slots are held, say so from time to time: a process that is silent is taken for dead."""
        held = [name for name, gate in self._gates.items() if gate.in_flight and gate.want.slots is not None]
        if held and self._renewing:
            self._state.renew(held)
        self._renewing = bool(held)
        if held and self._loop is not None and self._alarm is not None:
            self._alarm.at(self._loop.time() + RENEW_S, self._renew)


def too_long(verdict: Verdict, waiter: Waiter) -> LimitExceeded:
    """The error of a request that may not wait so long."""
    where = f"{verdict.bucket}: {verdict.limit}" if verdict.limit else "other requests"
    if verdict.never:
        return LimitExceeded(f"{where} is less than this request takes ({waiter.tokens:,} tokens): it can never fit")
    if verdict.limit == CONCURRENCY:
        wait_s, how_long = SLOT_S, "until another request ends"
    else:
        wait_s = max(verdict.wait_s, SLOT_S)
        how_long = f"for {wait_s:.1f} s"
    return LimitExceeded(
        f"{where} would keep this request waiting {how_long}, longer than the {waiter.within_s:g} s it may wait "
        "(max_wait_s). Send fewer at once, let it wait longer, or raise the limit.",
        wait_s,
    )
