"""Starts a simulated provider for a test, for a thread or for good. Knows addresses, not requests."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any

import msgspec

from tramite.errors import ConfigError
from tramite.wire import open_files

from .bill import Entry, Stats
from .clock import Clock, LoopClock, VirtualClock
from .engine import Engine
from .options import Options
from .server import SimulatorServer


class Simulator:
    """A simulated provider that listens on a port."""

    def __init__(self, engine: Engine, clock: Clock, host: str, port: int) -> None:
        self.engine = engine
        self.clock = clock
        self.url = f"http://{f'[{host}]' if ':' in host else host}:{port}"

    def __repr__(self) -> str:
        return f"Simulator({self.url!r}, {self.engine!r})"

    @property
    def base_url(self) -> str:
        """What a provider of the OpenAI dialect is configured with."""
        return f"{self.url}/v1"

    def stats(self) -> Stats:
        """What was asked, how it ended, and what it costs."""
        return self.engine.stats(self.clock.now())

    def log(self) -> list[Entry]:
        """The last requests, in the order in which they came."""
        return self.engine.bill.recent()

    def reset(self) -> None:
        """Forget all requests, limits and costs."""
        self.engine.reset()

    def advance(self, seconds: float) -> None:
        """Move a virtual clock on. Raises ConfigError where time is real."""
        if not isinstance(self.clock, VirtualClock):
            raise ConfigError("simulator: time is real here; start it with clock=VirtualClock()")
        self.clock.advance(seconds)

    @classmethod
    @asynccontextmanager
    async def running(
        cls,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        clock: Clock | None = None,
        **options: Any,
    ) -> AsyncIterator[Simulator]:
        """Run one on the current loop; `options` are those of `Options`. Port 0 takes any that is free.

        Raises ConfigError for a port that is taken and for options that cannot be.
        """
        engine, clock = Engine(_options(options)), clock or LoopClock()
        server = SimulatorServer(engine, clock)
        try:
            bound = await server.start(host, port)
        except OSError as error:
            raise ConfigError(
                f"simulator: cannot listen on {host}:{port} ({error.strerror}); "
                "choose another port, or 0 for any that is free"
            ) from error
        try:
            yield cls(engine, clock, host, bound)
        finally:
            await server.stop()

    @classmethod
    @contextmanager
    def in_thread(cls, **options: Any) -> Iterator[Simulator]:
        """Run one on a loop and thread of its own, for synchronous code; takes what `running` takes."""
        from anyio.from_thread import start_blocking_portal

        with (
            start_blocking_portal() as portal,
            portal.wrap_async_context_manager(cls.running(**options)) as simulator,
        ):
            yield simulator


def _options(given: dict[str, Any]) -> Options:
    try:
        return Options(**given)
    except TypeError as error:  # msgspec's words for a name that is no option, or a value of the wrong type
        raise ConfigError(f"simulator: {error}") from error


def _print_address(simulator: Simulator) -> None:
    sys.stdout.write(f"{simulator.url}\n")
    sys.stdout.flush()


async def serve(
    options: Options,
    *,
    host: str = "127.0.0.1",
    port: int = 9100,
    virtual_clock: bool = False,
    announce: Callable[[Simulator], None] = _print_address,
) -> None:
    """Run one until cancelled, and `announce` it once it listens. Raises ConfigError for a port that is taken."""
    clock = VirtualClock() if virtual_clock else LoopClock()
    async with Simulator.running(host=host, port=port, clock=clock, **msgspec.structs.asdict(options)) as simulator:
        announce(simulator)
        await asyncio.Event().wait()


def run(
    options: Options,
    *,
    host: str = "127.0.0.1",
    port: int = 9100,
    virtual_clock: bool = False,
    announce: Callable[[Simulator], None] = _print_address,
) -> None:
    """Run one until interrupted: what `tramite simulate` does. Raises ConfigError for a port that is taken."""
    open_files.raise_limit()
    with suppress(KeyboardInterrupt):
        asyncio.run(serve(options, host=host, port=port, virtual_clock=virtual_clock, announce=announce))
