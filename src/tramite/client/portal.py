"""One background thread with an event loop, for synchronous callers. Knows no client."""

from __future__ import annotations

import asyncio
import atexit
import os
import threading
import weakref
from collections.abc import Coroutine
from contextlib import AbstractContextManager
from typing import Any, TypeVar

T = TypeVar("T")

_open: weakref.WeakSet[Portal]


class Portal:
    """Runs coroutines on a loop of its own and gives their results. Safe from any number of threads.

    The thread starts with the first call and ends with `close()`, at interpreter exit at the latest. A forked child
    inherits no thread: it starts its own.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._running: AbstractContextManager[Any] | None = None
        _open.add(self)

    def call(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """The coroutine's result. Whatever interrupts the waiting (Ctrl-C) cancels the task behind it."""
        try:
            loop = self._loop or self._start()
        except BaseException:
            coroutine.close()
            raise
        future = asyncio.run_coroutine_threadsafe(coroutine, loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def close(self) -> None:
        """End the thread, and with it whatever still runs on its loop. Idempotent."""
        with self._lock:
            running, self._running, self._loop = self._running, None, None
        if running is not None:
            running.__exit__(None, None, None)

    def forget(self) -> None:
        """In a forked child: the thread is the parent's."""
        self._lock = threading.Lock()
        self._running = self._loop = None

    def _start(self) -> asyncio.AbstractEventLoop:
        from anyio.from_thread import start_blocking_portal

        with self._lock:
            if self._loop is None:
                running = start_blocking_portal("asyncio", name="tramite")
                self._loop = running.__enter__().call(asyncio.get_running_loop)
                self._running = running
            return self._loop


_open = weakref.WeakSet()


def _close_all() -> None:
    for portal in list(_open):
        portal.close()


def _forget_all() -> None:
    for portal in list(_open):
        portal.forget()


atexit.register(_close_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_all)
