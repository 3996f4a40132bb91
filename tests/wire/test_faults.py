"""Every error of the HTTP libraries has its place in our tree, and none is said in their words."""

from __future__ import annotations

import errno
import inspect
import socket
import ssl
from types import ModuleType

import aiohttp
import httpx
import httpx2
import pytest
from aiohttp import client_exceptions
from aiohttp.client_reqrep import ConnectionKey

from tramite.errors import ConfigError, ConnectFailed, ConnectionBroken, TimedOut, TramiteError
from tramite.wire.faults import AIOHTTP, HTTPX, Table, while_reading, while_sending

URL = "https://api.example.org/v1?key=sk-secret"


def errors_of(module: ModuleType, root: type[Exception]) -> list[type[Exception]]:
    classes = [value for _, value in inspect.getmembers(module, inspect.isclass)]
    return [cls for cls in classes if issubclass(cls, root)]


def meaning(cls: type[Exception], table: Table) -> type[TramiteError] | None:
    return next((table[base.__name__] for base in cls.__mro__ if base.__name__ in table), None)


NEVER = {
    "ClientError",  # the root: nothing raises it itself
    "WSMessageTypeError",  # no web socket is opened
    "CookieConflict",
    "HTTPError",  # httpx's root
    "RequestError",  # its other root
    "HTTPStatusError",  # only raise_for_status() raises it
}


@pytest.mark.parametrize(
    ("module", "table"),
    [(client_exceptions, AIOHTTP), (httpx, HTTPX), (httpx2, HTTPX)],
    ids=["aiohttp", "httpx", "httpx2"],
)
def test_no_error_of_a_library_is_unmapped(module: ModuleType, table: Table) -> None:
    classes = [cls for cls in errors_of(module, Exception) if cls.__module__.startswith(module.__name__.split(".")[0])]
    assert len(classes) > 20
    assert [cls.__name__ for cls in classes if meaning(cls, table) is None and cls.__name__ not in NEVER] == []


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (aiohttp.ClientConnectorDNSError, ConnectFailed),
        (aiohttp.ClientConnectorCertificateError, ConnectFailed),
        (aiohttp.ClientConnectorSSLError, ConnectFailed),
        (aiohttp.ClientProxyConnectionError, ConnectFailed),
        (aiohttp.ClientHttpProxyError, ConnectFailed),
        (aiohttp.ConnectionTimeoutError, ConnectFailed),
        (aiohttp.ServerDisconnectedError, ConnectionBroken),
        (aiohttp.ClientConnectionResetError, ConnectionBroken),
        (aiohttp.ClientOSError, ConnectionBroken),
        (aiohttp.ClientPayloadError, ConnectionBroken),
        (aiohttp.SocketTimeoutError, TimedOut),
        (TimeoutError, TimedOut),
        (aiohttp.InvalidUrlClientError, ConfigError),
        (aiohttp.NonHttpUrlClientError, ConfigError),
    ],
)
def test_what_aiohttps_errors_mean(error: type[Exception], expected: type[TramiteError]) -> None:
    assert meaning(error, AIOHTTP) is expected


KEY = ConnectionKey("api.example.org", 443, True, True, None, None, None)
PROXY = ConnectionKey("10.0.0.1", 3128, False, True, None, None, None)


def caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


def certificate_error() -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_message = "self-signed certificate"
    return error


def connector_error(cause: OSError) -> Exception:
    return caused(aiohttp.ClientConnectorError(KEY, cause), cause)


UNKNOWN = socket.gaierror(socket.EAI_NONAME, "Name or service not known")
REFUSED = ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused")
WORDS = [
    (
        caused(aiohttp.ClientConnectorDNSError(KEY, UNKNOWN), UNKNOWN),
        "the name of api.example.org:443 is not known (Name or service not known): "
        "is it spelt right, is there a network?",
    ),
    (connector_error(REFUSED), "nothing listens at api.example.org:443"),
    (
        connector_error(OSError(errno.ENETUNREACH, "Network is unreachable")),
        "no connection to api.example.org:443: Network is unreachable",
    ),
    (
        connector_error(OSError(errno.EMFILE, "Too many open files")),
        "no connection to api.example.org:443: too many files are open (see ulimit -n)",
    ),
    (
        connector_error(certificate_error()),
        "the certificate of api.example.org:443 is not trusted: self-signed certificate. If an authority of your own "
        "signed it, name that authority's file in SSL_CERT_FILE",
    ),
    (
        caused(aiohttp.ClientProxyConnectionError(PROXY, REFUSED), REFUSED),
        "nothing listens at the proxy 10.0.0.1:3128",
    ),
    (aiohttp.ConnectionTimeoutError(f"to {URL}"), "no connection to api.example.org:443 within 5 s"),
    (httpx.ConnectTimeout(""), "no connection to api.example.org:443 within 5 s"),
    (
        httpx.PoolTimeout(""),
        "no connection to api.example.org:443: all those that the httpx client may have are in use (see httpx.Limits)",
    ),
    (httpx.ProxyError("407"), "the proxy refused to connect to api.example.org:443"),
    (
        caused(aiohttp.ClientOSError(errno.ECONNRESET, URL), ConnectionResetError(errno.ECONNRESET, "reset by peer")),
        "the connection to api.example.org:443 was lost before an answer came: reset by peer",
    ),
    (aiohttp.ServerDisconnectedError(), "api.example.org:443 closed the connection before it answered"),
    (
        httpx.RemoteProtocolError("Server disconnected without sending a response."),
        "api.example.org:443 closed the connection before it answered",
    ),
    (httpx.RemoteProtocolError("illegal status line"), "what api.example.org:443 answered is not HTTP"),
    (
        httpx.WriteTimeout(""),
        "api.example.org:443 did not take the request's body: no progress for 30 s",
    ),
]


@pytest.mark.parametrize(("error", "words"), WORDS, ids=[words[:40] for _, words in WORDS])
def test_a_fault_is_said_in_plain_words_without_the_url(error: Exception, words: str) -> None:
    table = AIOHTTP if type(error).__module__.startswith("aiohttp") else HTTPX
    assert str(while_sending(error, table, URL, (5, 30))) == words


def test_a_fault_says_ipv6_addresses_and_default_ports_readably() -> None:
    assert str(while_reading(aiohttp.ClientPayloadError(), "http://[::1]/x")).startswith("[::1]:80 broke off")
    assert str(while_reading(aiohttp.ClientPayloadError(), "no address")).startswith("the server broke off")


def test_an_error_that_was_being_handled_before_is_not_taken_for_the_cause() -> None:
    error = aiohttp.ServerDisconnectedError()
    error.__context__ = REFUSED
    fault = while_sending(error, AIOHTTP, URL, (5, 30))
    assert fault.__cause__ is None
    assert str(fault) == "api.example.org:443 closed the connection before it answered"
