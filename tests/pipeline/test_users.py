from __future__ import annotations

import asyncio
import threading
from contextvars import ContextVar

import pytest

from tramite.pipeline.users import call_user

WHO: ContextVar[str] = ContextVar("WHO")


async def test_a_function_runs_in_a_thread_with_the_caller_s_context_and_a_coroutine_on_the_loop() -> None:
    WHO.set("me")

    async def here(number: int) -> tuple[str, threading.Thread]:
        return f"{WHO.get()} {number}", threading.current_thread()

    def there(number: int) -> tuple[str, threading.Thread]:
        return f"{WHO.get()} {number}", threading.current_thread()

    assert await call_user(here, 1) == ("me 1", threading.main_thread())
    said, thread = await call_user(there, number=2)
    assert said == "me 2"
    assert thread is not threading.main_thread()
    assert await call_user(lambda: here(3)) == ("me 3", threading.main_thread())


async def test_a_stop_iteration_is_an_error_like_any_other() -> None:
    with pytest.raises(RuntimeError) as caught:
        await call_user(lambda: next(iter(())))
    assert isinstance(caught.value.__cause__, StopIteration)


async def test_any_number_of_them_may_wait_for_one_another() -> None:
    everyone = threading.Barrier(50)
    await asyncio.gather(*(call_user(everyone.wait, 30) for _ in range(50)))


def test_one_that_is_stuck_keeps_neither_its_caller_nor_the_loop() -> None:
    stuck = threading.Event()

    async def main() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(call_user(stuck.wait), 0.01)

    asyncio.run(main())
    stuck.set()
