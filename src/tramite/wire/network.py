"""The network behind the seam, on aiohttp. Knows nothing of retries, limits or what a body means.

Redirects are not followed, cookies are not kept and netrc is not read, so nothing can carry a secret elsewhere.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from functools import lru_cache
from time import monotonic
from typing import Any, NamedTuple

from aiohttp import (
    ClientConnectionError,
    ClientError,
    ClientOSError,
    ClientPayloadError,
    ClientRequest,
    ClientResponseError,
    ClientTimeout,
    ConnectionTimeoutError,
    NonHttpUrlClientError,
    StreamReader,
    TCPConnector,
    ThreadedResolver,
)
from aiohttp.connector import Connection
from aiohttp.http import HttpProcessingError, StreamWriter
from multidict import CIMultiDict
from yarl import URL

from tramite import __version__
from tramite.errors import BadReply

from .faults import AIOHTTP, while_reading, while_sending
from .pools import Pool, Pools
from .proxies import proxy_for
from .seam import Request

_PIECE = 64 * 1024
_HEADER_LIMIT = 64 * 1024
_KEEP_ALIVE_S = 15.0  # hosted providers keep theirs for a minute or more, local servers often for 5 s only
_DNS_S = 60
_MOST_WAYS = 1024
_MENDED = ("set_exception", "pause_reading", "resume_reading")
_WITHOUT_BODY = ("GET", "HEAD")
_FOREIGN = (ClientError, OSError, ValueError, RuntimeError)


class _Way(NamedTuple):
    """How one address is reached: a request there as aiohttp's connector has to know it, and what it asks for."""

    pattern: ClientRequest
    target: str
    has_credentials: bool
    """The address itself has some."""


class Network:
    """A `Transport` on the real network, for any number of event loops. It need not be closed.

    Connections are kept for 15 s and not limited in number: that is for the limiter to do, so `pool_s` has nothing
    to wait for here. `connect_s` covers name, TCP, proxy and TLS together; `write_s` is the longest time without
    progress while a body is sent. Proxies are those of the environment (see `proxies`), read once for each address.
    After `idle_check_s` without a request, it is first looked whether servers have closed connections meanwhile.
    """

    def __init__(self, *, idle_check_s: float = 1.0) -> None:
        self._pools = Pools(_connector)
        self._idle_check_s = idle_check_s
        self._proxies: dict[str, str | None] = {}

    def __repr__(self) -> str:
        return f"<Network: open on {len(self._pools)} event loops>"

    async def send(self, request: Request) -> _Response:
        """See `seam.Transport`. Raises `ConfigError` as well, for an address or a header that cannot be sent."""
        pool = self._pools.current() or await self._pools.open()
        if (now := monotonic()) - pool.used_s > self._idle_check_s:
            await _catch_up()
        pool.used_s = now
        try:
            way = pool.ways.get(request.url) or self._way(request.url, pool)
            return await _exchange(pool, way, request)
        except _FOREIGN as error:
            limits = (request.connect_s, request.write_s)
            fault = while_sending(error, AIOHTTP, request.url, limits)
        raise fault from fault.__cause__

    async def aclose(self) -> None:
        """Close what is open on the running loop. Idempotent; sending again opens it anew."""
        await self._pools.aclose()

    def _way(self, address: str, pool: Pool) -> _Way:
        """Raises ValueError for what is no address."""
        if address not in self._proxies:
            if len(self._proxies) >= _MOST_WAYS:
                self._proxies.clear()
            self._proxies[address] = proxy_for(address)
        if len(pool.ways) >= _MOST_WAYS:
            pool.ways.clear()
        found = pool.ways[address] = _way(URL(address), self._proxies[address])
        return found


def _way(url: URL, proxy: str | None) -> _Way:
    if url.scheme not in ("http", "https"):
        raise NonHttpUrlClientError(url)
    headers = {"User-Agent": f"tramite/{__version__}"}
    pattern = ClientRequest(
        "GET",  # of a pattern, nobody looks at it
        url,
        headers=headers,
        proxy=URL(proxy) if proxy else None,
        # with Host, as the connector adds it: they are part of what connections are told apart by
        proxy_headers=CIMultiDict({**headers, "Host": url.host_port_subcomponent or ""}) if proxy else None,
        loop=asyncio.get_running_loop(),
    )
    bare = url.with_user(None)
    return _Way(
        pattern,
        target=str(bare.with_fragment(None)) if proxy and url.scheme == "http" else url.raw_path_qs,
        has_credentials=bare != url,
    )


