"""A user's own httpx or httpx2 client behind the seam: with its proxies, certificates, hooks and mocks.

Imports neither: all it needs comes from the package of the client that it is given.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from functools import lru_cache
from typing import Any

from tramite.errors import BadReply, ConfigError

from .faults import HTTPX, while_reading, while_sending
from .seam import Request


def _package(client: Any) -> Any:
    """httpx or httpx2, whichever the client's class or one of its bases comes from."""
    for cls in type(client).__mro__:
        package = sys.modules.get(cls.__module__.partition(".")[0])
        if cls is getattr(package, "AsyncClient", None):
            return package
    raise ConfigError(f"expected an httpx.AsyncClient, not a {type(client).__qualname__}")


_closing: set[asyncio.Task[None]] = set()  # the loop itself keeps no task alive


class HttpxTransport:
    """A `Transport` on an `httpx.AsyncClient` or `httpx2.AsyncClient`, which stays the user's: it is never closed here.

    Such a client belongs to one event loop. Its own settings hold, but for time limits (the request's), redirects
    (not followed, as they could carry a secret elsewhere) and reading, which the caller keeps time of.
    Raises `ConfigError` for a client that is not an asynchronous one.
    """

    def __init__(self, client: Any) -> None:
        package = _package(client)
        errors = (package.HTTPError, package.InvalidURL, package.StreamError)
        self._client = client
        self._timeout = lru_cache(64)(package.Timeout)
        self._foreign: tuple[type[Exception], ...] = (*errors, ValueError, RuntimeError)

    async def send(self, request: Request) -> _Response:
        """See `seam.Transport`. Raises `ConfigError` as well, for an address or a header that cannot be sent."""
        connect_s, write_s = request.connect_s, request.write_s
        try:
            response = await self._client.send(
                self._client.build_request(
                    request.method,
                    request.url,
                    headers=request.headers,
                    content=request.body or None,
                    timeout=self._timeout(connect=connect_s, read=None, write=write_s, pool=request.pool_s),
                ),
                stream=True,
                follow_redirects=False,
            )
        except self._foreign as error:
            fault = while_sending(error, HTTPX, request.url, (connect_s, write_s))
        else:
            return _Response(response, request, self._foreign)
        raise fault from fault.__cause__

    async def aclose(self) -> None:
        """Nothing: the client is the user's."""


class _Response:
    """What came back; see `seam.Response`."""

    __slots__ = ("_chunks", "_foreign", "_max_body", "_raw", "_url", "headers", "status")

    def __init__(self, raw: Any, request: Request, foreign: tuple[type[Exception], ...]) -> None:
        self._raw = raw
        self._chunks: AsyncIterator[bytes] = raw.aiter_bytes()
        self._foreign = foreign
        self._url = request.url
        self._max_body = request.max_body
        self.status: int = raw.status_code
        self.headers: dict[str, str] = {name.lower(): value for name, value in raw.headers.multi_items()}

    def __aiter__(self) -> _Response:
        return self

    async def __anext__(self) -> bytes:
        try:
            return await anext(self._chunks)
        except self._foreign as error:
            fault = while_reading(error, self._url)
        self.close()
        raise fault from fault.__cause__

    def rest(self) -> bytes | None:
        return None  # what httpx has in its hands, it does not say

    async def read(self) -> bytes:
        chunks = []
        size = 0
        async for chunk in self:
            chunks.append(chunk)
            size += len(chunk)
            if size > self._max_body:
                self.close()
                raise BadReply(f"the answer is larger than {self._max_body:,} bytes", status=self.status)
        return b"".join(chunks)

    def close(self) -> None:
        if self._raw.is_closed:
            return
        task = asyncio.get_running_loop().create_task(self._raw.aclose())
        _closing.add(task)
        task.add_done_callback(_closing.discard)
