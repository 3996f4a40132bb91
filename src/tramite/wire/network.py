"""The network behind the seam, on aiohttp. Knows nothing of retries, limits or what a body means.

Redirects are not followed, cookies are not kept and netrc is not read, so nothing can carry a secret elsewhere.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from functools import lru_cache
from http.cookies import BaseCookie, SimpleCookie
from time import monotonic
from typing import Any

from aiohttp import (
    ClientError,
    ClientOSError,
    ClientPayloadError,
    ClientResponse,
    ClientSession,
    ClientTimeout,
    DummyCookieJar,
    StreamReader,
    TCPConnector,
    ThreadedResolver,
)
from aiohttp.abc import AbstractStreamWriter
from aiohttp.payload import Payload
from yarl import URL

from tramite import __version__
from tramite.errors import BadReply

from .faults import AIOHTTP, while_reading, while_sending
from .pools import Pools
from .proxies import proxy_for
from .seam import Request

_PIECE = 64 * 1024
_HEADER_LIMIT = 64 * 1024
_KEEP_ALIVE_S = 15.0  # hosted providers keep theirs for a minute or more, local servers often for 5 s only
_DNS_S = 60
_FOREIGN = (ClientError, OSError, ValueError, RuntimeError)


class Network:
    """A `Transport` on the real network, for any number of event loops. It need not be closed.

    Connections are kept for 15 s and not limited in number: that is for the limiter to do, so `pool_s` has nothing
    to wait for here. `connect_s` covers name, TCP, proxy and TLS together; `write_s` is the longest time without
    progress while a body is sent. Proxies are those of the environment (see `proxies`), read once for each address.
    After `idle_check_s` without a request, it is first looked whether servers have closed connections meanwhile.
    """

    def __init__(self, *, idle_check_s: float = 1.0) -> None:
        self._pools = Pools(_session)
        self._idle_check_s = idle_check_s
        self._addresses: dict[str, tuple[URL, URL | None]] = {}

    def __repr__(self) -> str:
        return f"<Network: open on {len(self._pools)} event loops>"

    async def send(self, request: Request) -> _Response:
        """See `seam.Transport`. Raises `ConfigError` as well, for an address or a header that cannot be sent."""
        pool = self._pools.current() or await self._pools.open()
        if (now := monotonic()) - pool.used_s > self._idle_check_s:
            await _catch_up()
        pool.used_s = now
        try:
            url, proxy = self._addresses.get(request.url) or self._address(request.url)
            response = await pool.session.request(
                request.method,
                url,
                data=_Body(request.body, request.write_s) if request.body else None,
                headers=request.headers,
                allow_redirects=False,
                proxy=proxy,
                timeout=_timeout(request.connect_s),
            )
        except _FOREIGN as error:
            limits = (request.connect_s, request.write_s)
            fault = while_sending(error, AIOHTTP, request.url, limits)
        else:
            return _Response(response, request)
        raise fault from fault.__cause__

    async def aclose(self) -> None:
        """Close what is open on the running loop. Idempotent; sending again opens it anew."""
        await self._pools.aclose()

    def _address(self, url: str) -> tuple[URL, URL | None]:
        proxy = proxy_for(url)
        if len(self._addresses) >= 1024:
            self._addresses.clear()
        found = self._addresses[url] = URL(url), URL(proxy) if proxy else None
        return found


class _Response:
    """What came back; see `seam.Response`."""

    __slots__ = ("_content", "_max_body", "_raw", "_url", "headers", "status")

    def __init__(self, raw: ClientResponse, request: Request) -> None:
        self._raw = raw
        self._content = raw.content
        self._url = request.url
        self._max_body = request.max_body
        self.status = raw.status
        self.headers = {name.lower(): value for name, value in raw.headers.items()}
        if raw.connection is not None:  # else all of the body is here
            until_close = "content-length" not in self.headers and "transfer-encoding" not in self.headers
            _tell(raw.connection.protocol, raw.content, until_close)

    def __aiter__(self) -> _Response:
        return self

    async def __anext__(self) -> bytes:
        content = self._content
        broken: BaseException | None
        try:
            chunk = await content.readany()
            broken = None if chunk else content.exception()
        except _FOREIGN as error:
            chunk, broken = self._left_over(error), error
        if chunk:
            return chunk  # if it broke, the next call raises
        if broken is None:
            raise StopAsyncIteration
        self.close()
        fault = while_reading(broken, self._url)
        raise fault from fault.__cause__

    def rest(self) -> bytes | None:
        content = self._content
        return content.read_nowait() if content.is_eof() and content.exception() is None else None

    async def read(self) -> bytes:
        content = self._content
        if content.is_eof() and content.total_bytes <= self._max_body:
            with suppress(*_FOREIGN):
                return content.read_nowait()  # all of it came with the headers
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
        connection = self._raw.connection
        if connection is not None and connection.transport is not None:
            with suppress(RuntimeError):  # the loop may be closed
                connection.transport.abort()  # close() would wait for TLS to say goodbye
        self._raw.close()

    def _left_over(self, error: Exception) -> bytes:
        """What had come before the connection broke. aiohttp would rather raise than give it out."""
        content: Any = self._content
        content.set_exception(None)
        chunk: bytes = content.read_nowait()
        content.set_exception(error)
        return chunk


def _tell(protocol: Any, content: StreamReader, until_close: bool) -> None:
    """Let a body's reader hear of all that ends its connection early.

    Of itself aiohttp (3.14) tells nobody of a chunk that it cannot parse, so that the reader would wait for ever, and
    takes a reset for the end of a body that lasts until its connection is closed.
    """

    def set_exception(error: BaseException, *cause: BaseException) -> None:
        type(protocol).set_exception(protocol, error, *cause)
        unfinished = not content.is_eof() or (until_close and isinstance(error, ClientOSError))
        if unfinished and content.exception() is None:
            broken = ClientPayloadError()
            broken.__cause__ = error
            content.set_exception(broken)

    protocol.set_exception = set_exception


class _Body(Payload):
    """A request's body. Written piece by piece, so that one that no longer gets through is noticed."""

    def __init__(self, value: bytes, write_s: float) -> None:
        super().__init__(value)
        self._size = len(value)
        self._write_s = write_s

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        text: str = self._value.decode(encoding, errors)
        return text

    async def write(self, writer: AbstractStreamWriter) -> None:
        """Raises `TimeoutError` after `write_s` without progress. Whatever ends it early ends the connection."""
        transport = getattr(writer, "transport", None)  # now: later aiohttp has let go of it
        try:
            if len(self._value) <= _PIECE:
                await writer.write(self._value)
                if transport is None or not transport.get_write_buffer_size():
                    return  # the system has it all
            await self._write_slowly(writer, transport)
        except BaseException:
            if transport is not None:
                transport.abort()  # close() would wait until the rest is written
            raise

    async def _write_slowly(self, writer: AbstractStreamWriter, transport: Any) -> None:
        rest = memoryview(self._value if len(self._value) > _PIECE else b"")
        if transport is not None:
            # drain() is to wait until the system has it all. Not 0: TLS would pause at once, with nothing to resume it.
            transport.set_write_buffer_limits(high=1, low=0)
        now = asyncio.get_running_loop().time
        async with asyncio.timeout(self._write_s) as limit:
            await writer.drain()
            for start in range(0, len(rest), _PIECE):
                await writer.write(rest[start : start + _PIECE])
                await writer.drain()
                limit.reschedule(now() + self._write_s)


