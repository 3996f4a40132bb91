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
from concurrent.futures import Future, wait
from contextlib import suppress
from typing import Any, Generic, NamedTuple, TypeVar

from tramite.errors import ConnectionBroken

T = TypeVar("T")

PARTING_S = 1.0
"""How long Ctrl-C waits for the task that it has cancelled, so that what is done next finds it ended."""


class Home(NamedTuple):
    """A running loop, what stops it, and its thread."""

    loop: asyncio.AbstractEventLoop
    stop: asyncio.Event
    thread: threading.Thread


class Portal:
    """Runs coroutines on a loop of its own and gives their results. Safe from any number of threads.

    The thread starts with the first call. It ends with `close()`, when nobody has the portal any more, or at
    interpreter exit. A forked child starts its own.
    """

    def __init__(self) -> None:
        self.home: Home | None = None
        self._lock = threading.Lock()
        self._finalizer: weakref.finalize[..., Portal] | None = None
        _everyone.add(self)

    def __repr__(self) -> str:
        return f"<Portal: {'running' if self.home else 'at rest'}>"

    def call(self, coroutine: Coroutine[Any, Any, T], home: Home | None = None) -> T:
        """The coroutine's result. Whatever interrupts the waiting (Ctrl-C) cancels the task behind it.

        What belongs to a `home` that is gone has nothing to wait for any more: it is run to its end right here.
        Raises ConnectionBroken when the portal is closed meanwhile.
        """
        job: _Job[T] | None = None
        try:
            with self._lock:  # so that nothing is given to a loop after it was told to stop
                if home is not None and home is not self.home:
                    return _finish(coroutine)
                job = _Job(self._begun(coroutine), coroutine)
            return job.result()
        except BaseException as error:
            if job is not None:
                job.cancel()
                if not isinstance(error, Exception) and job.raised(error):
                    self.close()  # such an error ends the loop that it is raised on
            raise
        finally:
            del job  # an error refers to this frame: together they would be a cycle

    def close(self) -> None:
        """End the thread, and with it whatever still runs on its loop. Idempotent."""
        with self._lock:
            home, self.home = self.home, None
            if self._finalizer is not None:
                self._finalizer.detach()
        if home is not None:
            _stop(home)
            home.thread.join()

    def forget(self) -> None:
        """In a forked child: thread and loop are the parent's."""
        self._lock = threading.Lock()
        self.home = None
        if self._finalizer is not None:
            self._finalizer.detach()

    def _begun(self, coroutine: Coroutine[Any, Any, object]) -> Home:
        """The home, started if need be. Raises RuntimeError on its own thread, which would wait for itself."""
        home = self.home
        if home is not None and home.thread is threading.current_thread():
            coroutine.close()
            raise RuntimeError(
                "a Client was called on its own event loop, which cannot wait for itself: "
                "in a coroutine use AsyncClient, or make the function a plain one"
            )
        if home is None or home.loop.is_closed():
            ready: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Future()
            thread = threading.Thread(target=asyncio.run, args=(_until_stopped(ready),), name="tramite", daemon=True)
            thread.start()
            _threads.add(thread)
            home = self.home = Home(*ready.result(), thread)
            self._finalizer = weakref.finalize(self, _stop, home)
            self._finalizer.atexit = False  # `_close_all` waits for it
        return home


class _Job(Generic[T]):
    """A coroutine on its way through the loop, and who waits for it."""

    def __init__(self, home: Home, coroutine: Coroutine[Any, Any, T]) -> None:
        self._loop = home.loop
        self._done: Future[T] = Future()
        self._task: asyncio.Task[T] | None = None
        self._loop.call_soon_threadsafe(self._start, coroutine)

    def result(self) -> T:
        return self._done.result()

    def raised(self, error: BaseException) -> bool:
        """Whether this error is the coroutine's own."""
        return self._done.done() and self._done.exception() is error

    def cancel(self) -> None:
        """If it is not done: end it, and wait a moment until it has."""
        if not self._done.done():
            with suppress(RuntimeError):  # the loop is closed
                self._loop.call_soon_threadsafe(self._cancel)
                wait([self._done], PARTING_S)

    def _start(self, coroutine: Coroutine[Any, Any, T]) -> None:
        self._task = self._loop.create_task(coroutine)
        self._task.add_done_callback(self._end)

    def _cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()

    def _end(self, task: asyncio.Task[T]) -> None:
        self._task = None
        if task.cancelled():
            self._done.set_exception(ConnectionBroken("the client was closed while this was under way"))
        elif (error := task.exception()) is not None:
            self._done.set_exception(error)
        else:
            self._done.set_result(task.result())


async def _until_stopped(ready: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]]) -> None:
    stop = asyncio.Event()
    ready.set_result((asyncio.get_running_loop(), stop))
    await stop.wait()  # then asyncio.run cancels what is left, and ends generators and threads


def _stop(home: Home) -> None:
    with suppress(RuntimeError):  # the loop has ended already
        home.loop.call_soon_threadsafe(home.stop.set)


def _finish(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run to its end what has nothing to wait for."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        value: T = done.value
        return value
    coroutine.close()
    raise RuntimeError("the event loop that this belongs to has ended")


_everyone: weakref.WeakSet[Portal] = weakref.WeakSet()
_threads: weakref.WeakSet[threading.Thread] = weakref.WeakSet()


def _close_all() -> None:
    for portal in list(_everyone):
        portal.close()
    for thread in list(_threads):  # those whose portals are gone
        thread.join(PARTING_S)


def _forget_all() -> None:
    for portal in list(_everyone):
        portal.forget()
    _threads.clear()


atexit.register(_close_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_all)
