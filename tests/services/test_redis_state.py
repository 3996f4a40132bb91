"""Limits in a Redis: one round trip for each request at most, and nothing lost with connections and processes."""

from __future__ import annotations

import asyncio
import gc
import logging
from typing import Any
from urllib.parse import urlsplit

import pytest
from redis import Redis

from tests.services.redis_world import GRACE_S, Clock, processes, told, way_to
from tramite.errors import LimitExceeded, TramiteError
from tramite.pipeline.limits.decisions import LEASE_US, SECOND_US
from tramite.pipeline.limits.records import Bucket, Learned, Lesson, Rate, Want
from tramite.pipeline.limits.redis import RedisState
from tramite.pipeline.limits.redis_link import AGAIN_S, PREFIX, READ_S, TIMEOUT_S
from tramite.simulator import fast_forward

PER_MINUTE = Rate("requests_per_minute", 60, 1_000_000.0, 1_000_000)


def slots(most: int) -> tuple[Want, ...]:
    return (Want("openai", slots=most),)


def calls(server: Any, command: str = "evalsha") -> int:
    """How often Redis was asked this."""
    return int(server.info("commandstats").get(f"cmdstat_{command}", {"calls": 0})["calls"])


async def held(state: RedisState, bucket: str = "openai") -> int:
    """Slots that are taken, by whomever."""
    await told(state)
    return sum(one.slots for one in (await state.read()).buckets.get(bucket, Bucket()).held.values())


async def test_a_request_takes_of_all_its_buckets_in_one_round_trip(redis: str) -> None:
    wants = (Want("openai", (PER_MINUTE,)), Want("openai/gpt", slots=9), Want("key:alice", per_day=5))
    with Redis.from_url(redis) as server:
        async with processes(redis) as [state]:
            await told(state)
            before = calls(server)
            assert (await state.take(wants, 1)).granted
            assert calls(server) == before + 1


async def test_requests_at_once_share_round_trips(redis: str) -> None:
    with Redis.from_url(redis) as server:
        async with processes(redis) as [state]:
            await told(state)
            before = calls(server)
            verdicts = await asyncio.gather(*(state.take(slots(30), 1) for _ in range(100)))
            assert sum(verdict.granted for verdict in verdicts) == 30
            assert calls(server) - before <= 2


async def test_a_request_without_limits_and_buckets_asks_nobody() -> None:
    async with processes("redis://127.0.0.1:9") as [state]:
        assert state.take_now((), 5)
        assert (await state.take((), 5)).granted


async def test_many_processes_hold_no_more_slots_together_than_there_are(redis: str) -> None:
    async with processes(redis, 5) as states:
        verdicts = await asyncio.gather(*(state.take(slots(7), 1) for state in states for _ in range(20)))
        assert sum(verdict.granted for verdict in verdicts) == 7
        assert await held(states[0]) == 7


async def test_a_request_takes_of_all_its_buckets_or_of_none(redis: str) -> None:
    wants = (Want("openai", (PER_MINUTE,)), Want("full", slots=0))
    async with processes(redis) as [state]:
        verdict = await state.take(wants, 1)
        assert (verdict.granted, verdict.bucket, verdict.limit) == (False, "full", "concurrency")
        await told(state)
        assert (await state.read()).buckets == {}


@pytest.mark.parametrize("turns", range(12))
async def test_a_request_that_is_cancelled_holds_nothing(redis: str, turns: int) -> None:
    wants = (Want("openai", (PER_MINUTE,), per_day=9, slots=1),)
    async with processes(redis) as [state]:
        asking = asyncio.ensure_future(state.take(wants, 1))
        for _ in range(turns):
            await asyncio.sleep(0)
        if asking.done() and not asking.cancelled():
            state.give_back(wants, -1, unsent=True)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        assert await held(state) == 0
        verdict = await state.take(wants, 1)
        assert (verdict.granted, verdict.wait_s) == (True, 0)


