"""The books against a plain model of them: whatever is asked in whatever order, the sums are those of the rows."""

from __future__ import annotations

import tempfile
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from msgspec import Struct

from tests.store.world import Clock, budget, check_sums, entry, state
from tramite.errors import BudgetExceeded
from tramite.store import sqlite_url
from tramite.store.opening import connect_migrated
from tramite.store.transaction import Operation, Place, Release, Settle, Write, carry_out, standings
from tramite.store.windows import NS

BUDGETS = (budget("global", total=500), budget("alice", hour=100, day=250))
IDS = st.sampled_from([f"attempt-{number}" for number in range(8)])
LEASE_S = 600


class Attempt(Struct):
    """What the model knows of one."""

    state: str
    held: int
    lease_ns: int
    cost: int | None = None
    maybe_billed: bool = False
    hour: int = 0
    day: int = 0


class Model(RuleBasedStateMachine):
    """Operations gather and are carried out together, as the writer does it. A provider never charges more than was
    held, and charges nothing that was never sent."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.url = sqlite_url(Path(self.folder.name) / "ledger.sqlite")
        self.database = connect_migrated(self.url)
        self.clock = Clock()
        self.attempts: dict[str, Attempt] = {}
        self.waiting: list[Operation] = []
        self.within = True

    def teardown(self) -> None:
        self.database.close()
        self.folder.cleanup()

    @rule(attempt_id=IDS, held=st.integers(0, 120), sent=st.booleans())
    def place(self, attempt_id: str, held: int, sent: bool) -> None:
        self.waiting.append(Place(entry(attempt_id), held, BUDGETS, LEASE_S, sent))

    @rule(attempt_id=IDS, cost=st.none() | st.integers(0, 120))
    def settle(self, attempt_id: str, cost: int | None) -> None:
        self.waiting.append(Settle(entry(attempt_id, cost_nanousd=cost)))

    @rule(attempt_id=IDS)
    def release(self, attempt_id: str) -> None:
        self.waiting.append(Release(attempt_id))

    @rule(seconds=st.sampled_from([1, 400, 3600, 86_400]))
    def wait(self, seconds: int) -> None:
        self.clock.advance(seconds)

    @precondition(lambda self: self.waiting)
    @rule()
    def fail(self) -> None:
        """Nothing of a transaction is there that did not come to its end."""
        with pytest.raises(self.database.errors):
            carry_out(self.database, [*self.waiting, Write("no SQL", [()])], self.clock())

    @rule()
    def carry_out(self) -> None:
        answers = carry_out(self.database, self.waiting, self.clock())
        self.sweep()
        for operation, answer in zip(self.waiting, answers, strict=True):
            assert isinstance(answer, BudgetExceeded) == self.refused(operation)
        self.waiting = []
        self.check()

    def sweep(self) -> None:
        for attempt in self.attempts.values():
            if attempt.lease_ns > self.clock():
                continue
            if attempt.state == "held":
                attempt.state, attempt.cost = "released", 0
            elif attempt.state == "sent":
                attempt.state, attempt.cost, attempt.maybe_billed = "charged", attempt.held, True

    def refused(self, operation: Operation) -> bool:
        """Do it in the model; whether a budget has no room for it."""
        match operation:
            case Place(row, held, _, _, sent):
                return self.refused_place(row.id, held, sent)
            case Settle(row):
                self.do_settle(row.id, row.cost_nanousd)
            case Release(attempt_id):
                self.do_release(attempt_id)
        return False

    def refused_place(self, attempt_id: str, held: int, sent: bool) -> bool:
        known = self.attempts.get(attempt_id)
        lease_ns = self.clock() + LEASE_S * NS
        if known is not None and known.state != "released":
            if known.state == "held" and sent:
                known.state, known.lease_ns = "sent", lease_ns
            return False
        total, hour, day = self.used()
        if total + held > 500 or hour + held > 100 or day + held > 250:
            return True
        now = (self.clock() // (3600 * NS), self.clock() // (86_400 * NS))
        self.attempts[attempt_id] = Attempt("sent" if sent else "held", held, lease_ns, None, False, *now)
        return False

    def do_settle(self, attempt_id: str, cost: int | None) -> None:
        known = self.attempts.get(attempt_id)
        if known is None:
            self.attempts[attempt_id] = Attempt("recorded", 0, 0, cost)
        elif known.state not in ("settled", "recorded"):
            self.within = self.within and known.state != "released" and (cost or 0) <= known.held
            guessed = cost is None and known.held > 0
            known.state = "charged" if guessed else "settled"
            known.cost = known.held if guessed else cost
            known.maybe_billed = guessed

    def do_release(self, attempt_id: str) -> None:
        known = self.attempts.get(attempt_id)
        if known is not None and known.state in ("held", "sent", "charged"):
            known.state, known.cost, known.maybe_billed = "released", 0, False

    def used(self) -> tuple[int, int, int]:
        """Of the total, of this hour's and of this day's."""
        hour, day = self.clock() // (3600 * NS), self.clock() // (86_400 * NS)
        mine = [a for a in self.attempts.values() if a.state != "recorded"]
        amounts = [(a, a.held if a.state in ("held", "sent") else a.cost or 0) for a in mine]
        return (
            sum(amount for _, amount in amounts),
            sum(amount for a, amount in amounts if a.hour == hour),
            sum(amount for a, amount in amounts if a.day == day),
        )

    def check(self) -> None:
        for attempt_id, known in self.attempts.items():
            held = None if known.state == "recorded" else known.held
            assert state(self.url, attempt_id) == (known.state, held, known.cost, known.maybe_billed), attempt_id
        check_sums(self.url)

    @invariant()
    def a_budget_is_as_full_as_the_model_says_and_never_fuller(self) -> None:
        self.sweep()
        found = [s.spent_nanousd + s.held_nanousd for s in standings(self.database, BUDGETS, self.clock())]
        assert tuple(found) == self.used()
        if self.within:
            assert found[0] <= 500
            assert found[1] <= 100
            assert found[2] <= 250


Model.TestCase.settings = settings(max_examples=60, stateful_step_count=40)
TestModel = Model.TestCase
