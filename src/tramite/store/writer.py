"""The thread that writes: whatever waits goes into one transaction, and no timer delays it. Knows no row's meaning.

What it was given is not lost to another process's lock or a server that restarts: it tries again until it is done.
"""

from __future__ import annotations

import asyncio
import atexit
import logging
import os
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Sequence

from msgspec import Struct

from tramite.errors import ConfigError, StoreFailed

from .database import Database
from .transaction import Answer, Operation, Place, carry_out

logger = logging.getLogger("tramite.store")

BATCH = 512
"""Operations in one transaction: the lock is everybody's."""
LINGER_S = 0.05
"""How long entries that had no hold wait for more of their kind: a transaction costs more than they do."""
MAX_WAITING = 20_000
"""Operations that may wait. A full queue refuses further holds, and entries that had none."""
PARTING_S = 10.0
"""How long `close` keeps trying to write what waits."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.01, 2.0
"""Between two tries while the database cannot be written; each pause is twice the last."""


class Job(Struct, eq=False):
    """An operation on its way, and who waits for it; None of an operation asks only that all before it be done."""

    operation: Operation | None
    waiter: asyncio.Future[None] | None = None
    spare: bool = False
    """Whether it may be refused when too much waits: a request's record, where no money was held for it."""

    @property
    def presses(self) -> bool:
        """Whether somebody waits for it. What does not press waits a moment for more of its kind."""
        return self.waiter is not None