async def test_a_request_that_is_cancelled_just_when_its_verdict_comes_holds_nothing(redis: str) -> None:
    async with processes(redis) as [state]:
        first, second = (asyncio.ensure_future(state.take(slots(2), 1)) for _ in range(2))
        first.add_done_callback(lambda _: second.cancel())
        await asyncio.gather(first, second, return_exceptions=True)
        assert await held(state) == 1 + (not second.cancelled())


async def test_slots_of_a_process_that_is_silent_come_back_and_those_of_one_that_is_not_stay(redis: str) -> None:
    clock = Clock()
    async with processes(redis, 3, now_us=clock) as [silent, alive, other]:
        assert (await silent.take(slots(2), 1)).granted
        assert (await alive.take(slots(2), 1)).granted
        for _ in range(2):
            assert not (await other.take(slots(2), 1)).granted
            clock.now += LEASE_US * 3 // 5
            alive.renew(["openai"])
            await told(alive)
        assert (await other.take(slots(2), 1)).granted
        assert not (await other.take(slots(2), 1)).granted


async def test_every_bucket_expires_some_time_after_it_is_idle_and_empty_ones_are_not_kept(redis: str) -> None:
    async with processes(redis) as [state]:
        await state.take((Want("minute", (PER_MINUTE,)), Want("day", per_day=5), Want("slots", slots=5)), 1)
        state.learn("learned", [Lesson(Learned(PER_MINUTE, "x-ratelimit-limit-requests", 60 * SECOND_US))])
        state.close("closed", 30)
        await state.take((Want("nothing"),), 1)
    with Redis.from_url(redis) as server:
        left_s = {key.decode().removeprefix(PREFIX): server.ttl(key) for key in server.keys("*")}
    around = {"minute": 61, "day": 86_460, "slots": 120, "learned": 3660, "closed": 100}
    assert left_s.keys() == around.keys()
    assert all(abs(left_s[name] - seconds) <= 5 for name, seconds in around.items())


async def test_what_is_no_record_is_as_good_as_none(redis: str) -> None:
    with Redis.from_url(redis) as server:
        server.set(f"{PREFIX}openai", b"\xc1 something else")
        server.set(f"{PREFIX}other", b"\xc1 something else")
    async with processes(redis) as [state]:
        assert (await state.take(slots(1), 1)).granted
        assert list((await state.read()).buckets) == ["openai"]


async def test_a_redis_that_has_forgotten_the_script_is_given_it_again(redis: str) -> None:
    async with processes(redis) as [state]:
        await told(state)
        with Redis.from_url(redis) as server:
            server.script_flush()
        assert (await state.take(slots(1), 1)).granted


async def test_a_state_may_be_used_again_after_it_was_closed(redis: str) -> None:
    async with processes(redis) as [state]:
        assert (await state.take(slots(2), 1)).granted
        state.give_back(slots(2), 0, unsent=False)
        await state.aclose()
        assert await held(state) == 0


def test_a_state_outlives_the_loop_it_was_first_used_on(redis: str) -> None:
    state = RedisState(redis)

    async def use() -> bool:
        verdict = await state.take(slots(2), 1)
        await state.aclose()
        return verdict.granted

    assert [asyncio.run(use()) for _ in range(3)] == [True, True, False]


def test_what_was_told_before_the_loop_ended_is_known_and_nobody_has_to_close_anything(redis: str) -> None:
    state = RedisState(redis)

    async def use() -> None:
        for _ in range(2):
            assert (await state.take(slots(2), 1)).granted
        state.give_back(slots(2), 0, unsent=False)

    asyncio.run(use())
    state.give_back(slots(2), 0, unsent=False)  # nobody can tell it any more
    gc.collect()  # what was left open would complain now
    assert asyncio.run(held(state)) == 1


