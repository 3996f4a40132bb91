"""The seam between us and the outside: `send(request) -> response`. Knows no dialect and no HTTP library.

The network, the demo provider and local models all stand behind it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from msgspec import Struct


class Request(Struct, frozen=True, kw_only=True):
    """What goes out. Limits in seconds and bytes; a whole body may have at most `max_body` bytes, decompressed."""

    method: str
    url: str
    headers: dict[str, str] = {}
    body: bytes = b""
    connect_s: float = 5.0
    write_s: float = 30.0
    pool_s: float = 30.0
    max_body: int = 256 * 1024 * 1024


class Response(Protocol):
    """What comes back: `async for chunk in response` gives the body, decompressed, as it arrives.

    Reading raises `ConnectionBroken` when the connection ends before the body does.
    """

    @property
    def status(self) -> int: ...

    @property
    def headers(self) -> Mapping[str, str]:
        """Names in lower case; of a repeated header, the last value."""
        ...

    def __aiter__(self) -> Response: ...

    async def __anext__(self) -> bytes: ...

    def rest(self) -> bytes | None:
        """What is left of the body, if all of that is here already; None where it has to be waited for."""
        ...

    async def read(self) -> bytes:
        """The rest of the body, whole. Raises `BadReply` past the request's `max_body`."""
        ...

    def close(self) -> None:
        """Let go at once: a body not read to its end closes the connection. Idempotent, never waits."""
        ...


class Transport(Protocol):
    """A way to a provider. One object may be used from several event loops, one after another."""

    async def send(self, request: Request) -> Response:
        """Send, and return once the response's headers are here.

        Raises `ConnectFailed` (nothing was sent) or `ConnectionBroken`. Cancelling it ends the connection.
        """
        ...

    async def aclose(self) -> None:
        """Close what is open on the running loop. Idempotent."""
        ...
