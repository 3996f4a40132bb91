"""What `/metrics` says beside the pipeline's own counts: this process, its loop, its limits, and all workers in one.

Each of several workers leaves its figures in a folder that they share, and whoever is asked answers for all, with a
label `worker`: sums over it are right even after a worker has started anew from 0.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tramite.client.core import Core
from tramite.errors import TramiteError
from tramite.pipeline.limits.views import View
from tramite.pipeline.metrics import Metrics
from tramite.store import Standing

from .asgi import Receive, Scope, Send, respond
from .guards import Guards
from .serving import Fleet

if TYPE_CHECKING:
    from prometheus_client.core import Metric

logger = logging.getLogger("tramite.gateway")

CONTENT_TYPE = b"text/plain; version=0.0.4; charset=utf-8"
LAG_S = 0.25
"""How often the loop is asked how late it is."""
SHARE_S = 2.0
"""How old the figures of another worker may be."""
VIEWS_S = 1.0
"""For which the limits' counters may keep a scrape waiting."""
MOST_BUCKETS = 500
_LAG_BUCKETS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0)


class Figures:
    """The metrics of one worker, and through it of all. `streams` says how many are open."""

    def __init__(
        self, metrics: Metrics, guards: Guards, core: Callable[[], Core], fleet: Fleet, streams: Callable[[], int] = int
    ) -> None:
        from prometheus_client import Histogram, ProcessCollector

        self._metrics = metrics
        self._guards = guards
        self._core = core
        self._fleet = fleet
        self._streams = streams
        self._views: list[View] = []
        self._budgets: list[Standing] = []
        self._resting: dict[str, float] = {}
        self._lag = Histogram(
            "tramite_loop_lag_seconds",
            "How late the event loop was, four times a second.",
            registry=metrics.registry,
            buckets=_LAG_BUCKETS,
        )
        ProcessCollector(registry=metrics.registry)
        metrics.registry.register(self)

    async def run(self) -> None:
        """Measure, and leave the figures where the other workers find them, until cancelled."""
        shared_s = 0.0
        while True:
            due_s = time.monotonic() + LAG_S  # uvloop's own clock has milliseconds
            await asyncio.sleep(LAG_S)
            self._lag.observe(max(0.0, time.monotonic() - due_s))
            if self._fleet.folder is not None and due_s - shared_s >= SHARE_S:
                shared_s = due_s
                await self._share(self._fleet.folder)

    async def text(self) -> bytes:
        """All of it, in Prometheus's text format."""
        if self._fleet.folder is None:
            return await self._own()
        await self._share(self._fleet.folder)
        return await asyncio.to_thread(together, self._fleet.folder, self._fleet.size)

    def collect(self) -> Iterator[Metric]:
        """See prometheus_client's collectors: what stands now, asked only when somebody wants to know."""
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

        guards, store = self._guards, _store(self._core())
        refused = CounterMetricFamily("tramite_refused", "Requests that were refused at the door.", labels=["reason"])
        for code, times in guards.refused.items():
            refused.add_metric([code], times)
        yield refused
        yield GaugeMetricFamily("tramite_requests_open", "Requests that are under way.", guards.under_way)
        yield GaugeMetricFamily("tramite_streams_open", "Streams that are under way.", self._streams())
        yield GaugeMetricFamily("tramite_draining", "1 while it is being stopped.", int(guards.draining))
        if store is not None:
            yield GaugeMetricFamily("tramite_store_waiting", "What waits to be written to the store.", store.waiting)
            yield CounterMetricFamily("tramite_store_dropped", "What the store had no room for.", store.dropped)
        cooldown = GaugeMetricFamily("tramite_cooldown_seconds", "For how long a target rests.", labels=["target"])
        for name, rest_s in self._resting.items():
            cooldown.add_metric([name], rest_s)
        yield cooldown
        yield from _limits(self._views)
        yield from _money(self._budgets)

    def describe(self) -> Iterable[Any]:
        """Nothing is promised before it is asked for."""
        return ()

    async def page(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI: answers GET /metrics."""
        await respond(send, 200, [(b"content-type", CONTENT_TYPE)], await self.text())

    async def _own(self) -> bytes:
        core = self._core()
        limiter, ledger = core.governor.limiter, core.governor.ledger
        self._resting = core.routes.resting_s(asyncio.get_running_loop().time())
        with suppress(TramiteError, TimeoutError):  # then the last ones are shown
            async with asyncio.timeout(VIEWS_S):
                if limiter is not None:
                    self._views = await limiter.views()
                if ledger is not None and (allowances := ledger.allowances):
                    self._budgets = await asyncio.to_thread(ledger.store.budgets, allowances)
        return self._metrics.text()

    async def _share(self, folder: Path) -> None:
        text = await self._own()
        try:
            await asyncio.to_thread(_leave, folder / str(self._fleet.index), text)
        except OSError as error:
            logger.warning("the figures of worker %d cannot be written: %s", self._fleet.index, error.strerror)


def _limits(views: Iterable[View]) -> Iterator[Metric]:
    """Of providers and models: a bucket for each key would be too many series."""
    from prometheus_client.core import GaugeMetricFamily

    kinds: dict[str, tuple[str, Callable[[View], float]]] = {
        "fill": ("How much of what may be taken at once is taken: 1 is all of it.", lambda view: view.fill),
        "in_flight": ("Requests that this limit has let through.", lambda view: view.in_flight),
        "waiting": ("Requests that wait for it.", lambda view: view.waiting),
        "closed_seconds": ("For how long a throttle keeps it closed.", lambda view: view.closed_s),
    }
    shown = [view for view in views if not view.name.startswith("key:")][:MOST_BUCKETS]
    for name, (what, value) in kinds.items():
        family = GaugeMetricFamily(f"tramite_limit_{name}", what, labels=["limit"])
        for view in shown:
            family.add_metric([view.name], value(view))
        yield family


def _money(budgets: Iterable[Standing]) -> Iterator[Metric]:
    """In dollars. The same from every worker: take their maximum, not their sum."""
    from prometheus_client.core import GaugeMetricFamily

    held = GaugeMetricFamily("tramite_budget_held_dollars", "Reserved by requests under way.", labels=["budget", "per"])
    left = GaugeMetricFamily("tramite_budget_left_dollars", "What may still be spent.", labels=["budget", "per"])
    for each in budgets:
        held.add_metric([each.budget, each.cap.per], each.held_nanousd / 1e9)
        left.add_metric([each.budget, each.cap.per], each.left_nanousd / 1e9)
    yield held
    yield left


def _store(core: Core) -> Any:
    ledger = core.governor.ledger
    return None if ledger is None else ledger.store


def _leave(path: Path, text: bytes) -> None:
    fresh = path.with_suffix(".new")
    fresh.write_bytes(text)
    os.replace(fresh, path)


def together(folder: Path, size: int) -> bytes:
    """What all workers have left, each family once: its lines must not be torn apart."""
    families: dict[str, list[str]] = {}
    for index in range(size):
        with suppress(OSError):  # it has not left any yet
            _add(families, (folder / str(index)).read_text(), index)
    return "".join(line for lines in families.values() for line in lines).encode()


def _add(families: dict[str, list[str]], text: str, worker: int) -> None:
    lines: list[str] = []
    fresh = False
    for line in text.splitlines(keepends=True):
        if line.startswith("# HELP "):
            name = line.split(" ", 3)[2]
            fresh = name not in families
            lines = families.setdefault(name, [])
        if not line.startswith("#"):
            lines.append(labelled(line, worker))
        elif fresh:
            lines.append(line)


def labelled(line: str, worker: int) -> str:
    """A sample with one more label. Its name ends at the first brace or blank: neither can be in it."""
    name, brace, rest = line.partition("{")
    if brace and " " not in name:
        return f'{name}{{worker="{worker}",{rest}'
    name, _, value = line.partition(" ")
    return f'{name}{{worker="{worker}"}} {value}'
