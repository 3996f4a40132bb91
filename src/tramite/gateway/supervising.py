"""Several workers: starts them, starts anew the ones that die, passes signals on. Knows processes, no requests.

It holds every worker's socket, so that connections which come while a worker is dead wait for the next one.
"""

from __future__ import annotations

import gc
import logging
import os
import signal
import socket
import time
from collections.abc import Callable, Sequence

import msgspec

from .serving import Fleet

logger = logging.getLogger("tramite.gateway")

STARTUP_FAILED = 3
"""uvicorn's exit code for an application that could not start."""
HEALTHY_S = 10.0
"""Whoever lived so long did not die of its start."""
LONGEST_S = 30.0
_HEARD = frozenset((signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD, signal.SIGALRM))


class Backoff:
    """When a worker may be started again. Pure: the time is given, in seconds."""

    def __init__(self) -> None:
        self._failures = 0

    def wait_s(self, lived_s: float) -> float:
        """How long to wait after one died that lived so long: the first time not at all, then twice as long each."""
        if lived_s >= HEALTHY_S:
            self._failures = 0
        self._failures += 1
        return 0.0 if self._failures == 1 else min(0.25 * 2.0 ** (self._failures - 1), LONGEST_S)


class Place:
    """A worker's place: whoever holds it now, and when the next one is due."""

    def __init__(self, index: int) -> None:
        self.index = index
        self.pid = 0
        """0 while it is empty."""
        self.due_s = 0.0
        self.began_s = 0.0
        self.started = 0
        self.backoff = Backoff()


class Supervisor:
    """Forks a worker for each socket. `work` runs one until its end, in a process of its own; gives its exit code."""

    def __init__(self, sockets: Sequence[socket.socket], fleet: Fleet, work: Callable[[int, Fleet], int]) -> None:
        self._sockets = sockets
        self._fleet = fleet
        self._work = work
        self._places = [Place(index) for index in range(len(sockets))]
        self._stopping = False
        self._code = 0
        self._lifeline = os.pipe()

    def __repr__(self) -> str:
        return f"<Supervisor of {[place.pid for place in self._places]}{', stopping' if self._stopping else ''}>"

    def run(self) -> int:
        """Until told to stop; the exit code: 1 where a worker could not even start."""
        signal.pthread_sigmask(signal.SIG_BLOCK, _HEARD)  # so that none is lost between two looks
        signal.signal(signal.SIGALRM, lambda number, frame: None)  # ignored, it would never be heard
        gc.freeze()  # what is here now is shared with the workers, as long as nobody touches it
        while True:
            self._fill()
            if self._stopping and not any(place.pid for place in self._places):
                return self._code
            self._heard(signal.sigwait(_HEARD))

    def _fill(self) -> None:
        """Start who is due, and be woken when the next one is."""
        now = time.monotonic()
        empty = [place for place in self._places if not place.pid and not self._stopping]
        for place in empty:
            if place.due_s <= now:
                self._fork(place)
        waits = [place.due_s - now for place in empty if not place.pid]
        signal.setitimer(signal.ITIMER_REAL, max(min(waits), 0.001) if waits else 0.0)

    def _heard(self, number: int) -> None:
        if number in (signal.SIGTERM, signal.SIGINT):
            self._stop()
        elif number == signal.SIGHUP:
            self._tell(signal.SIGHUP)
        elif number == signal.SIGCHLD:
            self._bury()

    def _stop(self) -> None:
        if not self._stopping:
            self._stopping = True
            for each in self._sockets:
                each.close()
        self._tell(signal.SIGTERM)

    def _tell(self, number: int) -> None:
        for place in self._places:
            if place.pid:
                os.kill(place.pid, number)

    def _bury(self) -> None:
        """Take note of all who have died: one signal may stand for several."""
        for place in self._places:
            if not place.pid:
                continue
            pid, status = os.waitpid(place.pid, os.WNOHANG)
            if not pid:
                continue
            place.pid = 0
            self._died(place, pid, os.waitstatus_to_exitcode(status))

    def _died(self, place: Place, pid: int, code: int) -> None:
        if self._stopping:
            return
        if code == STARTUP_FAILED and place.started == 1:
            logger.error("worker %d could not start: the gateway ends", place.index)
            self._code = 1
            self._stop()
            return
        now = time.monotonic()
        wait_s = place.backoff.wait_s(now - place.began_s)
        place.due_s = now + wait_s
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        logger.warning("worker %d (%d) ended: %s; the next one starts in %.1f s", place.index, pid, how, wait_s)

    def _fork(self, place: Place) -> None:
        place.began_s = time.monotonic()
        place.started += 1
        place.pid = os.fork()
        if place.pid:
            return
        code = 1
        try:
            code = self._child(place)
        except BaseException:  # nothing may unwind into the supervisor's own code
            logger.exception("worker %d", place.index)
        finally:
            os._exit(code)

    def _child(self, place: Place) -> int:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _HEARD)
        os.close(self._lifeline[1])
        for index, each in enumerate(self._sockets):
            if index != place.index:
                each.close()
        own = msgspec.structs.replace(self._fleet, index=place.index, lifeline=self._lifeline[0])
        return self._work(place.index, own)