async def _exchange(pool: Pool, way: _Way, request: Request) -> _Response:
    """Send, and return once the response's headers are here. Raises aiohttp's errors.

    This is what `ClientSession.request` does with aiohttp's connections, without what only it needs: redirects,
    cookies, digests, traces, and a task of its own for each body. Together those cost more than all the rest.
    """
    if pool.connector.closed:
        raise RuntimeError("the connector is closed")
    try:
        connection = await pool.connector.connect(way.pattern, [], _timeout(request.connect_s))
    except TimeoutError as error:
        raise ConnectionTimeoutError from error
    writing: asyncio.Task[None] | None = None
    protocol: Any = connection.protocol
    try:
        protocol.set_response_params(
            skip_payload=request.method == "HEAD",
            read_until_eof=True,
            max_line_size=_HEADER_LIMIT,
            max_field_size=_HEADER_LIMIT,
        )
        writing = await _write(protocol, way, request)
        status = 100
        while 100 <= status < 200 and status != 101:  # interim answers (RFC 9110, 15.2)
            message, content = await protocol.read()
            status = message.code
    except BaseException as error:
        if writing is not None:
            writing.cancel()
        _hang_up(connection)
        if isinstance(error, HttpProcessingError):
            raise ClientResponseError(way.pattern.request_info, ()) from error
        raise
    return _Response(_Lease(connection, writing), message, content, request)


async def _write(protocol: Any, way: _Way, request: Request) -> asyncio.Task[None] | None:
    """Write it; what the system does not take at once, a task of its own writes, since the answer may come before."""
    headers = way.pattern.headers.copy()
    if way.has_credentials and any(name.lower() == "authorization" for name in request.headers):
        raise ValueError("two kinds of credentials")
    headers.update(request.headers)
    body = request.body
    if body or request.method not in _WITHOUT_BODY:
        headers["Content-Length"] = str(len(body))
    writer = StreamWriter(protocol, asyncio.get_running_loop())
    await writer.write_headers(f"{request.method} {way.target} HTTP/1.1", headers)
    if len(body) > _PIECE:
        return asyncio.create_task(_write_slowly(protocol, writer, body, request.write_s))
    if body:
        await writer.write(body, drain=False)
    else:
        writer.send_headers()
    if protocol.transport is None or not protocol.transport.get_write_buffer_size():
        return None  # the system has it all
    return asyncio.create_task(_write_slowly(protocol, writer, b"", request.write_s))


async def _write_slowly(protocol: Any, writer: StreamWriter, body: bytes, write_s: float) -> None:
    """Piece by piece, so that a body that no longer gets through is noticed. What ends it early ends the connection,
    and is told to whoever waits for the answer: `TimeoutError` after `write_s` without progress."""
    transport = protocol.transport  # now: later aiohttp has let go of it
    try:
        # drain() is to wait until the system has it all. Not 0: TLS would pause at once, with nothing to resume it.
        transport.set_write_buffer_limits(high=1, low=0)
        now = asyncio.get_running_loop().time
        rest = memoryview(body)
        async with asyncio.timeout(write_s) as limit:
            await writer.drain()
            for start in range(0, len(rest), _PIECE):
                await writer.write(rest[start : start + _PIECE], drain=False)
                await writer.drain()
                limit.reschedule(now() + write_s)
    except BaseException as error:
        if not isinstance(error, asyncio.CancelledError):
            protocol.set_exception(error)
        transport.abort()  # close() would wait until the rest is written
        if not isinstance(error, _FOREIGN):
            raise


def _hang_up(connection: Connection) -> None:
    protocol: Any = connection.protocol
    with suppress(RuntimeError):  # the loop may be closed
        if connection.transport is not None:
            connection.transport.abort()  # close() would wait for TLS to say goodbye
        connection.close()
    for name in _MENDED:
        vars(protocol).pop(name, None)  # they know it: a ring is only found by the garbage collector, and late


