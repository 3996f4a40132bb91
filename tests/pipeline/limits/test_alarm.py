"""Calling back at given times, on every loop that a gateway or a program may run."""

from __future__ import annotations

import asyncio

import pytest
import uvloop

from tramite.pipeline.limits.alarm import Alarm
from tramite.pipeline.patience import Interrupted, Patience

LOOPS = pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop])


@LOOPS
def test_what_is_due_at_once_does_not_stop_what_comes_later(new_loop: type[asyncio.AbstractEventLoop]) -> None:
    async def rung() -> list[str]:
        loop = asyncio.get_running_loop()
        alarm, rung, over = Alarm(loop), list[str](), asyncio.Event()
        alarm.at(loop.time() - 1, lambda: rung.append("due"))
        alarm.at(loop.time() - 2, lambda: rung.append("due before"))
        alarm.at(loop.time(), over.set)
        await over.wait()
        return rung

    with asyncio.Runner(loop_factory=new_loop) as runner:
        assert runner.run(rung()) == ["due before", "due"]


@LOOPS
def test_a_wait_without_any_time_is_interrupted(new_loop: type[asyncio.AbstractEventLoop]) -> None:
    async def waits() -> None:
        patience = Patience(60)
        for _ in range(2):
            with pytest.raises(Interrupted):
                await patience.wait(asyncio.Event().wait(), silence_s=0)
        assert await patience.wait(asyncio.sleep(0, "in time"), silence_s=30) == "in time"
        patience.done()

    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(waits())