def test_slots_given_back_while_redis_was_away_are_free_once_it_is_back(redis: str) -> None:
    async def main() -> None:
        async with way_to(redis) as way, processes(way.url) as [state]:
            for _ in range(3):
                assert (await state.take(slots(3), 1)).granted
            await way.cut()
            with pytest.raises(LimitExceeded):
                await state.take(slots(3), 1)
            for _ in range(2):
                state.give_back(slots(3), 0, unsent=False)
            await way.open()
            await asyncio.sleep(AGAIN_S)
            assert await held(state) == 1

    fast_forward(main(), GRACE_S)


def test_slots_that_redis_has_forgotten_are_told_again(redis: str) -> None:
    async def main() -> None:
        async with way_to(redis) as way, processes(way.url) as [state]:
            assert (await state.take(slots(3), 1)).granted
            await way.cut()
            with Redis.from_url(redis) as server:
                server.flushall()
            with pytest.raises(LimitExceeded):
                await state.take(slots(3), 1)
            await way.open()
            await asyncio.sleep(AGAIN_S)
            assert await held(state) == 1

    fast_forward(main(), GRACE_S)


def test_a_connection_that_was_closed_while_nobody_asked_is_not_missed(redis: str) -> None:
    async def main() -> None:
        async with way_to(redis) as way, processes(way.url) as [state]:
            await told(state)
            await way.cut()
            await way.open()
            await asyncio.sleep(60)
            assert (await state.take(slots(3), 1)).granted

    fast_forward(main(), GRACE_S)


def test_a_silent_redis_keeps_nobody_waiting_for_long(redis: str) -> None:
    async def main() -> None:
        async with way_to(redis) as way, processes(way.url) as [state]:
            await told(state)
            way.go_silent()
            started = asyncio.get_running_loop().time()
            asked = [state.take(slots(3), 1) for _ in range(20)]
            answers = await asyncio.gather(*asked, state.read(), return_exceptions=True)
            assert all(isinstance(answer, TramiteError) for answer in answers)
            with pytest.raises(LimitExceeded, match="does not answer in time") as refused:
                await state.take(slots(3), 1)
            assert refused.value.retry_after_s == AGAIN_S
            assert asyncio.get_running_loop().time() - started < TIMEOUT_S + READ_S + 1

    fast_forward(main(), GRACE_S)


def test_without_redis_requests_are_refused_loudly_and_without_its_password(
    redis: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        async with way_to(redis) as way, processes(way.url) as [state]:
            await told(state)
            await way.cut()
            for _ in range(3):
                with pytest.raises(LimitExceeded, match=r"redis://…@127.0.0.1:\d+/0.*if_unreachable") as refused:
                    await state.take(slots(3), 1)
                assert password not in str(refused.value)
            assert "unreachable" in repr(state)
            assert password not in repr(state)
            await way.open()
            await asyncio.sleep(AGAIN_S)
            assert (await state.take(slots(3), 1)).granted

    password = urlsplit(redis).password or ""
    with caplog.at_level(logging.WARNING, "tramite"):
        fast_forward(main(), GRACE_S)
    away, back = (record.getMessage() for record in caplog.records)
    assert "requests are refused" in away
    assert "again" in back
    assert password not in caplog.text


def test_without_redis_a_process_counts_alone_where_that_is_wanted_until_it_is_back(
    redis: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        async with way_to(redis) as way, processes(way.url, if_unreachable="local") as [state]:
            state.learn("openai", [Lesson(Learned(PER_MINUTE, "x-ratelimit-limit-requests", 60 * SECOND_US))])
            await told(state)
            await way.cut()
            granted = [(await state.take(slots(2), 1)).granted for _ in range(4)]
            assert granted == [True, True, False, False]  # by slots, and by what was learned before
            state.give_back(slots(2), 0, unsent=False)
            await way.open()
            await asyncio.sleep(AGAIN_S)
            assert await held(state) == 1

    with caplog.at_level(logging.WARNING, "tramite"):
        fast_forward(main(), GRACE_S)
    away, back = (record.getMessage() for record in caplog.records)
    assert "counts its requests alone" in away
    assert "again" in back