class _NoCookies(DummyCookieJar):
    """Keeps none, and does not build an empty one for each request."""

    _none: BaseCookie[str] = SimpleCookie()

    def filter_cookies(self, request_url: URL) -> BaseCookie[str]:
        return self._none


async def _catch_up() -> None:
    """Let the loop read what waits at its sockets. It may have been stopped or blocked while a server hung up."""
    await asyncio.sleep(0)  # asks the system
    await asyncio.sleep(0)  # acts on what it said


def _session() -> ClientSession:
    connector = TCPConnector(
        limit=0,
        keepalive_timeout=_KEEP_ALIVE_S,
        ttl_dns_cache=_DNS_S,
        resolver=ThreadedResolver(),  # the system's: it knows /etc/hosts, VPNs and mDNS
    )
    session = ClientSession(
        connector=connector,
        cookie_jar=_NoCookies(),
        headers={"User-Agent": f"tramite/{__version__}"},
        max_line_size=_HEADER_LIMIT,
        max_field_size=_HEADER_LIMIT,
    )
    session._retry_connection = False  # it would send a GET twice; only the pipeline retries
    return session


@lru_cache(64)
def _timeout(connect_s: float) -> ClientTimeout:
    return ClientTimeout(total=None, connect=connect_s, sock_connect=connect_s)
