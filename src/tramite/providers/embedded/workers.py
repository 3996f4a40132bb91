"""The threads that compute, as many as there are cores, each with a linear algebra library that uses one.

Two threads with half of the work each are faster than one whose matrix products alone use two (on two cores 590 short
texts a second instead of 510), and do not stall when the cores are busy with something else (150 instead of 40).
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from tramite.providers.cores import cores

if TYPE_CHECKING:
    from threadpoolctl import ThreadpoolController

T = TypeVar("T")
J = TypeVar("J")

MOST = 8


class Workers:
    """A few threads for all requests of this process. A forked child starts its own."""

    def __init__(self, threads: int | None = None) -> None:
        self.threads = threads or min(cores(), MOST)
        self.forget()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self.forget)

    def forget(self) -> None:
        """In a forked child: the threads are the parent's."""
        self._pool: ThreadPoolExecutor | None = None
        self._lock = threading.Lock()
        self._busy = 0
        self._controller: ThreadpoolController | None = None
        self._restore: Callable[[], None] | None = None

    async def run(self, job: Callable[[], T]) -> T:
        """The job's result. When the waiting is cancelled, a job that has not begun never does."""
        with self._lock:
            if self._pool is None:
                self._pool = ThreadPoolExecutor(self.threads, thread_name_prefix="tramite-embedded")
            pool = self._pool
        return await asyncio.get_running_loop().run_in_executor(pool, job)

    async def run_each(self, work: Callable[[J], T], jobs: Iterable[J]) -> list[tuple[J, T]]:
        """All jobs with their results, as many at once as there are threads; requests take turns, job by job.

        When the waiting is cancelled, those under way are the last.
        """
        waiting = iter(jobs)
        done: list[tuple[J, T]] = []

        async def take() -> None:
            for job in waiting:
                result = await self.run(partial(work, job))
                done.append((job, result))

        with self._one_core_each():
            takers = [asyncio.ensure_future(take()) for _ in range(self.threads)]
            try:
                await asyncio.gather(*takers)
            finally:
                for taker in takers:
                    taker.cancel()
        return done

    @contextmanager
    def _one_core_each(self) -> Iterator[None]:
        """While anything is computed here, numpy's matrix products use one core, in all of this process."""
        with self._lock:
            self._busy += 1
            if self._restore is None:
                self._restore = self._limit_to_one()
        try:
            yield
        finally:
            with self._lock:
                self._busy -= 1
                if self._busy == 0 and self._restore is not None:
                    self._restore()
                    self._restore = None

    def _limit_to_one(self) -> Callable[[], None]:
        if self._controller is None:
            from threadpoolctl import ThreadpoolController

            self._controller = ThreadpoolController()
        restore: Callable[[], None] = self._controller.limit(limits=1, user_api="blas").restore_original_limits
        return restore
