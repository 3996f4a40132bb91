"""Calls functions of the user's (tools, predicates, callbacks) away from the event loop. Knows nothing of them."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from contextlib import suppress
from contextvars import copy_context
from functools import partial
from threading import Thread
from typing import Any


async def call_user(function: Callable[..., Any], *args: Any, **named: Any) -> Any:
    """Call a function of the user's: a coroutine function here, any other in a thread, off the loop."""
    if inspect.iscoroutinefunction(function):
        return await function(*args, **named)
    result = await _in_thread(partial(function, *args, **named))
    return await result if inspect.isawaitable(result) else result


async def _in_thread(work: Callable[[], Any]) -> Any:
    """A thread of its own for each call. asyncio's own pool is small and shared: a few slow tools would keep names
    from being resolved, and one that is stuck would keep the loop from ending. This thread is simply left behind.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[tuple[Any, BaseException | None]] = loop.create_future()
    context = copy_context()

    def run() -> None:
        outcome: tuple[Any, BaseException | None]
        try:
            outcome = context.run(work), None
        except BaseException as error:  # noqa: BLE001 - raised again where it is waited for
            outcome = None, error
        with suppress(RuntimeError):  # the loop is closed: nobody waits
            loop.call_soon_threadsafe(_settle, done, outcome)

    Thread(target=run, name="tramite: a function of the user's", daemon=True).start()
    value, error = await done
    if error is not None:
        raise error  # a future could not carry a StopIteration, and would never be done
    return value


def _settle(done: asyncio.Future[Any], outcome: object) -> None:
    if not done.done():
        done.set_result(outcome)
