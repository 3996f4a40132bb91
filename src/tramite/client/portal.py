"""One background thread with an event loop, for synchronous callers. Knows no client.

anyio's blocking portal would do all of it but one thing: it is a context manager, and a forked child, which has no such
thread, could neither leave it nor drop it without waiting for that thread for ever.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import threading
import weakref
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any, NamedTuple, TypeVar

T = TypeVar("T")


class _Running(NamedTuple):
    loop: asyncio.AbstractEventLoop
    stop: asyncio.Event
    thread: threading.Thread


class Portal:
    """Runs coroutines on a loop of its own and gives their results. Safe from any number of threads.

    The thread starts with the first call and ends with `close()`, at interpreter exit at the latest. A forked child
    starts its own.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: _Running | None = None
        _everyone.add(self)

    def call(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """The coroutine's result. Whatever interrupts the waiting (Ctrl-C) cancels the task behind it."""
        running = self._running or self._start()
        future = asyncio.run_coroutine_threadsafe(coroutine, running.loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def close(self) -> None:
        """End the thread, and with it whatever still runs on its loop. Idempotent."""
        with self._lock:
            running, self._running = self._running, None
        if running is not None:
            running.loop.call_soon_threadsafe(running.stop.set)
            running.thread.join()

    def forget(self) -> None:
        """In a forked child: thread and loop are the parent's."""
        self._lock = threading.Lock()
        self._running = None

    def _start(self) -> _Running:
        with self._lock:
            if self._running is None:
                ready: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Future()
                thread = threading.Thread(
                    target=asyncio.run, args=(_until_stopped(ready),), name="tramite", daemon=True
                )
                thread.start()
                self._running = _Running(*ready.result(), thread)
            return self._running


async def _until_stopped(ready: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]]) -> None:
    stop = asyncio.Event()
    ready.set_result((asyncio.get_running_loop(), stop))
    await stop.wait()  # then asyncio.run cancels what is left, and ends generators and threads


_everyone: weakref.WeakSet[Portal] = weakref.WeakSet()


def _close_all() -> None:
    for portal in list(_everyone):
        portal.close()


def _forget_all() -> None:
    for portal in list(_everyone):
        portal.forget()


atexit.register(_close_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_all)
