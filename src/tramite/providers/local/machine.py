"""One thread for all local models of this process, with at most one of them in memory. Knows no model and no format.

A job says which model it needs and what to do with it. Jobs wait for their turn in the order in which they came; a
model stays until a job needs another one, so that two callers of the same model share one loading.
"""

from __future__ import annotations

import asyncio
import atexit
import gc
import os
import queue
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, Protocol, TypeVar

from msgspec import Struct

from tramite.errors import Overloaded, TramiteError

T = TypeVar("T")

PATIENCE_AT_EXIT_S = 5.0


class Line:
    """From the machine's thread to who asked, on their loop. `gone` is set when nobody asks any more."""

    def __init__(self) -> None:
        self.gone = threading.Event()
        self._loop = asyncio.get_running_loop()
        self._items: asyncio.Queue[Any] = asyncio.Queue()

    def say(self, item: object) -> None:
        """On the machine's thread. An exception is raised where it is read."""
        try:
            self._loop.call_soon_threadsafe(self._items.put_nowait, item)
        except RuntimeError:  # the loop is closed
            self.gone.set()

    async def hear(self) -> Any:
        """The next item. May be cancelled and asked again; whoever is not going to must set `gone`."""
        item = await self._items.get()
        if isinstance(item, BaseException):
            raise item
        return item


class Loaded(Protocol):
    """A model in memory."""

    def close(self) -> None:
        """Let go of its memory."""
        ...


class Model(Struct, frozen=True):
    """What is to be in memory: a model's name, where it is, and what it is loaded for."""

    name: str
    folder: Path
    use: Literal["text", "vectors"]


class Job(Struct, frozen=True, kw_only=True):
    """Something to be done with one model. Both functions run on the machine's thread."""

    model: Model
    load: Callable[[], Loaded]
    work: Callable[[Any], None]
    line: Line


class Machine:
    """See above. Starts its thread with the first job; a forked child starts its own."""

    def __init__(self) -> None:
        self.forget()
        atexit.register(self.stop)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self.forget)

    def __repr__(self) -> str:
        return f"Machine(loaded={self.loaded}, waiting={self._jobs.qsize()})"

    def forget(self) -> None:
        """In a forked child: thread, jobs and model are the parent's."""
        self.loaded: Model | None = None
        """What is in memory."""
        self._model: Loaded | None = None
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._at_work: Job | None = None

    def submit(self, job: Job) -> None:
        """Put a job at the end of the line."""
        with self._lock:
            if self._thread is None:
                # A daemon, for a thread that is waited for at exit would finish an answer that nobody reads.
                self._thread = threading.Thread(target=self._run, name="tramite-local", daemon=True)
                self._thread.start()
        self._jobs.put(job)

    def stop(self) -> None:
        """End the job under way at its next token, drop the others and the model; wait a little for that."""
        with self._lock:
            thread, self._thread = self._thread, None
        if thread is None:
            return
        while not self._jobs.empty():
            self._jobs.get_nowait()
        self._jobs.put(None)
        if self._at_work is not None:
            self._at_work.line.gone.set()
        thread.join(PATIENCE_AT_EXIT_S)

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            if job.line.gone.is_set():
                continue
            self._at_work = job
            try:
                model = self._ready(job)
                if not job.line.gone.is_set():  # loading takes long, and cannot be broken off
                    job.work(model)
            except TramiteError as error:
                job.line.say(error)
            except Exception as error:  # noqa: BLE001  # whatever a model raises, who asked must hear of it
                job.line.say(_as_ours(error, job))
            finally:
                self._at_work = model = None
                del job
        self._drop()

    def _ready(self, job: Job) -> Any:
        if self.loaded != job.model:
            self._drop()
            self._model = job.load()
            self.loaded = job.model
        return self._model

    def _drop(self) -> None:
        if self._model is not None:
            self._model.close()
            self.loaded = self._model = None
            gc.collect()  # modules refer to each other in circles


def _as_ours(error: Exception, job: Job) -> TramiteError:
    ours = Overloaded(f"{job.model.name} failed: {type(error).__name__}: {str(error)[:500]}", status=500)
    ours.retryable = False
    return ours


machine = Machine()


async def apart(function: Callable[[], T]) -> T:
    """The function's result, from a thread of its own that nothing waits for at exit: a download may take hours."""
    line = Line()

    def run() -> None:
        try:
            line.say((function(),))
        except BaseException as error:  # noqa: BLE001  # raised again where it is awaited
            line.say(error)

    threading.Thread(target=run, name="tramite-local-files", daemon=True).start()
    (result,) = await line.hear()
    return result  # type: ignore[no-any-return]  # what the function gave
