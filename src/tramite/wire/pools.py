"""The connections of each event loop, closed when its loop ends, however it ends. Knows no HTTP, but aiohttp's shape.

Nobody has to close anything. `asyncio.run` ends asynchronous generators before it closes its loop, so one of them
keeps each loop's connections and closes them. A loop that is closed or abandoned without that cannot close its sockets
any more: they are closed here without its help, so that no warning and no connection is left behind. A forked child
drops its copies of the parent's sockets: a copy that stays open would hide from the server that the parent has hung up.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import weakref
from asyncio import AbstractEventLoop
from collections.abc import AsyncGenerator, Callable, Coroutine
from concurrent.futures import CancelledError
from contextlib import suppress
from itertools import chain
from time import monotonic
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aiohttp import BaseConnector

_EXIT_S = 1.0  # how long the interpreter's exit waits for a loop that still runs in another thread


class Pool:
    """A loop's connections, when they were last used (`time.monotonic`), and the generator that will close them."""

    __slots__ = ("connector", "keeper", "used_s", "ways")

    def __init__(self, connector: BaseConnector) -> None:
        self.connector = connector
        self.ways: dict[str, Any] = {}
        """What was worked out for each address that was asked."""
        self.used_s = monotonic()
        self.keeper: AsyncGenerator[None, None]


class Pools:
    """Each event loop's connections, built when it first asks for them. Any number of loops, at once or in turn."""

    __slots__ = ("__weakref__", "_build", "_pools")

    def __init__(self, build: Callable[[], BaseConnector]) -> None:
        self._build = build
        self._pools: dict[AbstractEventLoop, Pool] = {}
        _everyone.add(self)
        weakref.finalize(self, _leave, self._pools).atexit = False

    def __len__(self) -> int:
        return len(self._pools)

    def current(self) -> Pool | None:
        """Those of the running loop, if it has any."""
        return self._pools.get(asyncio.get_running_loop())

    async def open(self) -> Pool:
        """Some for the running loop, which has none yet."""
        for loop in list(self._pools):
            if loop.is_closed():
                _bury(self._pools.pop(loop, None))
        loop = asyncio.get_running_loop()
        pool = self._pools[loop] = Pool(self._build())
        pool.keeper = _keep(pool.connector, self._pools, loop)
        await anext(pool.keeper)  # returns at once; from now on the loop knows it
        return pool

    async def aclose(self) -> None:
        """Close all connections of the running loop. Idempotent."""
        pool = self._pools.get(asyncio.get_running_loop())
        if pool is not None:
            await pool.keeper.aclose()

    def end(self) -> None:
        """The interpreter exits: close what is open on every loop, without waiting for any that stands still."""
        for loop in list(self._pools):
            if loop.is_running():
                # one that is ending by itself cancels what comes now, and closes its connections all the same
                with suppress(TimeoutError, RuntimeError, CancelledError):
                    asyncio.run_coroutine_threadsafe(self.aclose(), loop).result(_EXIT_S)
            else:
                _bury(self._pools.pop(loop, None))

    def disown(self) -> None:
        """This process is a fork of the one that opened them: drop all, and do not touch the parent's loops."""
        while self._pools:
            _bury(self._pools.popitem()[1])


async def _keep(
    connector: BaseConnector, pools: dict[AbstractEventLoop, Pool], loop: AbstractEventLoop
) -> AsyncGenerator[None, None]:
    try:
        yield
    finally:
        pools.pop(loop, None)
        await connector.close()


def _leave(pools: dict[AbstractEventLoop, Pool]) -> None:
    """Their owner is gone. A loop that still runs closes its own itself, once it sees their keeper gone."""
    for loop in list(pools):
        pool = pools.pop(loop, None)
        if loop.is_closed():
            _bury(pool)


def _bury(pool: Pool | None) -> None:
    """Close the connections of a loop that will not do it: nothing here asks the loop for anything.

    asyncio has no public call for that, so this ends the transports as their loop would have done. What is not as
    expected is left alone: then Python's own warnings about unclosed transports appear, and nothing worse.
    """
    if pool is None:
        return
    connector: Any = pool.connector
    idle = [protocol for protocol, _ in chain.from_iterable(connector._conns.values())]
    for protocol in [*idle, *connector._acquired]:
        with suppress(Exception):  # a closed loop refuses the callbacks, once the socket is closed
            _raw(protocol.transport)._call_connection_lost(None)
    connector._conns.clear()
    connector._acquired.clear()
    _finish(pool.keeper.aclose())


def _raw(transport: Any) -> Any:
    """The transport that has the socket: TLS has one of its own in front."""
    return getattr(getattr(transport, "_ssl_protocol", None), "_transport", transport)


def _finish(closing: Coroutine[Any, Any, None]) -> None:
    """Run to its end what has nothing left to wait for; it may pause, but not for long."""
    with suppress(StopIteration, RuntimeError):
        for _ in range(8):
            closing.send(None)


_everyone: weakref.WeakSet[Pools] = weakref.WeakSet()


def _end_all() -> None:
    for pools in list(_everyone):
        pools.end()


def _disown_all() -> None:
    for pools in list(_everyone):
        pools.disown()


atexit.register(_end_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_disown_all)
