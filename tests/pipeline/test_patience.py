from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

import pytest

from tramite.errors import DeadlineExceeded
from tramite.pipeline.patience import Interrupted, Patience
from tramite.simulator import fast_forward


def test_a_wait_that_ends_in_time_gives_its_result() -> None:
    async def main() -> str:
        return await Patience(10).wait(asyncio.sleep(9, "here"), silence_s=9.5)

    assert fast_forward(main()) == "here"


def test_silence_and_deadline_interrupt_whichever_comes_first() -> None:
    async def cause(deadline_s: float, silence_s: float | None) -> tuple[str, float]:
        patience = Patience(deadline_s)
        with pytest.raises(Interrupted) as caught:
            await patience.wait(asyncio.Event().wait(), silence_s)
        return caught.value.cause, patience.elapsed_s()

    assert fast_forward(cause(10, 3)) == ("silence", pytest.approx(3, abs=0.2))
    assert fast_forward(cause(2, 3)) == ("deadline", pytest.approx(2, abs=0.2))
    assert fast_forward(cause(2, None)) == ("deadline", pytest.approx(2, abs=0.2))


def test_the_deadline_counts_all_waits_together_and_silence_each_alone() -> None:
    async def main() -> tuple[str, float]:
        patience = Patience(10)
        for _ in range(3):
            await patience.wait(asyncio.sleep(3), silence_s=4)
        with pytest.raises(Interrupted) as caught:
            await patience.wait(asyncio.sleep(3), silence_s=4)
        return caught.value.cause, patience.elapsed_s()

    assert fast_forward(main()) == ("deadline", pytest.approx(10, abs=0.2))


def test_a_shorter_wait_after_a_longer_one_is_interrupted_in_time() -> None:
    async def main() -> float:
        patience = Patience(1000)
        await patience.wait(asyncio.sleep(1), silence_s=100)
        with pytest.raises(Interrupted):
            await patience.wait(asyncio.Event().wait(), silence_s=2)
        return patience.elapsed_s()

    assert fast_forward(main()) == pytest.approx(3, abs=0.2)


def test_a_user_s_cancellation_stays_a_cancellation() -> None:
    async def main() -> bool:
        task = asyncio.create_task(Patience(10).wait(asyncio.Event().wait(), 5))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return task.cancelled()

    assert fast_forward(main())


def test_an_interrupted_task_is_not_left_cancelled() -> None:
    async def main() -> int:
        with pytest.raises(Interrupted):
            await Patience(10).wait(asyncio.Event().wait(), 1)
        await asyncio.sleep(1)  # would raise, were a cancellation still pending
        task = asyncio.current_task()
        return task.cancelling() if task else -1

    assert fast_forward(main()) == 0


def test_a_cancellation_from_outside_wins_over_an_interruption_at_the_same_moment() -> None:
    async def main() -> bool:
        patience = Patience(10)
        task: asyncio.Task[Any] = asyncio.create_task(patience.wait(asyncio.Event().wait(), 5))
        await asyncio.sleep(0)
        patience.close()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return task.cancelled()

    assert fast_forward(main())


def test_closing_ends_the_wait_under_way_and_every_later_one() -> None:
    async def main() -> list[str]:
        patience = Patience(10)
        waiting = asyncio.create_task(patience.wait(asyncio.Event().wait()))
        await asyncio.sleep(0)
        patience.close()
        causes = []
        for awaitable in (waiting, patience.wait(asyncio.sleep(1)), patience.in_time(asyncio.sleep(1), "")):
            with pytest.raises(Interrupted) as caught:
                await awaitable
            causes.append(caught.value.cause)
        return causes

    assert fast_forward(main()) == ["closed"] * 3


def test_one_timer_serves_a_thousand_waits() -> None:
    async def main() -> int:
        loop = asyncio.get_running_loop()
        armed = 0
        call_at = loop.call_at

        def counted(*args: Any, **named: Any) -> asyncio.TimerHandle:
            nonlocal armed
            armed += 1
            return call_at(*args, **named)

        loop.call_at = counted  # type: ignore[method-assign]  # a counter in front of the real thing
        patience = Patience(10_000)
        for _ in range(1000):
            await patience.wait(asyncio.sleep(0), silence_s=30)
        patience.done()
        return armed

    assert fast_forward(main()) <= 2


def test_a_wait_after_closing_leaves_no_cancellation_behind_even_for_what_is_ready() -> None:
    async def ready() -> None:
        pass

    async def main() -> int:
        patience = Patience(10)
        patience.close()
        with pytest.raises(Interrupted):
            await patience.wait(ready())
        await asyncio.sleep(1)  # would raise, were a cancellation still pending
        task = asyncio.current_task()
        return task.cancelling() if task else -1

    assert fast_forward(main()) == 0


@pytest.mark.parametrize("answer", [ValueError, None])
def test_what_answers_its_interruption_in_its_own_way_leaves_no_cancellation_behind(answer: Any) -> None:
    async def stubborn() -> str:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            if answer:
                raise answer from None
        return "here"

    async def main() -> int:
        got = await asyncio.gather(asyncio.create_task(counted()), return_exceptions=True)
        assert isinstance(got[0], int)
        return got[0]

    async def counted() -> int:
        with suppress(ValueError):
            assert await Patience(10).wait(stubborn(), 1) == "here"
        task = asyncio.current_task()
        return task.cancelling() if task else -1

    assert fast_forward(main()) == 0


def test_what_runs_past_the_deadline_is_told_with_the_limit_s_name() -> None:
    async def main() -> str:
        with pytest.raises(DeadlineExceeded) as caught:
            await Patience(7).in_time(asyncio.Event().wait(), "finding a server")
        return str(caught.value)

    assert fast_forward(main()) == "deadline_s (7 s) is over: finding a server"
