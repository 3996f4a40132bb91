"""What the hot routes need of ASGI (asgi.readthedocs.io, HTTP and WebSocket messages), and no more. Knows no route."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any, TypeAlias

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers: TypeAlias = list[tuple[bytes, bytes]]

JSON = (b"content-type", b"application/json")
WHEN_LEFT = "tramite.when_left"
"""Where a scope may have a function that takes what is to be called when the client leaves, and gives what takes that
back: a task that waits for `http.disconnect` costs many times as much."""

SSE = (b"content-type", b"text/event-stream; charset=utf-8")


class BodyTooLarge(Exception):
    """The request's body passes what is taken."""


class ClientGone(Exception):
    """The client left before its request was whole."""


def header(scope: Scope, name: bytes) -> str:
    """The value of a header, by its name in lower case; empty where there is none. Of several, the first."""
    for key, value in scope["headers"]:
        if key == name:
            return str(value, "latin-1")
    return ""


def address_of(scope: Scope) -> str:
    """The client's address; empty where there is none (a Unix socket)."""
    client = scope.get("client")
    return str(client[0]) if client else ""


async def read_body(scope: Scope, receive: Receive, most: int) -> bytes:
    """The whole body. Raises BodyTooLarge, before reading where its length is said; ClientGone."""
    said = header(scope, b"content-length")
    if said.isdigit() and int(said) > most:
        raise BodyTooLarge
    message = await receive()
    if message["type"] == "http.disconnect":
        raise ClientGone
    body: bytes = message.get("body", b"")
    if not message.get("more_body"):
        if len(body) > most:
            raise BodyTooLarge
        return body
    chunks, size = [body], len(body)
    while message.get("more_body"):
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        chunk: bytes = message.get("body", b"")
        size += len(chunk)
        if size > most:
            raise BodyTooLarge
        chunks.append(chunk)
    return b"".join(chunks)


async def respond(send: Send, status: int, headers: Iterable[tuple[bytes, bytes]], body: bytes) -> None:
    """A whole response. Its length is added."""
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": status, "headers": [*headers, length]})
    await send({"type": "http.response.body", "body": body})
