"""What every request meets before a handler does: is it for us, may its page ask, can it be read, is there room.

One ASGI application around all others. Also gives every request an id, every uncaught error a 500 that tells nothing,
and counts what is under way, so that the server can be stopped when all has ended. Knows no route and no key.
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
import time
import traceback
from collections import Counter
from collections.abc import Awaitable, Callable
from itertools import count
from typing import Any, TypeAlias

import msgspec
from msgspec import Struct

from tramite.config import Gateway
from tramite.store.redaction import redact

from . import access
from .asgi import JSON, App, BodyTooLarge, ClientGone, Headers, Message, Receive, Scope, Send, respond

logger = logging.getLogger("tramite.gateway")

REQUEST_ID = "tramite.request_id"
"""Where the scope has the request's id."""
HEALTH = "/health/"
"""Answered however full the house is: whoever asks wants to know just that."""
BUSY_RETRY_S = 1
LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
ONCE = frozenset(
    (
        *(b"host", b"origin", b"content-length", b"content-type", b"transfer-encoding"),
        *(b"authorization", b"x-api-key", b"api-key", b"x-request-id"),
    )
)
"""Headers that decide something: two of them are two opinions, and somebody before us may hold the other."""

_SANE_ID = re.compile(rb"[A-Za-z0-9._-]{1,128}")
_JSON_TYPE = re.compile(rb"application/(?:json|[a-z0-9.!#$&^_-]{1,100}\+json)[ \t]*(?:;.*)?", re.IGNORECASE)
_HOST = re.compile(r"(\[[0-9a-f:.]{2,45}\]|[^:\[\]/@?#\s]{1,253}?)\.?(?::[0-9]{1,5})?")
_ASKED_HEADERS = re.compile(rb"[A-Za-z0-9, _-]{1,2000}")

Seen: TypeAlias = dict[bytes, bytes]


class Refusal(Struct, frozen=True):
    """Why a request goes no further. `code` is one word, for programs and for the count of refusals."""

    status: int
    code: str
    message: str
    headers: tuple[tuple[bytes, bytes], ...] = ()


Render: TypeAlias = Callable[[Scope, Refusal], bytes]


class Rules:
    """Which hosts and origins are ours, and what a request must be like. Pure: does nothing with what it refuses."""

    def __init__(self, settings: Gateway) -> None:
        ours = settings.host if ":" not in settings.host else f"[{settings.host}]"
        self._hosts = {name.lower().rstrip(".") for name in (*LOOPBACK, ours, *settings.hosts)}
        usual = (f"{name}{port}".encode() for name in self._hosts for port in ("", f":{settings.port}"))
        self._usual = frozenset(usual)
        self._origins = frozenset(origin.lower().rstrip("/").encode() for origin in settings.origins)

    def refusal(self, scope: Scope, seen: Seen) -> Refusal | None:
        """The first thing that speaks against this request; `seen` are its headers by name."""
        if len(seen) != len(scope["headers"]) and (twice := _twice(scope["headers"])):
            return Refusal(400, "repeated_header", f"the header {twice} may stand in a request only once")
        host = seen.get(b"host", b"")
        if host not in self._usual and not self._is_ours(host, scope):
            return Refusal(421, "unknown_host", f"no such host here: {_printable(host)}; add it to gateway.hosts")
        origin = seen.get(b"origin")
        if origin is not None and not self.same_origin(origin, host) and not self.allows(origin):
            return Refusal(403, "unknown_origin", f"pages of {_printable(origin)} may not: see gateway.origins")
        has_body = b"transfer-encoding" in seen or seen.get(b"content-length", b"0") != b"0"
        if has_body and not _JSON_TYPE.fullmatch(seen.get(b"content-type", b"")):
            return Refusal(415, "not_json", "the body must be JSON, and say so: content-type: application/json")
        return None

    def allows(self, origin: bytes) -> bool:
        """Whether pages of this foreign origin may use the gateway."""
        return origin.lower() in self._origins

    def same_origin(self, origin: bytes, host: bytes) -> bool:
        """Whether it is a page of our own. Behind a proxy that speaks TLS it says https, and we cannot know."""
        return origin in (b"http://" + host, b"https://" + host)

    def _is_ours(self, host: bytes, scope: Scope) -> bool:
        """By another port, in capitals, or by the address that the connection came to, which no name can fake."""
        found = _HOST.fullmatch(str(host, "latin-1").lower())
        if found is None:
            return False
        address = (scope.get("server") or ("",))[0]
        return found[1] in self._hosts or found[1].strip("[]") == address


