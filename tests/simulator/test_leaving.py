"""A client that leaves is noticed wherever its request is, and pays for what had been made until then."""

from __future__ import annotations

import asyncio

import pytest

from tests.simulator.raw import chat, connect, request, until
from tramite.simulator import Engine, InProcess, Options, Simulator, VirtualClock

PACED = {"token_interval_s": 1.0, "latency_s": 2.0}
INPUT_TOKENS = 3 + 3 + 4  # the chat, its one message, and thirteen characters


@pytest.mark.parametrize("model", ["silent", "slow-first-token:20s", "stall@0", "ok"])
@pytest.mark.parametrize("stream", [True, False])
async def test_leaving_before_the_first_token_is_counted_at_once(model: str, stream: bool) -> None:
    clock = VirtualClock()
    async with Simulator.running(clock=clock, **PACED) as simulator:
        _, writer = await connect(simulator, chat(model, stream=stream))
        await until(lambda: simulator.stats().open_now == 1)
        clock.advance(1)
        writer.close()
        await until(lambda: simulator.stats().open_now == 0)
        stats = simulator.stats()
    ends = stats.streams if stream else stats.wholes
    assert (ends.started, ends.gone) == (1, 1)
    assert stats.output_tokens == 0
    assert [gone.after_s for gone in stats.client_gone] == [1]


async def test_leaving_in_mid_stream_stops_the_pacing_and_bills_what_was_made() -> None:
    clock = VirtualClock()
    prices = {"input_nanousd": 1_000_000, "output_nanousd": 10_000_000}
    async with Simulator.running(clock=clock, **PACED, **prices) as simulator:
        reader, writer = await connect(simulator, chat("ok", stream=True))
        await until(lambda: simulator.stats().open_now == 1)
        clock.advance(2 + 3)
        await reader.readuntil(b"token-3")
        writer.close()
        await until(lambda: simulator.stats().open_now == 0)
        clock.advance(100)
        stats = simulator.stats()
    assert (stats.streams.gone, stats.streams.finished) == (1, 0)
    assert (stats.input_tokens, stats.output_tokens) == (INPUT_TOKENS, 3)
    assert stats.billed_nanousd == INPUT_TOKENS * 1 + 3 * 10


async def test_leaving_a_whole_reply_bills_the_tokens_made_so_far() -> None:
    clock = VirtualClock()
    async with Simulator.running(clock=clock, **PACED) as simulator:
        _, writer = await connect(simulator, chat("ok", n=2))
        await until(lambda: simulator.stats().open_now == 1)
        clock.advance(2 + 5.5)
        writer.close()
        await until(lambda: simulator.stats().open_now == 0)
        stats = simulator.stats()
    assert (stats.wholes.gone, stats.output_tokens) == (1, 2 * 5)


@pytest.mark.parametrize("stream", [True, False])
async def test_in_process_a_cancelled_send_counts_as_leaving(stream: bool) -> None:
    provider = InProcess(clock=VirtualClock())
    sending = asyncio.ensure_future(provider.send(request(chat("silent", stream=stream))))
    await asyncio.sleep(0)
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    ends = provider.stats().streams if stream else provider.stats().wholes
    assert (ends.started, ends.gone, provider.stats().open_now) == (1, 1, 0)


async def test_in_process_a_closed_response_counts_as_leaving_and_bills_what_was_made() -> None:
    clock = VirtualClock()
    provider = InProcess(Engine(Options(token_interval_s=1.0)), clock)
    response = await provider.send(request(chat("ok", stream=True)))
    clock.advance(3)
    received = b""
    while b"token-3" not in received:
        received += await anext(response)
    response.close()
    response.close()
    stats = provider.stats()
    assert (stats.streams.gone, stats.open_now, stats.output_tokens) == (1, 0, 3)
    with pytest.raises(StopAsyncIteration):
        await anext(response)


async def test_in_process_a_read_that_was_cancelled_can_be_taken_up_again() -> None:
    clock = VirtualClock()
    provider = InProcess(clock=clock)
    response = await provider.send(request(chat("stall@1:30s,tokens=2", stream=True)))
    received = await anext(response)
    reading = asyncio.ensure_future(anext(response))
    await asyncio.sleep(0)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    clock.advance(30)
    received += await response.read()
    assert b"token-2" in received
    assert received.endswith(b"data: [DONE]\n\n")
    assert provider.stats().streams.finished == 1


async def test_stopping_the_simulator_ends_what_is_open_as_broken_and_not_as_left() -> None:
    async with Simulator.running() as simulator:
        reader, writer = await connect(simulator, chat("stall@1", stream=True))
        await reader.readuntil(b"token-1")
    await until(lambda: simulator.stats().open_now == 0)
    assert (simulator.stats().streams.broken, simulator.stats().streams.gone) == (1, 0)
    writer.close()
