"""Virtual time: it stands still until moved, or jumps when nothing is left to do."""

from __future__ import annotations

import asyncio
import json
import math
import threading

import pytest

from tests.simulator.raw import chat, connect, on_socket, read_answer, until
from tramite.errors import ConfigError
from tramite.simulator import InProcess, LoopClock, Simulator, VirtualClock, fast_forward


async def test_time_stands_still_until_it_is_moved() -> None:
    clock = VirtualClock()
    sleeper = asyncio.ensure_future(clock.sleep_until(10))
    await asyncio.sleep(0)
    clock.advance(9.9)
    await asyncio.sleep(0)
    assert not sleeper.done()
    clock.advance(0.1)
    await sleeper
    assert (clock.now(), repr(clock)) == (10, "VirtualClock(now=10, sleepers=0)")


async def test_sleepers_wake_in_the_order_of_their_times() -> None:
    clock, woken = VirtualClock(), list[float]()

    async def sleeper(when: float) -> None:
        await clock.sleep_until(when)
        woken.append(when)

    tasks = [asyncio.ensure_future(sleeper(when)) for when in (3, 1, 2)]
    await asyncio.sleep(0)
    assert clock.sleepers == 3
    clock.advance(5)
    await asyncio.gather(*tasks)
    assert woken == [1, 2, 3]


async def test_a_moment_that_has_passed_is_not_waited_for() -> None:
    clock = VirtualClock(start=5)
    await clock.sleep_until(5)
    await clock.sleep_until(1)


async def test_a_sleeper_that_was_cancelled_is_let_go() -> None:
    clock = VirtualClock()
    sleeper = asyncio.ensure_future(clock.sleep_until(1))
    await asyncio.sleep(0)
    sleeper.cancel()
    await asyncio.sleep(0)
    assert clock.sleepers == 0
    clock.advance(2)


@pytest.mark.parametrize("seconds", [-1.0, math.nan])
def test_time_cannot_go_back(seconds: float) -> None:
    with pytest.raises(ValueError, match="cannot go back"):
        VirtualClock().advance(seconds)


def test_a_clock_wakes_sleepers_on_other_threads() -> None:
    clock, asleep = VirtualClock(), threading.Event()

    async def main() -> None:
        asyncio.get_running_loop().call_soon(asleep.set)
        await clock.sleep_until(10)

    thread = threading.Thread(target=lambda: asyncio.run(main()))
    thread.start()
    asleep.wait(10)
    clock.advance(10)
    thread.join(10)
    assert not thread.is_alive()


def test_on_the_fast_forward_loop_an_hour_takes_no_time_and_keeps_its_order() -> None:
    async def main() -> tuple[list[str], float]:
        loop, woken = asyncio.get_running_loop(), list[str]()

        async def sleep(seconds: float, name: str) -> None:
            await asyncio.sleep(seconds)
            woken.append(name)

        began = loop.time()
        await asyncio.gather(sleep(3600, "hour"), sleep(1, "second"), sleep(60, "minute"))
        return woken, loop.time() - began

    woken, seconds = fast_forward(main())
    assert woken == ["second", "minute", "hour"]
    assert 3600 <= seconds < 3601


def test_on_the_fast_forward_loop_timeouts_end_what_would_wait_for_ever() -> None:
    async def main() -> None:
        async with asyncio.timeout(600):
            await LoopClock().sleep_until(math.inf)

    with pytest.raises(TimeoutError):
        fast_forward(main())


async def test_a_virtual_clock_is_moved_over_http() -> None:
    async with Simulator.running(clock=VirtualClock()) as simulator:
        reader, writer = await connect(simulator, chat("slow-first-token:20s"))
        await until(lambda: simulator.stats().open_now == 1)
        answer = await on_socket(simulator, json.dumps({}).encode(), "/sim/advance?s=20")
        assert answer.json["now"] == 20
        assert (await read_answer(reader)).status == 200
        for nonsense in ("/sim/advance?s=soon", "/sim/advance", "/sim/advance?s=-1"):
            assert (await on_socket(simulator, json.dumps({}).encode(), nonsense)).status == 400
        writer.close()


async def test_real_time_cannot_be_moved() -> None:
    async with Simulator.running() as simulator:
        with pytest.raises(ConfigError, match="VirtualClock"):
            simulator.advance(1)
        answer = await on_socket(simulator, json.dumps({}).encode(), "/sim/advance?s=1")
        assert (answer.status, b"--virtual-clock" in answer.body) == (400, True)


def test_the_books_can_be_read_where_no_loop_runs() -> None:
    assert InProcess().stats().requests == 0
