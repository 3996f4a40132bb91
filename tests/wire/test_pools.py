"""Connections of event loops that end in the middle of something."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any

from aiohttp import TCPConnector

from tramite.wire.pools import Pools


def cancelled(loop: asyncio.AbstractEventLoop, coroutine: Coroutine[Any, Any, Any], **named: Any) -> asyncio.Task[Any]:
    """A task as a loop makes of what comes while `asyncio.run` ends it."""
    task = asyncio.Task(coroutine, loop=loop, **named)
    task.cancel()
    return task


def test_the_interpreter_exits_in_peace_while_a_loop_is_ending_by_itself() -> None:
    """`Client().chat(…)` as a program's last line: the client is gone, and its loop ends while the interpreter does."""
    pools = Pools(TCPConnector)
    ready: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Future()

    async def ask() -> None:
        await pools.open()
        loop, stop = asyncio.get_running_loop(), asyncio.Event()
        loop.set_task_factory(cancelled)  # type: ignore[arg-type]  # typeshed asks for a generic protocol
        ready.set_result((loop, stop))
        await stop.wait()

    thread = threading.Thread(target=asyncio.run, args=(ask(),))
    thread.start()
    loop, stop = ready.result()
    try:
        pools.end()
        assert len(pools) == 1
    finally:
        loop.call_soon_threadsafe(loop.set_task_factory, None)
        loop.call_soon_threadsafe(stop.set)
        thread.join()
    assert len(pools) == 0
