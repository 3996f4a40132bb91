"""What a caller can be told to be left of their limits, without anybody having to wait for it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.pipeline.limits.suite import Clock
from tramite.config import Limits
from tramite.pipeline.limits import Limiter, Scope, rates
from tramite.pipeline.limits.decisions import DAY_US, SECOND_US
from tramite.pipeline.limits.file import FileState
from tramite.pipeline.limits.memory import MemoryState
from tramite.pipeline.limits.records import Bucket
from tramite.pipeline.limits.state import State
from tramite.pipeline.limits.views import Left, left
from tramite.simulator import fast_forward
from tramite.wire.rate_limits import go_duration, read

NOW = 1_700_000_000 * SECOND_US


def alice(**limits: Any) -> tuple[Scope, ...]:
    return (Scope("key:alice", Limits(**limits)),)


@pytest.mark.parametrize("kind", ["memory", "file"])
def test_what_a_request_took_comes_back_bit_by_bit(kind: str, tmp_path: Path) -> None:
    clock = Clock()
    state: State = MemoryState(clock) if kind == "memory" else FileState(tmp_path, clock)
    scopes = alice(requests_per_minute=60, tokens_per_minute=6_000)

    async def main() -> None:
        limiter = Limiter(state, headroom=0)
        assert limiter.left("key:alice") == (None, None)
        permit = limiter.take_now(scopes, 100)
        assert permit is not None
        assert limiter.left("key:alice") == (Left(60, 59, 1.0), Left(6_000, 5_900, 1.0))
        permit.settle(300)
        assert limiter.left("key:alice") == (Left(60, 59, 1.0), Left(6_000, 5_700, 3.0))
        clock.now += SECOND_US
        assert limiter.left("key:alice") == (Left(60, 60, 0.0), Left(6_000, 5_800, 2.0))
        await limiter.aclose()

    asyncio.run(main())


def test_of_several_limits_of_requests_the_one_that_leaves_fewest_is_told() -> None:
    want = rates.want("key:alice", Limits(requests_per_second=5, requests_per_minute=60, requests_per_day=50), 0)
    assert left(Bucket(), want, NOW) == (Left(5, 5, 0.0), None)
    spent = Bucket(due_us={"requests_per_minute": NOW + 30 * SECOND_US}, day_us=NOW - DAY_US // 2, day_used=48)
    assert left(spent, want, NOW) == (Left(50, 2, DAY_US / 2 / SECOND_US), None)
    yesterday = Bucket(day_us=NOW - DAY_US, day_used=50)
    assert left(yesterday, want, NOW) == (Left(5, 5, 0.0), None)


def test_who_is_in_debt_has_nothing_left() -> None:
    want = rates.want("key:alice", Limits(tokens_per_minute=6_000), 0)
    assert left(Bucket(due_us={"tokens_per_minute": NOW + 90 * SECOND_US}), want, NOW) == (None, Left(6_000, 0, 90.0))


def test_without_limits_nothing_is_told() -> None:
    assert left(Bucket(), rates.want("key:alice", Limits(concurrency=3), 0), NOW) == (None, None)


@pytest.mark.parametrize("per_minute", [60, 600, 6_000])
def test_a_client_of_ours_learns_from_it_that_it_is_a_minute_s(per_minute: int) -> None:
    async def main() -> None:
        limiter = Limiter(MemoryState())
        for _ in range(20):
            await limiter.take(alice(requests_per_minute=per_minute), 0, within_s=1e9)
        requests, _ = limiter.left("key:alice")
        assert requests is not None
        told = {"limit": requests.most, "remaining": requests.remaining, "reset": go_duration(requests.reset_s)}
        (reading,) = read({f"x-ratelimit-{what}-requests": str(value) for what, value in told.items()}, 0.0)
        assert (reading.limit, reading.window_s) == (per_minute, 60.0)

    fast_forward(main())


async def test_of_a_file_nothing_is_known_before_this_process_used_it(tmp_path: Path) -> None:
    state = FileState(tmp_path)
    assert state.seen("key:alice") is None
    await state.aclose()
