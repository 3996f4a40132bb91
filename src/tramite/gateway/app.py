"""The gateway as an ASGI application: which path is answered by what, and what stands around it, in one place."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import unquote

from tramite.config import Config
from tramite.errors import InvalidCall

from . import doors, failures, relay
from .asgi import JSON, App, BodyTooLarge, ClientGone, Receive, Scope, Send, header, read_body, respond
from .doors import CHAT, Door
from .gate import Gate
from .inbound import Inbound
from .models import list_models


def build(config: Config) -> App:
    """The whole application. Raises ConfigError, MissingExtra."""
    return Gateway(Gate(config))


class Gateway:
    """Finds who answers. Hot routes are found in a dict; everything else is rarer."""

    def __init__(self, gate: Gate) -> None:
        self.gate = gate
        self._rarer: dict[str, App] = {"/v1/models": self._models, "/health/live": _alive}

    def __repr__(self) -> str:
        return f"Gateway({self.gate!r})"

    def add(self, pages: Mapping[str, App]) -> None:
        """Answer these paths too."""
        self._rarer.update(pages)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            found = doors.find(scope["path"])
            if found is not None:
                await self._ask(*found, scope, receive, send)
                return
            path = scope["path"]
            handler = self._rarer.get(path)
            if handler is not None:
                await handler(scope, receive, send)
            else:
                await _nothing_here(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._live(receive, send)

    async def _ask(self, door: Door, model: str | None, scope: Scope, receive: Receive, send: Send) -> None:
        """One request at one door."""
        streaming = None
        try:
            if scope["method"] != "POST":
                raise InvalidCall(f"this is asked with POST, not {scope['method']}", "method")
            body = await read_body(scope, receive, self.gate.config.gateway.max_body_mb * 1024 * 1024)
            inbound = Inbound(door, body, model and unquote(model), _forwarded(door, scope))
            self.gate.check_served(inbound.model)
            envelope = inbound.envelope(self.gate.caller(scope, inbound.model))
            pipeline = self.gate.core.pipeline
            if inbound.stream:
                streaming = relay.Streaming(inbound, envelope, send, self.gate.config.timeouts.deadline_s)
                await streaming.run(pipeline, receive)
            else:
                await relay.whole(pipeline, inbound, envelope, receive, send)
        except ClientGone:
            return
        except BodyTooLarge:
            most = self.gate.config.gateway.max_body_mb
            error = InvalidCall(f"the body is larger than {most} MB (gateway.max_body_mb)")
            _, headers, said = failures.response(door.dialect, error)
            await respond(send, 413, headers, said)
        except Exception as error:
            if streaming is not None and streaming.begun:
                raise
            status, headers, said = failures.response(door.dialect, error)
            await respond(send, status, headers, said)

    async def _models(self, scope: Scope, receive: Receive, send: Send) -> None:
        await respond(send, 200, [JSON], list_models(self.gate, scope))

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                await send({"type": "lifespan.startup.complete"})
            else:
                await self.gate.aclose()
                await send({"type": "lifespan.shutdown.complete"})
                return


def _forwarded(door: Door, scope: Scope) -> dict[str, str]:
    """The client's headers that its provider is to see."""
    if not door.forwarded:
        return {}
    return {name.decode(): value for name in door.forwarded if (value := header(scope, name))}


async def _alive(scope: Scope, receive: Receive, send: Send) -> None:
    await respond(send, 200, [JSON], b'{"status":"alive"}')


async def _nothing_here(scope: Scope, receive: Receive, send: Send) -> None:
    what = f"there is no {scope['path'][:200]} here; there are {', '.join(doors.DOORS)} and /v1/models"
    status, headers, body = failures.response(CHAT.dialect, InvalidCall(what, "path"))
    await respond(send, 404 if status == 400 else status, headers, body)
