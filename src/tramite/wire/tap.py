"""What really goes over the wire, for whoever wants to see it: every request of a task, and its response as it comes.

Nobody listens unless a listener is set in the task's context. Knows no provider and no dialect.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import TypeAlias

from .seam import Request, Response

MOST_BYTES = 1_000_000
"""How much of a response is kept."""

Listener: TypeAlias = Callable[[Request, Response], Response]

LISTENER: ContextVar[Listener | None] = ContextVar("tramite.tap", default=None)
"""Given the request and its response; its result is read in the response's place."""

_SECRET_HEADERS = ("authorization", "api-key", "x-api-key", "x-goog-api-key", "cookie", "set-cookie")


class Heard:
    """A request, and as much of its response as was read."""

    def __init__(self, request: Request, status: int, headers: Mapping[str, str]) -> None:
        self.request = request
        self.status = status
        self.headers = dict(headers)
        self.body = bytearray()
        self.cut = False
        """There was more than is kept."""

    def take(self, chunk: bytes) -> None:
        """More of the response."""
        room = MOST_BYTES - len(self.body)
        self.cut = self.cut or len(chunk) > room
        self.body += chunk[:room]


class Tap:
    """A listener that keeps what it hears, in order. Set it in a task's context: `LISTENER.set(tap)`."""

    def __init__(self) -> None:
        self.heard: list[Heard] = []

    def __call__(self, request: Request, response: Response) -> Response:
        """See `LISTENER`."""
        heard = Heard(request, response.status, response.headers)
        self.heard.append(heard)
        return _Overheard(response, heard)


class _Overheard:
    """A response that tells what is read of it."""

    def __init__(self, response: Response, heard: Heard) -> None:
        self._response = response
        self._heard = heard
        self.status = response.status
        self.headers = response.headers

    def __aiter__(self) -> _Overheard:
        return self

    async def __anext__(self) -> bytes:
        chunk = await self._response.__anext__()
        self._heard.take(chunk)
        return chunk

    def rest(self) -> bytes | None:
        rest = self._response.rest()
        if rest:
            self._heard.take(rest)
        return rest

    async def read(self) -> bytes:
        body = await self._response.read()
        self._heard.take(body)
        return body

    def close(self) -> None:
        self._response.close()


def masked(name: str, value: str) -> str:
    """A header's value, if it is no secret."""
    if name.lower() not in _SECRET_HEADERS:
        return value
    return "Bearer ***" if value.startswith("Bearer ") else "***"
