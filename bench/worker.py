"""The measuring process: one library, one way to use it, alone. `python -m bench.worker LIBRARY FACE WHAT AT_ONCE URL`.

Each line on stdin is a number of seconds to measure for; each answer a line of JSON: how many were done, and the
CPU time (user and system, of this process) and wall time that they took. It ends when stdin does.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import sys
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from . import bodies, subjects

EXPECTED: dict[str, object] = {"call": bodies.SENTENCE, "stream": bodies.STREAM_TEXT, "embed": bodies.VECTORS}
WARM_UP_S = 0.2


def cpu_s() -> float:
    """What this process has used so far."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


class Span:
    """CPU and wall time from its making on."""

    def __init__(self) -> None:
        self._cpu_s, self._wall_s = cpu_s(), time.perf_counter()

    def over(self, count: int) -> dict[str, float]:
        """What `count` operations took."""
        return {"count": count, "cpu_s": cpu_s() - self._cpu_s, "wall_s": time.perf_counter() - self._wall_s}


def check(what: str, got: object) -> None:
    """A library that is fast because its answer is wrong is not fast."""
    if got != EXPECTED[what]:
        raise RuntimeError(f"{what}: not the answer that the server gave, but {got!r:.200}")


async def for_a_while(operation: Callable[[], Awaitable[Any]], what: str, at_once: int, seconds: float) -> int:
    """Keep `at_once` of them going for these seconds; how many were done."""
    until = time.perf_counter() + seconds

    async def one_after_another() -> int:
        count = 0
        while count == 0 or time.perf_counter() < until:
            check(what, await operation())
            count += 1
        return count

    return sum(await asyncio.gather(*(one_after_another() for _ in range(at_once))))


def for_a_while_sync(
    pool: ThreadPoolExecutor, operation: Callable[[], Any], what: str, at_once: int, seconds: float
) -> int:
    """The same with threads; one alone needs none."""
    until = time.perf_counter() + seconds

    def one_after_another(_: int = 0) -> int:
        count = 0
        while count == 0 or time.perf_counter() < until:
            check(what, operation())
            count += 1
        return count

    return one_after_another() if at_once == 1 else sum(pool.map(one_after_another, range(at_once)))


def main(arguments: list[str]) -> None:
    """The command line."""
    library, face, what, at_once, url = arguments
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # a library that prints does not disturb the answers
    if face == "async":
        asyncio.run(_serve_async(answers, library, what, int(at_once), url))
    else:
        _serve_sync(answers, library, what, int(at_once), url)


async def _serve_async(answers: Any, library: str, what: str, at_once: int, url: str) -> None:
    subject = subjects.ASYNC[library](url)
    operation = getattr(subject, what)
    await for_a_while(operation, what, at_once, WARM_UP_S)
    _answer(answers, {"version": subjects.release(library)})
    for line in sys.stdin:  # this blocks the loop on purpose: between two rounds nothing is to run
        span = Span()
        _answer(answers, span.over(await for_a_while(operation, what, at_once, float(line))))
    await subject.close()


def _serve_sync(answers: Any, library: str, what: str, at_once: int, url: str) -> None:
    subject = subjects.SYNC[library](url)
    operation = getattr(subject, what)
    with ThreadPoolExecutor(at_once) as pool:
        for_a_while_sync(pool, operation, what, at_once, WARM_UP_S)
        _answer(answers, {"version": subjects.release(library)})
        for line in sys.stdin:
            span = Span()
            _answer(answers, span.over(for_a_while_sync(pool, operation, what, at_once, float(line))))
    subject.close()


def _answer(answers: Any, value: object) -> None:
    print(json.dumps(value), file=answers, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
