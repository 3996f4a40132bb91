"""Many calls at once: each result as it ends, nothing lost, nothing piled up."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from tests.client.world import in_process, words
from tramite import CompletionCall, EmbeddingCall, EmbeddingReply, InvalidCall, Reply, Retry, TimedOut, user
from tramite.client.many import Crowd, as_completed, in_order
from tramite.errors import Overloaded


async def into(got: dict[int, Any], results: AsyncIterator[tuple[int, Any]]) -> None:
    async for position, reply in results:
        got[position] = str(reply)


async def test_a_result_does_not_wait_for_the_next_item() -> None:
    llm, _ = in_process()
    answered = asyncio.Event()

    async def asked_one_after_another() -> AsyncIterator[str]:
        yield "one"
        await answered.wait()
        yield "two"

    got = []
    async for position, reply in llm.map(asked_one_after_another(), model="sim/echo"):
        got.append((position, str(reply)))
        answered.set()
    assert got == [(0, "one"), (1, "two")]


async def test_what_is_under_way_is_not_lost_when_the_items_fail() -> None:
    llm, provider = in_process(token_interval_s=0.001)

    def two_and_no_more() -> Iterator[str]:
        yield "one"
        yield "two"
        raise ZeroDivisionError("no third")

    async def later() -> AsyncIterator[str]:
        for item in two_and_no_more():
            yield item

    for items in (two_and_no_more(), later()):
        got: dict[int, Any] = {}
        with pytest.raises(ZeroDivisionError, match="no third"):
            await into(got, llm.map(items, model="sim/echo"))
        assert got == {0: "one", 1: "two"}
    assert provider.stats().requests == 4


async def test_a_bug_in_one_call_loses_none_of_the_others() -> None:
    calls = 0

    def broken(reply: Any) -> bool:
        nonlocal calls
        calls += 1
        raise ZeroDivisionError

    llm, _ = in_process(token_interval_s=0.001)
    got: dict[int, Any] = {}
    await into(got, llm.map(["a", "b", "c"], model="sim/echo"))
    assert got == {0: "a", 1: "b", 2: "c"}
    with pytest.raises(ZeroDivisionError):
        await into(got, llm.map(["a", "b"], retry=Retry(if_reply=broken), concurrency=1, model="sim/echo"))
    assert calls == 1


async def test_every_sort_of_call_is_taken_and_what_is_none_is_an_error_in_its_place() -> None:
    llm, _ = in_process()
    items: list[Any] = [
        "one",
        [user("two")],
        {"role": "user", "content": "three"},
        CompletionCall(prompt="four"),
        EmbeddingCall(inputs=("five",)),
        6,
        None,
        [],
    ]
    got = {position: reply async for position, reply in llm.map(items, model="sim/echo")}
    assert [str(got[position]) for position in range(4)] == ["one", "two", "three", "four"]
    assert isinstance(got[4], EmbeddingReply)
    assert all(isinstance(got[position], InvalidCall) for position in (5, 6, 7))
    got = {position: reply async for position, reply in llm.map(items[:1] + items[4:5], temperature=0.5)}
    assert isinstance(got[0], Reply)
    assert isinstance(got[1], InvalidCall)


async def test_one_call_in_place_of_many_and_no_concurrency_are_refused_at_once() -> None:
    llm, _ = in_process()
    with pytest.raises(InvalidCall, match="put it in a list"):
        llm.map("hello")  # type: ignore[arg-type]
    for concurrency in (0, -1, 2.5, "4", True):
        with pytest.raises(InvalidCall, match="concurrency must be a whole number"):
            llm.map(["x"], concurrency=concurrency)  # type: ignore[arg-type]


async def test_items_that_are_waited_for_are_given_up_when_the_results_are() -> None:
    llm, provider = in_process()
    ended: list[str] = []

    async def slowly() -> AsyncIterator[str]:
        try:
            yield "one"
            await asyncio.Event().wait()
        finally:
            ended.append("items")

    results = llm.map(slowly(), model="sim/echo")
    await anext(results)
    await results.aclose()
    assert ended == ["items"]
    assert provider.stats().open_now == 0


async def test_a_cancelled_reader_ends_what_is_under_way() -> None:
    llm, provider = in_process()

    reading = asyncio.create_task(into({}, llm.map(["x"] * 9, concurrency=4, model="sim/silent")))
    while provider.stats().open_now < 4:
        await asyncio.sleep(0)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert provider.stats().open_now == 0


async def test_results_that_nobody_takes_begin_nothing_new_and_a_million_items_are_not_kept() -> None:
    taken = 0

    def items() -> Iterator[int]:
        nonlocal taken
        for number in range(20_000):
            taken += 1
            yield number

    async def double(number: int) -> int:
        return number * 2

    crowd: Crowd[int, int] = Crowd(double, 10)
    results = as_completed(crowd, items())
    await anext(results)
    for _ in range(100):
        await asyncio.sleep(0)
    assert taken <= 12
    most = 0
    async for position, result in results:
        assert result == position * 2
        if position % 1000 == 0:
            most = max(most, sum(isinstance(one, asyncio.Task) for one in gc.get_objects()))
    assert taken == 20_000
    assert most < 30


async def test_in_order_gives_results_in_order_and_the_first_error_of_ours() -> None:
    async def work(number: int) -> int:
        await asyncio.sleep(0.001 * (5 - number))
        if number == 9:
            raise Overloaded("nine")
        return number

    assert await in_order(work, range(5), 3) == [0, 1, 2, 3, 4]
    with pytest.raises(Overloaded):
        await in_order(work, [1, 9, 2], 2)


async def test_calls_in_a_group_and_under_a_timeout_leave_neither_in_doubt() -> None:
    llm, provider = in_process(token_interval_s=0.001)
    async with asyncio.timeout(30), asyncio.TaskGroup() as group:
        asked = [group.create_task(llm.chat("x", model="sim/tokens=3", stall_s=5)) for _ in range(5)]
    assert [task.result().text for task in asked] == [words(3)] * 5

    async def fails() -> None:
        while provider.stats().open_now < 1:
            await asyncio.sleep(0)
        raise ZeroDivisionError

    async def both() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(llm.chat("x", model="sim/silent"))
            group.create_task(fails())

    with pytest.raises(ExceptionGroup) as caught:
        await both()
    assert [type(error) for error in caught.value.exceptions] == [ZeroDivisionError]
    task = asyncio.current_task()
    assert task is not None
    before = task.cancelling()  # Python 3.11's groups leave one behind
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.02):
            await llm.chat("x", model="sim/silent", first_token_s=0.5)
    with pytest.raises(TimedOut):
        await llm.chat("x", model="sim/silent", first_token_s=0.01, retry=Retry(attempts=1))
    assert (task.cancelling(), provider.stats().open_now) == (before, 0)
