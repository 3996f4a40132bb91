"""Tells functions of the user's what happens to their requests. Changes nothing, and keeps no request waiting."""

from __future__ import annotations

import asyncio
import atexit
import inspect
import logging
import os
import threading
import weakref
from collections.abc import Callable, Coroutine
from concurrent.futures import wait
from contextlib import suppress
from contextvars import copy_context
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any

from msgspec import Struct

from tramite.errors import ConfigError

from .observing import Beginning, Ending, Outcome
from .users import call_user

logger = logging.getLogger("tramite.hooks")

MOST_WAITING = 10_000
"""Calls of hooks that may be due: who never keeps up with the requests must not fill the memory."""
PARTING_S = 2.0
"""How long a client that is closed, or the interpreter's exit, waits for the calls that are due."""
_IDLE_S = 5.0
_LOOK_S = 0.5


class Hooks(Struct, frozen=True, kw_only=True):
    """Functions that are told what happens to requests.

    `before_attempt` gets a try that is about to be sent, `after_attempt` how it ended, `on_reply` a request that has
    brought its answer (one given up is told to `Retry.on_give_up`). What they return is not looked at.

    They run beside the requests: one call at a time, in the order of what happened, with the caller's context
    variables; plain functions in one thread of their own, coroutine functions on the event loop of the request. A
    slow hook delays the other hooks alone; when 10,000 calls are due, further ones are dropped, and the log says so.
    What a hook raises goes to the log (`tramite.hooks`), each kind loudly once. Closing the client, like the
    interpreter's exit, waits up to two seconds for the calls that are due.
    """

    before_attempt: Callable[[Beginning], Any] | None = None
    after_attempt: Callable[[Ending], Any] | None = None
    on_reply: Callable[[Outcome], Any] | None = None

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            hook = getattr(self, name)
            if not (hook is None or callable(hook)):
                raise ConfigError(f"hooks.{name} must be a function, got {hook!r:.80}")


class HookRunner:
    """The observer that calls the hooks. One serves any number of event loops."""

    def __init__(self, hooks: Hooks) -> None:
        self.dropped = 0
        self._hooks = hooks
        self._known: set[tuple[str, type[BaseException]]] = set()
        self.forget()
        _everyone.add(self)

    def __repr__(self) -> str:
        return f"<HookRunner: {self._due.qsize()} due, {self.dropped} dropped>"

    def attempt_begins(self, beginning: Beginning) -> None:
        """See `Observer`."""
        if self._hooks.before_attempt is not None:
            self._tell("before_attempt", self._hooks.before_attempt, beginning)

    def attempt_ended(self, ending: Ending) -> None:
        """See `Observer`."""
        if self._hooks.after_attempt is not None:
            self._tell("after_attempt", self._hooks.after_attempt, ending)

    def request_ended(self, outcome: Outcome) -> None:
        """See `Observer`."""
        if self._hooks.on_reply is not None and outcome.error is None and not outcome.left:
            self._tell("on_reply", self._hooks.on_reply, outcome)

    async def aclose(self, within_s: float = PARTING_S) -> None:
        """Wait for the calls that are due, at most so many seconds."""
        if self._thread is not None:
            await call_user(self.close, within_s)

    def close(self, within_s: float = PARTING_S) -> None:
        """The same for a thread that has no event loop to keep going."""
        done = threading.Event()
        if self._enqueue(done.set):
            done.wait(within_s)

    def forget(self) -> None:
        """Begin with nothing due. In a forked child: what was due is the parent's, and so is the thread."""
        self._due: SimpleQueue[Callable[[], object]] = SimpleQueue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def _tell(self, name: str, hook: Callable[[Any], Any], fact: Struct) -> None:
        if self._due.qsize() >= MOST_WAITING:
            self._drop(name)
        else:
            loop = asyncio.get_running_loop()
            self._enqueue(partial(copy_context().run, self._call, name, hook, fact, loop))

    def _enqueue(self, job: Callable[[], object]) -> bool:
        """Have it done after all that is due; whether anybody can. The thread ends when it is idle: start it anew."""
        self._due.put(job)
        with self._lock, suppress(RuntimeError):  # no thread can be started: the interpreter ends
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._work, name="tramite: hooks", daemon=True)
                self._thread.start()
            return True
        return False

    def _work(self) -> None:
        while True:
            try:
                job = self._due.get(timeout=_IDLE_S)
            except Empty:
                with self._lock:
                    if self._due.empty():
                        self._thread = None
                        return
            else:
                job()
                del job  # what it tells of may be large, and the next one far off

    def _call(self, name: str, hook: Callable[[Any], Any], fact: Struct, loop: asyncio.AbstractEventLoop) -> None:
        try:
            result = hook(fact)
            if inspect.iscoroutine(result):
                _await_on(loop, result)
        except BaseException as error:  # noqa: BLE001 - a hook breaks nothing, not even this thread
            self._failed(name, error)

    def _failed(self, name: str, error: BaseException) -> None:
        kind = (name, type(error))
        if kind in self._known:
            logger.debug("the hook %s failed again: %s", name, error)
            return
        self._known.add(kind)
        logger.error("the hook %s failed; the request goes on. Its like is logged as DEBUG", name, exc_info=error)

    def _drop(self, name: str) -> None:
        self.dropped += 1
        if self.dropped & (self.dropped - 1) == 0:  # 1, 2, 4, 8 …: heard, and no flood
            logger.error("the hooks cannot keep up: %d calls dropped so far, now of %s", self.dropped, name)


def _await_on(loop: asyncio.AbstractEventLoop, coroutine: Coroutine[Any, Any, object]) -> None:
    """Run it there and wait for its end, as long as that loop lives. Raises what it raises."""
    try:
        running = asyncio.run_coroutine_threadsafe(coroutine, loop)
        while not (running.done() or loop.is_closed()):
            wait([running], _LOOK_S)
        if running.done() and not running.cancelled():
            running.result()
    finally:
        with suppress(RuntimeError):  # it runs, or will not be closed
            coroutine.close()


_everyone: weakref.WeakSet[HookRunner] = weakref.WeakSet()


def _close_all() -> None:
    for runner in list(_everyone):
        runner.close()


def _forget_all() -> None:
    for runner in list(_everyone):
        runner.forget()


atexit.register(_close_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_all)
