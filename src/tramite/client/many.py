"""Many pieces of work at once, a bounded number under way. Knows no call."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable
from typing import TypeVar

from tramite.errors import InvalidCall, TramiteError

T = TypeVar("T")
R = TypeVar("R")


async def as_completed(
    work: Callable[[T], Awaitable[R]], items: Iterable[T] | AsyncIterable[T], concurrency: int
) -> AsyncGenerator[tuple[int, R | TramiteError], None]:
    """Position and result, or the error, of each item as it completes. Closing it cancels what is under way.

    Items are taken only when there is room, so that a generator of millions of them is never unrolled.
    """
    if concurrency < 1:
        raise InvalidCall(f"concurrency must be a whole number from 1, got {concurrency!r}", "concurrency")
    finished: asyncio.Queue[asyncio.Task[R]] = asyncio.Queue()
    positions: dict[asyncio.Task[R], int] = {}
    source = _numbered(items)
    exhausted = False
    try:
        while True:
            while not exhausted and len(positions) < concurrency:
                try:
                    position, item = await anext(source)
                except StopAsyncIteration:
                    exhausted = True
                    break
                task = asyncio.ensure_future(work(item))
                positions[task] = position
                task.add_done_callback(finished.put_nowait)
            if not positions:
                return
            task = await finished.get()
            position = positions.pop(task)
            error = task.exception()
            if error is None:
                yield position, task.result()
            elif isinstance(error, TramiteError):
                yield position, error
            else:
                raise error
    finally:
        for task in positions:
            task.cancel()
        await asyncio.gather(*positions, return_exceptions=True)


async def in_order(work: Callable[[T], Awaitable[R]], items: Iterable[T], concurrency: int) -> list[R]:
    """The results in the order of their items. Raises the first error that any of them ends with."""
    results: dict[int, R] = {}
    done = as_completed(work, items, concurrency)
    try:
        async for position, result in done:
            if isinstance(result, TramiteError):
                raise result
            results[position] = result
    finally:
        await done.aclose()
    return [results[position] for position in range(len(results))]


async def _numbered(items: Iterable[T] | AsyncIterable[T]) -> AsyncIterator[tuple[int, T]]:
    position = 0
    if isinstance(items, AsyncIterable):
        async for item in items:
            yield position, item
            position += 1
    else:
        for item in items:
            yield position, item
            position += 1