class Guards:
    """`app` with all guards before it. `render` writes a refusal's body in the caller's dialect."""

    def __init__(self, app: App, settings: Gateway, render: Render | None = None) -> None:
        self._app = app
        self._render = render or rendered
        self._prefix = os.urandom(6).hex()
        self._numbers = count(1)
        self._ended = asyncio.Event()
        self._gave_up = False
        self.under_way = 0
        """Requests and WebSockets that handlers are at."""
        self.draining = False
        self.refused: Counter[str] = Counter()
        """Refusals so far, by their code."""
        self.configure(settings)

    def __repr__(self) -> str:
        return f"<Guards: {self.under_way} under way{', draining' if self.draining else ''}>"

    def configure(self, settings: Gateway) -> None:
        """Hold these settings from the next request on."""
        self.settings = settings
        self.rules = Rules(settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] == "lifespan":
            return await self._app(scope, receive, send)
        seen: Seen = dict(scope["headers"])
        scope[REQUEST_ID] = given = self._id(seen.get(b"x-request-id"))
        reply = Reply(send, given)
        if not self.settings.access_log:
            return await self._answer(scope, seen, receive, reply)
        began_s, facts = time.perf_counter(), dict[str, Any]()
        access.FACTS.set(facts)
        try:
            await self._answer(scope, seen, receive, reply)
        finally:
            access.log(scope, given, reply.status, time.perf_counter() - began_s, facts)
        return None

    async def idle(self) -> None:
        """Return when nothing is under way, or when it was given up."""
        while self.under_way and not self._gave_up:
            self._ended.clear()
            await self._ended.wait()

    def give_up(self) -> None:
        """Let nobody wait any longer for what is under way."""
        self._gave_up = True
        self._ended.set()

    async def _answer(self, scope: Scope, seen: Seen, receive: Receive, reply: Reply) -> None:
        refusal = self.rules.refusal(scope, seen) or self._no_room(scope)
        if (origin := seen.get(b"origin")) and self.rules.allows(origin):
            reply.headers += [*_CROSS_ORIGIN, (b"access-control-allow-origin", origin)]
        if refusal is not None:
            await self._refuse(refusal, scope, reply)
        elif origin and scope["type"] == "http" and scope["method"] == "OPTIONS":
            await respond(reply, 200, _preflight(seen), b"")
        else:
            await self._guarded(scope, receive, reply)

    async def _guarded(self, scope: Scope, receive: Receive, reply: Reply) -> None:
        self.under_way += 1
        try:
            await self._app(scope, receive, reply)
        except ClientGone:
            pass
        except BodyTooLarge:
            most = self.settings.max_body_mb
            refusal = Refusal(413, "body_too_large", f"the body is larger than {most} MB: see gateway.max_body_mb")
            await self._refuse(refusal, scope, reply)
        except Exception as error:  # noqa: BLE001 - whatever it is, the caller is told that it is ours
            told = redact("".join(traceback.format_exception(error)))
            logger.error("request %s failed, which is a fault of the gateway's own\n%s", scope[REQUEST_ID], told)
            words = f"the gateway failed; its log has more under {scope[REQUEST_ID]}"
            await self._refuse(Refusal(500, "internal_error", words), scope, reply)
        finally:
            self.under_way -= 1
            if not self.under_way:
                self._ended.set()

    def _no_room(self, scope: Scope) -> Refusal | None:
        if not self.draining and self.under_way < self.settings.max_requests:
            return None
        if scope["path"].startswith(HEALTH):
            return None
        again = (b"retry-after", b"%d" % BUSY_RETRY_S)
        if self.draining:
            return Refusal(503, "stopping", "the gateway is stopping: ask again", (again, (b"connection", b"close")))
        return Refusal(503, "busy", f"{self.under_way} requests are under way, which is all it takes", (again,))

    async def _refuse(self, refusal: Refusal, scope: Scope, reply: Reply) -> None:
        self.refused[refusal.code] += 1
        if scope["type"] == "websocket":
            await _close(refusal, scope, reply, self._render)
        elif not reply.status:
            await respond(reply, refusal.status, [JSON, *refusal.headers], self._render(scope, refusal))
        else:
            raise ConnectionAbortedError("an answer that had begun cannot be mended") from None

    def _id(self, given: bytes | None) -> str:
        if given is not None and _SANE_ID.fullmatch(given):
            return given.decode()
        return f"req-{self._prefix}-{next(self._numbers):x}"