class Writer:
    """A queue of operations and the thread that carries them out, which starts with the first one.

    What somebody on an event loop waits for is carried out right there, with all else that waits, where that takes no
    waiting (`at_once`: a database in this machine's files, whose lock is free): a thread would first have to be given
    the interpreter, which a busy loop keeps for 5 ms at a time (sys.getswitchinterval), and again after each statement.

    After `close()`, whoever brings an operation carries it out. A forked child has a queue, a thread and a connection
    of its own.
    """

    def __init__(
        self,
        name: str,
        connect: Callable[[], Database],
        clock: Callable[[], int] | None,
        at_once: Callable[[], Database] | None = None,
    ) -> None:
        self.dropped = 0
        """Entries that were refused since too much waited."""
        self._name = name
        self._connect = connect
        self._connect_at_once = at_once
        self._clock = clock
        self._database: Database | None = None
        self._at_once: Database | None = None
        self._closing_s: float | None = None
        self._ended = False
        """Whether the thread has come to its end, so that nobody takes from the queue any more."""
        self._begin_anew()
        _everyone.add(self)

    def _begin_anew(self) -> None:
        self._queue: deque[Job] = deque()
        self._pressing = 0
        """How many of these somebody waits for, and the thread is to see to."""
        self._in_hand = False
        """Whether somebody has taken some that they are not done with: whatever came after them has to wait."""
        self._since_s = 0.0
        """Since when the oldest has waited."""
        self._soon: asyncio.Handle | None = None
        self._later: asyncio.Handle | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        """The event loop that is about to see to all of them, and its handles for that."""
        self._wake = threading.Condition()  # may be taken again: the garbage collector comes at any time, and ends us
        self._writing = threading.Lock()
        self._thread: threading.Thread | None = None

    @property
    def waiting(self) -> int:
        """How many operations wait for their turn."""
        return len(self._queue)

    def put(self, job: Job) -> None:
        """Queue it. Blocks only after `close()`. Raises StoreFailed where a hold has to wait behind too much."""
        with self._wake:
            if not self._may_wait(job):
                return
            if self._has_thread():
                if not self._queue:
                    self._since_s = time.monotonic()
                self._queue.append(job)
                if self._connect_at_once is not None and (loop := _running()) is not None:
                    self._call(loop, job.presses)
                    return
                self._pressing += job.presses
                if self._pressing or len(self._queue) in (1, BATCH):
                    self._wake.notify()
                return
        self._write([job])
        with self._writing:
            self._hang_up()

    def close(self) -> None:
        """Write what waits, and end the thread. Idempotent."""
        self.end()
        if (thread := self._thread) is not None and thread is not threading.current_thread():
            thread.join()

    def end(self) -> None:
        """The same, without waiting for it: who calls may be in the middle of writing."""
        with self._wake:
            if self._closing_s is None:
                self._closing_s = time.monotonic()
            self._ended = self._ended or self._thread is None
            self._wake.notify()

    def pause(self) -> None:
        """Before a fork: end what is being written, and close the connection.

        SQLite counts a process's locks beside the kernel's; a child that inherits the count, but not the locks, writes
        without any. And what is sent on an inherited socket reaches the parent's server.
        """
        self._writing.acquire()
        self._hang_up()

    def resume(self) -> None:
        """After a fork, in the parent."""
        self._writing.release()

    def forget(self) -> None:
        """After a fork, in the child: queue and thread are the parent's."""
        self._ended = self._closing_s is not None
        self._begin_anew()

    def _may_wait(self, job: Job) -> bool:
        full = len(self._queue) >= MAX_WAITING
        if isinstance(job.operation, Place) and (full or self._closing_s is not None):
            why = f"{len(self._queue):,} writes wait for it" if full else "it is closed"
            raise StoreFailed(f"the store at {self._name} takes no further request: {why}")
        if job.spare and full:
            self.dropped += 1
            if self.dropped & (self.dropped - 1) == 0:  # 1, 2, 4 …: loud, but not once for each
                slow = "the store at %s cannot be written fast enough: entries of the ledger lost so far: %s"
                logger.error(slow, self._name, self.dropped)
        return not (job.spare and full)

    def _has_thread(self) -> bool:
        """Whether the thread runs, started if need be; in a program that is ending, none begins any more."""
        if self._thread is None and not self._ended:
            thread = threading.Thread(target=self._run, name="tramite: store", daemon=True)
            try:
                thread.start()
            except RuntimeError:
                self._ended = True
            else:
                self._thread = thread
        return not self._ended

    def _run(self) -> None:
        while batch := self._next():
            self._write(batch)
            self._in_hand = False
        with self._writing:
            self._hang_up()

    def _next(self) -> list[Job]:
        """All that waits; nothing when it is time to end."""
        with self._wake:
            while self._in_hand or (self._closing_s is None and not (self._pressing or len(self._queue) >= BATCH)):
                left_s = self._since_s + LINGER_S - time.monotonic() if self._queue else None
                if self._in_hand:
                    left_s = LINGER_S  # an event loop is soon done, and does not wake us for it
                elif left_s is not None and left_s <= 0:
                    break
                self._wake.wait(left_s)
            self._ended = not self._queue
            self._in_hand = not self._ended
            return self._taken()

    def _taken(self) -> list[Job]:
        """What goes into one transaction; in the lock."""
        batch = [self._queue.popleft() for _ in range(min(BATCH, len(self._queue)))]
        self._pressing = sum(job.presses for job in self._queue)
        self._since_s = time.monotonic()
        return batch

    def _call(self, loop: asyncio.AbstractEventLoop, presses: bool) -> None:
        """Have this loop, which runs here, see to all that waits: in its next round, or in a moment."""
        if loop is not self._loop:
            self._loop, self._soon, self._later = loop, None, None
        if presses and self._soon is None:
            self._soon = loop.call_soon(self._write_here)
        elif self._soon is None and self._later is None:
            self._later = loop.call_later(LINGER_S, self._write_here)

    def _write_here(self) -> None:
        """On the event loop: all that waits, if nobody else is writing; else the thread sees to it."""
        here = asyncio.get_running_loop()
        with self._wake:
            if self._loop is here:  # another's timers are for its own thread to touch
                if self._later is not None:
                    self._later.cancel()
                self._soon = self._later = None
            mine = not self._in_hand and self._writing.acquire(blocking=False)
            if mine:
                self._in_hand, batch = True, self._taken()
        if not mine:
            self._leave_to_thread()
            return
        try:
            answers = self._carried_out_here(batch)
        except BaseException as error:
            with self._wake:
                self._queue.extendleft(reversed(batch))
                self._in_hand = False
            self._leave_to_thread()
            if not isinstance(error, Exception):
                raise
            logger.debug("left to the thread, which meets it too, and knows what to do about it: %r", error)
            return
        finally:
            self._writing.release()
        _tell_all(batch, answers)
        with self._wake:
            self._in_hand = False
            if self._queue:
                self._call(here, presses=True)
            if self._closing_s is not None:
                self._wake.notify()

    def _carried_out_here(self, batch: Sequence[Job]) -> list[Answer]:
        operations = [job.operation for job in batch if job.operation is not None]
        if not operations:
            return []
        if self._at_once is None and self._connect_at_once is not None:
            self._at_once = self._connect_at_once()
        if self._at_once is None:
            raise RuntimeError("there is no connection that does not wait")
        return carry_out(self._at_once, operations, self._clock and self._clock())

    def _leave_to_thread(self) -> None:
        with self._wake:
            self._pressing = max(1, sum(job.presses for job in self._queue))
            self._wake.notify()

    def _write(self, batch: Sequence[Job]) -> None:
        """Until it is done. Where it cannot be, each by itself, so that one that is wrong fails alone."""
        try:
            answers = self._until_done([job.operation for job in batch if job.operation is not None])
        except Exception as error:  # noqa: BLE001  # a thread that ends would take all that follows with it
            alone = len(batch) == 1 or self._too_late()
            for job in batch:
                if alone:
                    self._failed(job, error)
                else:
                    self._write([job])
            return
        _tell_all(batch, answers)

    def _until_done(self, operations: Sequence[Operation]) -> list[Answer]:
        pause_s, told = FIRST_PAUSE_S, False
        while operations:
            with self._writing:
                try:
                    if self._database is None:
                        self._database = self._connect()
                    return carry_out(self._database, operations, self._clock and self._clock())
                except Exception as error:
                    if not self._may_pass(error) or self._too_late():
                        raise
                    if pause_s > 1 and not told:
                        told = True
                        logger.warning("the store at %s cannot be written; trying until it can: %s", self._name, error)
            time.sleep(pause_s)
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
        return []

    def _may_pass(self, error: Exception) -> bool:
        """A connection whose fault may be gone on a new one is left."""
        if self._database is None:
            return isinstance(error, ConfigError)
        passing = self._database.may_pass(error)
        if passing:
            self._hang_up()
        return passing

    def _too_late(self) -> bool:
        return self._closing_s is not None and time.monotonic() > self._closing_s + PARTING_S

    def _hang_up(self) -> None:
        database, at_once = self._database, self._at_once
        self._database = self._at_once = None
        for connection in (database, at_once):
            if connection is not None:
                connection.close()

    def _failed(self, job: Job, error: Exception) -> None:
        if job.waiter is not None:
            failure = StoreFailed(f"the store at {self._name} could not be written: {error}")
            failure.__cause__ = error
            _tell([(job, failure)])
        else:
            logger.error("the store at %s: an entry could not be written and is lost: %r", self._name, error)


