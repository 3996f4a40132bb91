"""`make bench-limits` on tiny counts: that it runs and writes what it found; and what an idle limiter may cost."""

from __future__ import annotations

import asyncio
import sys
from types import FrameType

from bench import limits
from bench.limits_report import page
from tramite.pipeline.limits import Limiter, Scope
from tramite.pipeline.limits.memory import MemoryState

MOST_FUNCTIONS = 6
"""It was 6 when this was written, the loop's own `time` included."""


def test_every_case_keeps_its_limit_and_is_on_the_page() -> None:
    found = [(case, limits.virtual(case)) for case in limits.cases(0.1)]
    assert all(outcome.admitted for _, outcome in found)
    assert sum(outcome.refused for _, outcome in found) == 0
    text = page(found, asyncio.run(limits.costs(rounds=1, times=1)))
    assert all(case.title in text for case, _ in found)


async def test_a_client_without_limits_runs_through_few_functions() -> None:
    limiter, scopes = Limiter(MemoryState()), (Scope("openai"), Scope("openai/m", learns=True))
    count = 0

    def see(frame: FrameType, event: str, argument: object) -> None:
        nonlocal count
        count += event == "call"

    for _ in range(2):
        count = 0
        sys.setprofile(see)
        permit = limiter.take_now(scopes, 100)
        if permit is not None:
            permit.answered(limits.PLAIN)
            permit.settle(90)
        sys.setprofile(None)
    assert count <= MOST_FUNCTIONS
