"""One worker: uvicorn's server, told when to stop and when to read its configuration again. Knows no route."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import uvicorn

from tramite.config import Config
from tramite.errors import TramiteError

from .connections import Connection, Pace, Sweeper
from .serving import BACKLOG, Factory, Fleet, Service

logger = logging.getLogger("tramite.gateway")

SWITCH_S = 0.0005
"""How long a thread keeps the interpreter from the event loop at the most; Python's own 5 ms are a late frame."""
GARBAGE_EVERY = 10_000
"""Objects that are made, and not let go, until those are looked through that refer to each other in circles: requests
leave few of them."""
KEEP_ALIVE_S = 75
"""Longer than clients keep a connection that they may use again: whoever closes it second loses no request."""


class Worker(uvicorn.Server):
    """Drains before it stops: what is under way has `gateway.drain_s` to end, then it is told, then it is cut off."""

    def __init__(self, service: Service, settings: uvicorn.Config, fleet: Fleet, pace: Pace) -> None:
        super().__init__(settings)
        self._service = service
        self._fleet = fleet
        self._pace = pace
        self._sweeper = Sweeper(self.server_state.connections, pace)
        self._tasks: set[asyncio.Task[None]] = set()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and from now on hear signals."""
        await super().startup(sockets)
        gc.freeze()  # what the program is made of is no garbage, and is not looked through again
        gc.set_threshold(GARBAGE_EVERY)
        sys.setswitchinterval(SWITCH_S)
        self._start(self._sweeper.run())
        for work in self._service.background:
            self._start(work())
        loop = asyncio.get_running_loop()
        if threading.current_thread() is threading.main_thread():
            loop.add_signal_handler(signal.SIGTERM, self.stop)
            if self._fleet.supervisor is None:
                loop.add_signal_handler(signal.SIGINT, self.stop)
            loop.add_signal_handler(signal.SIGHUP, self.reload)
        if self._fleet.lifeline is not None:
            loop.add_reader(self._fleet.lifeline, self._orphaned)
            logger.info("worker %d (%d) is ready", self._fleet.index, os.getpid())

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take nothing new, wait, tell who is left, stop."""
        guards = self._service.guards
        guards.draining = True
        self._service.begin_draining()
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            if isinstance(connection, Connection):
                connection.shutdown()  # closes idle ones, the others after their answer
        if not await self._idle_within(guards.settings.drain_s):
            logger.warning("%d requests are still under way: they are told to end", guards.under_way)
            await self._service.tell_draining()
            if not await self._idle_within(self._pace.told_s):
                logger.warning("%d requests are cut off", guards.under_way)
        for task in self._tasks:
            task.cancel()
        await super().shutdown(sockets)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Not uvicorn's way, which raises the signal again in the end: whoever stops when told to has no fault."""
        yield

    def stop(self) -> None:
        """Drain; when it is said twice, at once."""
        self.force_exit = self.should_exit
        self.should_exit = True
        if self.force_exit:
            self._service.guards.give_up()

    def reload(self) -> None:
        """Read the configuration again, and say how that went."""
        self._start(self._reload())

    async def _reload(self) -> None:
        try:
            logger.info("configuration read again: %s", await self._service.reload())
        except (TramiteError, OSError) as error:
            logger.error("configuration not changed: %s", error)

    async def _idle_within(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await self._service.guards.idle()
        except TimeoutError:
            return False
        return True

    def _orphaned(self) -> None:
        asyncio.get_running_loop().remove_reader(self._fleet.lifeline or 0)
        self.stop()

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def run(build: Factory, config: Config, listening: socket.socket, fleet: Fleet, pace: Pace | None = None) -> int:
    """Serve on this socket until told to stop; the exit code."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGHUP, signal.SIG_IGN)  # until the loop hears it
        if fleet.supervisor is not None:
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends Ctrl-C to all; the supervisor passes it on
    worker = make(build, config, fleet, pace or Pace())
    try:
        worker.run([listening])
    except KeyboardInterrupt:  # before the loop could hear it
        return 0
    except SystemExit as end:  # uvicorn's way to say that the application could not start
        return end.code if isinstance(end.code, int) else 1
    return 0


def make(build: Factory, config: Config, fleet: Fleet, pace: Pace) -> Worker:
    """A worker that has not started."""
    service = build(config, fleet)
    most = config.gateway.max_body_mb * 1_000_000
    settings = uvicorn.Config(
        service.guards,
        http=partial(Connection, pace=pace),  # type: ignore[arg-type]  # it is called, and nothing else
        ws="websockets-sansio",
        ws_max_size=min(most, 16_000_000),
        ws_per_message_deflate=False,  # a few bytes could become gigabytes
        loop=_loop(),
        lifespan="on",
        interface="asgi3",
        log_config=None,
        access_log=False,
        proxy_headers=False,  # anybody can write X-Forwarded-For
        server_header=False,
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=1,  # by then all had their time
    )
    return Worker(service, settings, fleet, pace)


def _loop() -> str:
    try:
        import uvloop  # noqa: F401 - only whether it is there
    except ImportError:
        return "asyncio"
    return "uvloop"
