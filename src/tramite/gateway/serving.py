"""Runs the gateway: listens, starts one worker or several, and ends when it is told to. Knows no route.

What is served says of itself how it is stopped and how it reads its configuration again: see `Service`.
"""

from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from msgspec import Struct

from tramite.config import Config
from tramite.errors import ConfigError, MissingExtra
from tramite.wire import open_files

from .guards import Guards

BACKLOG = 2048


class Fleet(Struct, frozen=True, kw_only=True):
    """Which worker of how many this is, and what they have in common."""

    index: int = 0
    size: int = 1
    folder: Path | None = None
    """Of this run alone, where they leave each other what they have counted; None for a single one."""
    supervisor: int | None = None
    """The process that looks after them."""
    lifeline: int | None = None
    """A file that ends when that process does."""

    def reload_all(self) -> None:
        """Have every worker read the configuration again, this one too; nothing where it is the only one."""
        if self.supervisor is not None:
            import signal

            os.kill(self.supervisor, signal.SIGHUP)


def _nothing() -> None:
    """For a service that has nobody waiting."""


class Service(Struct, frozen=True, kw_only=True):
    """What is served, and how it is told things."""

    guards: Guards
    """The whole application. They know what is under way."""
    reload: Callable[[], Awaitable[object]]
    """Read the configuration again. Raises ConfigError, and then nothing has changed."""
    begin_draining: Callable[[], None] = _nothing
    """Nothing new begins from now on: who only waits may leave."""
    tell_draining: Callable[[], Awaitable[None]]
    """Tell every stream that is still open, in its dialect, that it ends here."""
    background: tuple[Callable[[], Coroutine[Any, Any, None]], ...] = ()
    """What runs beside the requests, until the worker stops."""


Factory: TypeAlias = Callable[[Config, Fleet], Service]
"""Called once in each worker, before its loop runs."""


def serve(build: Factory, config: Config, sockets: Sequence[socket.socket]) -> int:
    """Run a worker for each of these sockets until told to stop by SIGTERM or SIGINT; the exit code.

    SIGHUP reads the configuration again. Raises MissingExtra.
    """
    try:
        from .worker import run
    except ImportError:
        raise MissingExtra("the gateway needs uvicorn and httptools: pip install 'tramite[gateway]'") from None
    open_files.raise_limit()
    if len(sockets) == 1:
        return run(build, config, sockets[0], Fleet())
    from .supervising import Supervisor

    with tempfile.TemporaryDirectory(prefix="tramite-") as folder:
        fleet = Fleet(size=len(sockets), folder=Path(folder), supervisor=os.getpid())
        return Supervisor(sockets, fleet, lambda index, own: run(build, config, sockets[index], own)).run()


def listen(
    host: str, port: int, count: int = 1, who: str = "the gateway", how: str = "--port N, or gateway.port"
) -> list[socket.socket]:
    """So many sockets that share one port; the kernel deals connections out to them. Port 0 takes any that is free.

    `who` listens, and `how` its port is chosen, are for messages. Raises ConfigError, naming what to do.
    """
    if count > 1 and not (hasattr(socket, "SO_REUSEPORT") and hasattr(os, "fork")):
        raise ConfigError("gateway.workers: this system runs one worker only; start several gateways behind a proxy")
    sockets: list[socket.socket] = []
    try:
        family, _, _, _, where = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        with _bound(family, where, shared=False) as first:  # alone: another gateway there must be noticed, not joined
            where = (where[0], first.getsockname()[1], *where[2:])
        for _ in range(count):
            sockets.append(_bound(family, where, shared=count > 1))
            sockets[-1].listen(BACKLOG)
    except OSError as error:
        for each in sockets:
            each.close()
        raise ConfigError(
            f"{who} cannot listen on {host}:{port} ({error.strerror}); "
            f"end what runs there, or choose another port: {how}"
        ) from None
    return sockets


def address(bound: socket.socket) -> str:
    """Where it can be called from this machine."""
    host, port = bound.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def port_of(bound: socket.socket) -> int:
    """The port that was taken."""
    return int(bound.getsockname()[1])


def _bound(family: int, where: object, shared: bool) -> socket.socket:
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        made.bind(where)  # type: ignore[arg-type]  # as getaddrinfo gave it
    except OSError:
        made.close()
        raise
    return made