def _tell_all(batch: Sequence[Job], answers: Sequence[Answer]) -> None:
    """What became of each; who asked only that all before be done has no answer of its own."""
    given = iter(answers)
    _tell([(job, None if job.operation is None else next(given)) for job in batch])


def _tell(answers: Sequence[tuple[Job, BaseException | None]]) -> None:
    """Wake those who wait, with one message to each event loop."""
    loops: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[None], BaseException | None]]] = {}
    for job, answer in answers:
        if job.waiter is not None:
            loops.setdefault(job.waiter.get_loop(), []).append((job.waiter, answer))
    here = _running()
    for loop, told in loops.items():
        if loop is here:
            _wake(told)
            continue
        try:
            loop.call_soon_threadsafe(_wake, told)
        except RuntimeError:  # the loop is closed: nobody waits
            logger.debug("%s answers came after their event loop had ended", len(told))


def _running() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def _wake(told: Sequence[tuple[asyncio.Future[None], BaseException | None]]) -> None:
    for waiter, answer in told:
        if waiter.done():
            continue  # whoever waited has left
        if answer is None:
            waiter.set_result(None)
        else:
            waiter.set_exception(answer)


_everyone: weakref.WeakSet[Writer] = weakref.WeakSet()
_paused: list[Writer] = []


def _pause_all() -> None:
    for writer in list(_everyone):
        writer.pause()
        _paused.append(writer)


def _resume_all() -> None:
    while _paused:
        _paused.pop().resume()


def _forget_all() -> None:
    _paused.clear()
    for writer in list(_everyone):
        writer.forget()


def _close_all() -> None:
    for writer in list(_everyone):
        writer.close()


atexit.register(_close_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_pause_all, after_in_parent=_resume_all, after_in_child=_forget_all)
