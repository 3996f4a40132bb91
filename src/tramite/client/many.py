"""Many pieces of work at once, a bounded number under way. Knows no call."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable
from typing import Any, Generic, TypeVar

from tramite.errors import InvalidCall, TramiteError

T = TypeVar("T")
R = TypeVar("R")


class Crowd(Generic[T, R]):
    """Work under way on one loop. A place in it is free again when its result was taken: nothing piles up.

    An error of ours is a result. Any other (of the items' source, or a bug) ends the taking of items; what is under way
    is finished and given out before it is raised.
    """

    def __init__(self, work: Callable[[T], Awaitable[R]], concurrency: int) -> None:
        if not _is_count(concurrency):
            raise InvalidCall(f"concurrency must be a whole number from 1, got {concurrency!r}", "concurrency")
        self._work = work
        self._concurrency = concurrency
        self._under_way: dict[asyncio.Task[Any], int] = {}
        self._finished: asyncio.Queue[asyncio.Task[Any]] = asyncio.Queue()
        self._freed = asyncio.Event()
        self._feeder: asyncio.Task[None] | None = None
        self._failure: BaseException | None = None

    def __repr__(self) -> str:
        return f"<Crowd: {len(self._under_way)} of {self._concurrency} under way>"

    @property
    def room(self) -> int:
        """How many more may begin."""
        return 0 if self._failure is not None else self._concurrency - len(self._under_way)

    def start(self, position: int, item: T) -> None:
        """Begin one."""
        task = asyncio.ensure_future(self._work(item))
        self._under_way[task] = position
        task.add_done_callback(self._finished.put_nowait)

    def feed(self, items: Iterable[T] | AsyncIterable[T]) -> None:
        """Begin them all, each when there is room. One task takes them, while others are under way."""
        self._feeder = asyncio.create_task(self._feed(_each(items)))
        self._feeder.add_done_callback(self._finished.put_nowait)

    def fail(self, error: BaseException) -> None:
        """Take no more items, and raise this at the end."""
        self._failure = self._failure or error
        if self._feeder is not None:
            self._feeder.cancel()

    async def next(self) -> tuple[int, R | TramiteError] | None:
        """Position and result of the next that ends; None after the last."""
        while self._under_way or self._feeder is not None:
            task = await self._finished.get()
            error = None if task.cancelled() else task.exception()
            if task is self._feeder:
                self._feeder = None
                if error is not None:
                    self.fail(error)
                continue
            position = self._under_way.pop(task)
            self._freed.set()
            if error is None:
                return position, task.result()
            if isinstance(error, TramiteError):
                return position, error
            self.fail(error)
        if self._failure is not None:
            raise self._failure
        return None

    async def step(self, items: Iterable[tuple[int, T]]) -> tuple[int, R | TramiteError] | None:
        """Begin these, and then as `next`."""
        for position, item in items:
            self.start(position, item)
        return await self.next()

    async def close(self) -> None:
        """Cancel what is under way."""
        tasks = [*self._under_way, *([self._feeder] if self._feeder is not None else [])]
        self._under_way.clear()
        self._feeder = None
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _feed(self, items: AsyncIterator[T]) -> None:
        position = 0
        while True:
            while not self.room:
                self._freed.clear()
                await self._freed.wait()
            try:
                item = await anext(items)
            except StopAsyncIteration:
                return
            self.start(position, item)
            position += 1


async def as_completed(
    crowd: Crowd[T, R], items: Iterable[T] | AsyncIterable[T]
) -> AsyncGenerator[tuple[int, R | TramiteError], None]:
    """Position and result, or the error, of each item as it completes. Closing it cancels what is under way.

    Items are taken only when there is room, so that a generator of millions of them is never unrolled; and one that
    keeps the next item waiting does not keep the results waiting.
    """
    crowd.feed(items)
    try:
        while (result := await crowd.next()) is not None:
            yield result
    finally:
        await crowd.close()


async def in_order(work: Callable[[T], Awaitable[R]], items: Iterable[T], concurrency: int) -> list[R]:
    """The results in the order of their items. Raises the first error that any of them ends with."""
    results: dict[int, R] = {}
    done = as_completed(Crowd(work, concurrency), items)
    try:
        async for position, result in done:
            if isinstance(result, TramiteError):
                raise result
            results[position] = result
    finally:
        await done.aclose()
    return [results[position] for position in range(len(results))]


async def _each(items: Iterable[T] | AsyncIterable[T]) -> AsyncIterator[T]:
    if isinstance(items, AsyncIterable):
        async for item in items:
            yield item
    else:
        for item in items:
            yield item


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1