class Reply:
    """A `send` that adds headers to every answer, and remembers its status: 0 before there is any."""

    __slots__ = ("_send", "headers", "status")

    def __init__(self, send: Send, request_id: str) -> None:
        self._send = send
        self.headers: Headers = [(b"x-request-id", request_id.encode())]
        self.status = 0

    def __call__(self, message: Message) -> Awaitable[None]:
        """Not a coroutine function: a frame more costs a call, and no more."""
        kind = message["type"]
        if kind == "http.response.start":
            self.status = message["status"]
            message["headers"] = [*message.get("headers", ()), *self.headers]
        elif kind == "websocket.accept":
            self.status = 101
            message["headers"] = [*message.get("headers", ()), *self.headers]
        return self._send(message)


def rendered(scope: Scope, refusal: Refusal) -> bytes:
    """A refusal as OpenAI would write it, or Anthropic where its path was asked for."""
    if scope["path"].startswith("/v1/messages"):
        error = {"type": _anthropic_type(refusal.status), "message": refusal.message}
        return msgspec.json.encode({"type": "error", "error": error, "request_id": scope[REQUEST_ID]})
    kind = "server_error" if refusal.status >= 500 else "invalid_request_error"
    facts = {"message": refusal.message, "type": kind, "param": None, "code": refusal.code}
    return msgspec.json.encode({"error": facts})


def _anthropic_type(status: int) -> str:
    known = {403: "permission_error", 413: "request_too_large", 500: "api_error", 503: "overloaded_error"}
    return known.get(status, "invalid_request_error")


_CROSS_ORIGIN = ((b"vary", b"origin"), (b"access-control-expose-headers", b"*"))


def _preflight(seen: Seen) -> Headers:
    """What a browser asks before it sends another origin's request (fetch.spec.whatwg.org, CORS preflight)."""
    asked = seen.get(b"access-control-request-headers", b"")
    allowed = asked if _ASKED_HEADERS.fullmatch(asked) else b"authorization, content-type"
    return [
        (b"access-control-allow-methods", b"GET, POST, DELETE"),
        (b"access-control-allow-headers", allowed),
        (b"access-control-max-age", b"600"),
    ]


async def _close(refusal: Refusal, scope: Scope, reply: Reply, render: Render) -> None:
    """Refuse a WebSocket: with an answer where it has not begun and the server can, else with a code of RFC 6455."""
    if reply.status or "websocket.http.response" not in scope.get("extensions", {}):
        await reply({"type": "websocket.close", "code": 1011 if refusal.status >= 500 else 1008})
        return
    body = render(scope, refusal)
    reply.status = refusal.status
    headers = [JSON, *refusal.headers, *reply.headers, (b"content-length", str(len(body)).encode())]
    await reply({"type": "websocket.http.response.start", "status": refusal.status, "headers": headers})
    await reply({"type": "websocket.http.response.body", "body": body})


def _twice(headers: Headers) -> str:
    names = Counter(name for name, _ in headers if name in ONCE)
    return next((name.decode() for name, times in names.items() if times > 1), "")


def _printable(value: bytes) -> str:
    return repr(str(value[:100], "latin-1")) if value else "none was named"