class _Lease:
    """A connection, as long as one exchange has it. Knows no response, so that no ring is made of both."""

    __slots__ = ("connection", "writing")

    def __init__(self, connection: Connection, writing: asyncio.Task[None] | None) -> None:
        self.connection: Connection | None = connection
        self.writing = writing

    def give_back(self) -> None:
        """The answer is whole: another request may have the connection, if nothing of this one is left to be sent."""
        if self.writing is not None and not self.writing.done():
            self.end()
            return
        connection, self.connection = self.connection, None
        if connection is not None:
            connection.release()

    def end(self) -> None:
        """Hang up, if it was not given back."""
        connection, self.connection = self.connection, None
        if connection is None:
            return
        if self.writing is not None:
            self.writing.cancel()
        _hang_up(connection)


class _Response:
    """What came back; see `seam.Response`."""

    __slots__ = ("_content", "_lease", "_max_body", "_url", "headers", "status")

    def __init__(self, lease: _Lease, message: Any, content: StreamReader, request: Request) -> None:
        self._lease = lease
        self._content = content
        self._url = request.url
        self._max_body = request.max_body
        self.status: int = message.code
        self.headers: dict[str, str] = {name.lower(): value for name, value in message.headers.items()}
        content.on_eof(lease.give_back)  # at once, where all of the body is here
        if lease.connection is not None:
            until_close = "content-length" not in self.headers and "transfer-encoding" not in self.headers
            _mend(lease.connection.protocol, content, until_close)

    def __del__(self) -> None:
        self.close()

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
        if self._lease.connection is not None and self._content.exception() is None:
            self._content.set_exception(ClientConnectionError("closed"))  # for who still reads
        self._lease.end()

    def _left_over(self, error: Exception) -> bytes:
        """What had come before the connection broke. aiohttp would rather raise than give it out."""
        content: Any = self._content
        content.set_exception(None)
        chunk: bytes = content.read_nowait()
        content.set_exception(error)
        return chunk


def _mend(protocol: Any, content: StreamReader, until_close: bool) -> None:
    """Let a body's reader hear of all that ends its connection early, and take each piece of it at once.

    Of itself aiohttp (3.14) tells nobody of a chunk that it cannot parse, so that the reader would wait for ever, and
    takes a reset for the end of a body that lasts until its connection is closed. And whenever something was read it
    goes on with a reading that nothing had held up, which has the parser look at nothing, at a tenth of a frame's cost.
    """
    held_up = True  # by what came with the headers, for all that is known here

    def set_exception(error: BaseException, *cause: BaseException) -> None:
        type(protocol).set_exception(protocol, error, *cause)
        unfinished = not content.is_eof() or (until_close and isinstance(error, ClientOSError))
        if unfinished and content.exception() is None:
            broken = ClientPayloadError()
            broken.__cause__ = error
            content.set_exception(broken)

    def pause_reading() -> None:
        nonlocal held_up
        held_up = True
        type(protocol).pause_reading(protocol)

    def resume_reading(**how: bool) -> None:
        nonlocal held_up
        if held_up:
            held_up = False
            type(protocol).resume_reading(protocol, **how)

    protocol.set_exception = set_exception
    protocol.pause_reading, protocol.resume_reading = pause_reading, resume_reading


async def _catch_up() -> None:
    """Let the loop read what waits at its sockets. It may have been stopped or blocked while a server hung up."""
    await asyncio.sleep(0)  # asks the system
    await asyncio.sleep(0)  # acts on what it said


def _connector() -> TCPConnector:
    return TCPConnector(
        limit=0,
        keepalive_timeout=_KEEP_ALIVE_S,
        ttl_dns_cache=_DNS_S,
        resolver=ThreadedResolver(),  # the system's: it knows /etc/hosts, VPNs and mDNS
    )


@lru_cache(64)
def _timeout(connect_s: float) -> ClientTimeout:
    return ClientTimeout(total=None, connect=connect_s, sock_connect=connect_s)
