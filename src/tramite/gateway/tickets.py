"""Tickets: what a browser's EventSource or WebSocket shows instead of a key, since neither can send headers.

A ticket is random, good once, for one purpose, from one address, for 30 seconds. What it stands for is kept under a
digest that is made of all of these, so that a ticket that is stolen, or used for something else, finds nothing. With
one worker it is kept in the process; with several in a folder that the workers of this machine share, where removing
the file is what uses the ticket up: the system lets one of them succeed. Knows no chat.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Literal, Protocol, TypeAlias
from urllib.parse import parse_qs

import msgspec
from msgspec import Raw, Struct

from tramite.config import Config, places
from tramite.errors import LimitExceeded

from .asgi import Scope

Purpose: TypeAlias = Literal["websocket", "stream"]

TTL_S = 30.0
MOST = 1024
MOST_EACH = 128
"""Those of one address: nobody can take all of them."""
MOST_BYTES = 64 * 1024 * 1024
"""Of all that are kept, the bodies of prepared requests included."""
SPENT = "this ticket was used, is older than 30 s, or is for something else or another address: POST /tickets gives one"


class Pass(Struct, frozen=True, kw_only=True):
    """What a ticket stands for. `until` is in seconds since 1970."""

    key: str
    """The id of the key that asked for it; empty where none is needed."""
    address: str
    until: float
    body: Raw = Raw(b"null")
    """The request that was prepared with it."""


class Shelf(Protocol):
    """Where passes are kept, under names that tell nothing. A name begins with its address's digest."""

    async def put(self, name: str, data: bytes) -> None:
        """Keep it for `TTL_S`. Raises LimitExceeded where there is no room."""
        ...

    async def take(self, name: str) -> bytes | None:
        """What was kept under this name, to the first who asks; None to all others."""
        ...


class Tickets:
    """Gives tickets, and takes each of them once."""

    def __init__(self, shelf: Shelf, clock: Callable[[], float] = time.time) -> None:
        self._shelf = shelf
        self._clock = clock

    def __repr__(self) -> str:
        return f"Tickets({self._shelf!r})"

    async def issue(self, purpose: Purpose, key: str, address: str, body: bytes = b"null") -> str:
        """A new one. Raises LimitExceeded."""
        ticket = secrets.token_urlsafe(32)
        issued = Pass(key=key, address=address, until=self._clock() + TTL_S, body=Raw(body))
        await self._shelf.put(_name(ticket, purpose, address), msgspec.json.encode(issued))
        return ticket

    async def redeem(self, ticket: str, purpose: Purpose, address: str) -> Pass | None:
        """What it stands for; None where it was used, has expired, or was never this address's for this purpose."""
        data = await self._shelf.take(_name(ticket, purpose, address))
        if data is None:
            return None
        issued = msgspec.json.decode(data, type=Pass)
        return issued if self._clock() < issued.until else None


def ticket_of(scope: Scope) -> str:
    """The ticket in a request's query; empty where there is none."""
    query: bytes = scope["query_string"]
    return parse_qs(query.decode("latin-1")).get("ticket", [""])[0]


def tickets_of(config: Config) -> Tickets:
    """Those of this gateway."""
    return Tickets(Folder(places.data_dir() / "tickets") if config.gateway.workers > 1 else Memory())


class Memory:
    """A shelf of one process."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    def __repr__(self) -> str:
        return f"Memory({len(self._kept)} kept)"

    async def put(self, name: str, data: bytes) -> None:
        _check_room({name: len(data) for name, data in self._kept.items()}, name, len(data))
        self._kept[name] = data
        asyncio.get_running_loop().call_later(TTL_S, self._kept.pop, name, None)

    async def take(self, name: str) -> bytes | None:
        return self._kept.pop(name, None)


class Folder:
    """A shelf that the processes of one machine share: a file for each, which only its user may read."""

    def __init__(self, folder: Path, clock: Callable[[], float] = time.time) -> None:
        self._folder = folder
        self._clock = clock

    def __repr__(self) -> str:
        return f"Folder({str(self._folder)!r})"

    async def put(self, name: str, data: bytes) -> None:
        await asyncio.to_thread(self._put, name, data)
        asyncio.get_running_loop().call_later(TTL_S, self._drop, name)

    async def take(self, name: str) -> bytes | None:
        return await asyncio.to_thread(self._take, name)

    def _put(self, name: str, data: bytes) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _check_room(self._sizes(), name, len(data))
        descriptor = os.open(self._folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)

    def _take(self, name: str) -> bytes | None:
        try:
            with open(self._folder / name, "rb") as file:
                data = file.read()
            os.unlink(self._folder / name)  # whoever is too late for this has only read it
        except FileNotFoundError:
            return None
        return data

    def _sizes(self) -> dict[str, int]:
        """What is there; what a process left behind that was killed is swept away."""
        sizes = {}
        for entry in os.scandir(self._folder):
            with suppress(FileNotFoundError):  # another process may be faster
                seen = entry.stat()
                if seen.st_mtime < self._clock() - TTL_S:
                    os.unlink(entry.path)
                else:
                    sizes[entry.name] = seen.st_size
        return sizes

    def _drop(self, name: str) -> None:
        (self._folder / name).unlink(missing_ok=True)


def _name(ticket: str, purpose: Purpose, address: str) -> str:
    """Under which its pass is kept."""
    whole = hashlib.sha256(f"{purpose}\n{address}\n{ticket}".encode("utf-8", "replace"))
    return f"{_digest(address)}-{whole.hexdigest()}"


def _digest(address: str) -> str:
    return hashlib.sha256(address.encode("utf-8", "replace")).hexdigest()[:16]


def _check_room(sizes: dict[str, int], name: str, size: int) -> None:
    prefix = name.partition("-")[0]
    each = sum(kept.startswith(prefix) for kept in sizes)
    if len(sizes) >= MOST or each >= MOST_EACH or sum(sizes.values()) + size > MOST_BYTES:
        raise LimitExceeded("too many tickets wait to be used: use those that were given", retry_after_s=TTL_S)
