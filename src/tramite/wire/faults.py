"""What went wrong on the way to a server, as our errors in plain words. The one place where foreign errors are mapped.

Knows aiohttp, httpx and httpx2 by the names of their errors only, so it imports none of them. Their own texts are
not passed on: some carry the URL, whose query may hold a secret.
"""

from __future__ import annotations

import errno
import socket
import ssl
from collections.abc import Mapping
from typing import TypeAlias
from urllib.parse import urlsplit

from tramite.errors import ConfigError, ConnectFailed, ConnectionBroken, ProviderError, TimedOut

Fault: TypeAlias = ConfigError | ProviderError
Table: TypeAlias = Mapping[str, type[Fault]]

# An error's class is looked up first, then its bases in their order.
AIOHTTP: Table = {
    "ClientConnectorError": ConnectFailed,  # name, refusal, TLS, certificate, the way to a proxy
    "ConnectionTimeoutError": ConnectFailed,
    "ClientHttpProxyError": ConnectFailed,
    "ServerFingerprintMismatch": ConnectFailed,
    "ClientConnectionError": ConnectionBroken,
    "ClientPayloadError": ConnectionBroken,
    "ClientResponseError": ConnectionBroken,
    "UploadAbortedError": ConnectionBroken,
    "RedirectClientError": ConnectionBroken,  # none is followed
    "ServerTimeoutError": TimedOut,
    "TimeoutError": TimedOut,
    "InvalidURL": ConfigError,
    "NonHttpUrlClientError": ConfigError,
    "ValueError": ConfigError,  # a line break in a header, two kinds of credentials
    "RuntimeError": ConnectFailed,  # the connections were closed in between
    "OSError": ConnectionBroken,
}
HTTPX: Table = {
    "ConnectError": ConnectFailed,
    "ConnectTimeout": ConnectFailed,
    "PoolTimeout": ConnectFailed,
    "ProxyError": ConnectFailed,
    "WriteTimeout": TimedOut,
    "TimeoutException": TimedOut,
    "LocalProtocolError": ConfigError,
    "UnsupportedProtocol": ConfigError,
    "InvalidURL": ConfigError,
    "TransportError": ConnectionBroken,
    "DecodingError": ConnectionBroken,
    "TooManyRedirects": ConnectionBroken,  # none is followed
    "StreamError": ConnectionBroken,
    "ValueError": ConfigError,
    "RuntimeError": ConnectFailed,  # the client was closed
}

_SYSTEM = ("builtins", "socket", "ssl")


def while_sending(error: Exception, table: Table, url: str, limits: tuple[float, float]) -> Fault:
    """The error to raise instead of one that came before the response's headers; `limits`: connect and write, in s.

    Its cause is the operating system's error, where there is one.
    """
    kind = next((table[cls.__name__] for cls in type(error).__mro__ if cls.__name__ in table), None)
    origin = _origin(error)
    where = _where(error, url)
    connect_s, write_s = limits
    fault: Fault
    if kind is ConfigError:
        fault = ConfigError(
            f"the request to {where} cannot be sent: its address or one of its headers is malformed. "
            f"Look at base_url, and for a line break or a space at the end of a secret."
        )
    elif kind is TimedOut:
        fault = TimedOut(f"{where} did not take the request's body: no progress for {write_s:g} s")
    elif kind is ConnectFailed:
        fault = ConnectFailed(_why_not_connected(error, origin, where, connect_s))
    else:
        fault = ConnectionBroken(_why_broken(error, origin, where))
    fault.__cause__ = origin
    return fault


def while_reading(error: BaseException, url: str) -> ConnectionBroken:
    """The error to raise instead of one that came in the middle of the response's body."""
    origin = _origin(error)
    lost = f" ({origin.strerror})" if origin is not None and origin.strerror else ""
    fault = ConnectionBroken(f"{_where(error, url)} broke off in the middle of its answer{lost}")
    fault.__cause__ = origin
    return fault


def _why_not_connected(error: Exception, origin: OSError | None, where: str, connect_s: float) -> str:
    if type(error).__name__ == "PoolTimeout":
        return f"no connection to {where}: all those that the httpx client may have are in use (see httpx.Limits)"
    if "Timeout" in type(error).__name__:
        return f"no connection to {where} within {connect_s:g} s"
    match origin:
        case _ if status := getattr(error, "status", None):
            return f"the proxy refused to connect to {where}: status {status}"
        case _ if type(error).__name__ == "ProxyError":
            return f"the proxy refused to connect to {where}"
        case socket.gaierror():
            return f"the name of {where} is not known ({origin.strerror}): is it spelt right, is there a network?"
        case ssl.SSLCertVerificationError():
            return (
                f"the certificate of {where} is not trusted: {origin.verify_message}. If an authority of your own "
                f"signed it, name that authority's file in SSL_CERT_FILE"
            )
        case ssl.SSLError():
            plain = " (does it speak plain http?)" if origin.reason == "WRONG_VERSION_NUMBER" else ""
            return f"no TLS with {where}: {origin.reason}{plain}"
        case ConnectionRefusedError():
            return f"nothing listens at {where}"
        case OSError(errno=errno.EMFILE | errno.ENFILE):
            return f"no connection to {where}: too many files are open (see ulimit -n)"
        case OSError():
            return f"no connection to {where}: {origin.strerror}"
    return f"no connection to {where}"


def _why_broken(error: Exception, origin: OSError | None, where: str) -> str:
    if origin is not None and origin.strerror:
        return f"the connection to {where} was lost before an answer came: {origin.strerror}"
    disconnected = "ServerDisconnected" in type(error).__name__ or str(error).startswith("Server disconnected")
    if not disconnected and ("Response" in type(error).__name__ or "RemoteProtocol" in type(error).__name__):
        return f"what {where} answered is not HTTP"
    return f"{where} closed the connection before it answered"


def _origin(error: BaseException) -> OSError | None:
    """The operating system's error behind this one. An error's context is not asked: it may be about something else."""
    node: BaseException | None = error
    for _ in range(16):  # a chain may be a ring
        if isinstance(node, BaseExceptionGroup):
            node = node.exceptions[0]
        if isinstance(node, OSError) and node.errno is not None and type(node).__module__ in _SYSTEM:
            return node
        if node is not None:  # httpcore hands the cause over as an argument
            inner = (arg for arg in node.args if isinstance(arg, BaseException))
            node = node.__cause__ or next(inner, None)
    return None


def _where(error: BaseException, url: str) -> str:
    """Host and port at fault: of the proxy, if the error names one, else of the URL, of which no more is told."""
    if "ProxyConnection" in type(error).__name__:
        return f"the proxy {getattr(error, 'host', '?')}:{getattr(error, 'port', '?')}"
    try:
        parts = urlsplit(url)
        port = parts.port or {"https": 443, "http": 80}.get(parts.scheme)
    except ValueError:
        return "the server"
    host = parts.hostname or "the server"
    host = f"[{host}]" if ":" in host else host
    return f"{host}:{port}" if port else host
