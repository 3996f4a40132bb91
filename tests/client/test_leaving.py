"""A caller that leaves is felt by the provider, over a real socket, whatever the request was doing."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.client.world import config
from tramite import AsyncClient, Retry
from tramite.simulator import Simulator

SLOW = "sim/tokens=1000"
PACE: dict[str, Any] = {"token_interval_s": 0.01}


async def gone(sim: Simulator) -> None:
    """Wait until the provider has felt it; the test's time limit is the bound."""
    while sim.stats().open_now or not sim.stats().client_gone:
        await asyncio.sleep(0)
    assert [entry.outcome for entry in sim.stats().client_gone] == ["gone"]


async def asked(sim: Simulator) -> None:
    while not sim.stats().requests:
        await asyncio.sleep(0)


async def leave_by_break(llm: AsyncClient, sim: Simulator) -> None:
    async with llm.stream("x", model=SLOW) as stream:
        async for _ in stream.text:
            break


async def leave_events_by_break_in_with(llm: AsyncClient, sim: Simulator) -> None:
    async with llm.stream("x", model=SLOW) as stream:
        async for event in stream:
            if "Delta" in type(event).__name__:
                break


async def leave_the_text_s_iterator(llm: AsyncClient, sim: Simulator) -> None:
    text = llm.stream("x", model=SLOW).text
    await anext(text)
    await text.aclose()  # type: ignore[attr-defined]  # it is a generator


async def forget_the_stream(llm: AsyncClient, sim: Simulator) -> None:
    stream = llm.stream("x", model=SLOW)
    async for event in stream:
        if "Delta" in type(event).__name__:
            break
    del stream, event
    gc.collect()


async def cancel_a_stream(llm: AsyncClient, sim: Simulator) -> None:
    async def read() -> None:
        async for _ in llm.stream("x", model=SLOW):
            pass

    await cancel(asyncio.create_task(read()), sim)


async def cancel_before_the_first_byte(llm: AsyncClient, sim: Simulator) -> None:
    async def read() -> None:
        async for _ in llm.stream("x", model="sim/silent"):
            pass

    await cancel(asyncio.create_task(read()), sim)


async def cancel_a_whole_reply(llm: AsyncClient, sim: Simulator) -> None:
    await cancel(asyncio.create_task(llm.chat("x", model="sim/silent")), sim)


async def close_from_another_task_before_the_first_byte(llm: AsyncClient, sim: Simulator) -> None:
    stream = llm.stream("x", model="sim/slow-first-token:600s")

    async def read() -> list[Any]:
        return [event async for event in stream]

    reading = asyncio.create_task(read())
    await asked(sim)
    await stream.close()
    assert await reading == []
    assert stream.reply.finish == "stopped"


async def close_from_another_task_in_the_middle(llm: AsyncClient, sim: Simulator) -> None:
    stream = llm.stream("x", model="sim/stall@2,tokens=9")
    seen = asyncio.Event()

    async def read() -> str:
        text = ""
        async for piece in stream.text:
            text += piece
            if "token-2" in text:
                seen.set()
        return text

    reading = asyncio.create_task(read())
    await seen.wait()
    await stream.close()
    assert await reading == stream.reply.text == "token-1 token-2"


async def cancel(task: asyncio.Task[Any], sim: Simulator) -> None:
    await asked(sim)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.parametrize(
    "leave",
    [
        leave_by_break,
        leave_events_by_break_in_with,
        leave_the_text_s_iterator,
        forget_the_stream,
        cancel_a_stream,
        cancel_before_the_first_byte,
        cancel_a_whole_reply,
        close_from_another_task_before_the_first_byte,
        close_from_another_task_in_the_middle,
    ],
)
async def test_who_leaves_ends_the_connection(leave: Callable[[AsyncClient, Simulator], Awaitable[None]]) -> None:
    async with Simulator.running(**PACE) as sim, AsyncClient(config(sim.base_url)) as llm:
        await leave(llm, sim)
        await gone(sim)


async def test_a_caller_that_leaves_in_back_off_is_not_followed_by_another_try() -> None:
    retry = Retry(attempts=5, strategy="fixed", base_s=3600)
    async with Simulator.running() as sim, AsyncClient(config(sim.base_url), retry=retry) as llm:
        task = asyncio.create_task(llm.chat("x", model="sim/503", deadline_s=10_000))
        await asked(sim)
        while sim.stats().open_now:
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert sim.stats().requests == 1


async def test_a_connection_is_used_again_after_a_whole_stream() -> None:
    async with Simulator.running() as sim, AsyncClient(config(sim.base_url)) as llm:
        for _ in range(5):
            async for _ in llm.stream("x", model="sim/tokens=5"):
                pass
            await llm.chat("x", model="sim/tokens=5")
        assert sim.stats().wholes.finished == sim.stats().streams.finished == 5
        assert not sim.stats().client_gone
