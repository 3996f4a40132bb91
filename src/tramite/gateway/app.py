"""The gateway as an ASGI application: which path is answered by what. Guards and operation stand around it."""

from __future__ import annotations

from collections.abc import Mapping

from tramite.errors import InvalidCall, TramiteError

from . import doors, earlier, failures, page, relay, told, websocket
from .admin import PREFIX
from .asgi import JSON, App, Receive, Scope, Send, address_of, header, read_body, respond
from .doors import CHAT, Door
from .eventsource import Prepared
from .gate import Gate
from .inbound import Inbound
from .models import list_models, one_model
from .tickets import tickets_of

MODELS = "/v1/models"


class Gateway:
    """Finds who answers. Hot routes are found in a dict; everything else is rarer."""

    def __init__(self, gate: Gate) -> None:
        self.gate = gate
        self._tickets = tickets_of(gate.config)
        self._pages: dict[str, App] = {
            MODELS: self._models,
            "/health/live": _alive,
            **Prepared(gate, self._tickets).pages(),
            **page.FILES,
        }
        self._prefixes: dict[str, App] = {f"{MODELS}/": self._models}

    def __repr__(self) -> str:
        return f"Gateway({self.gate!r})"

    def add(self, pages: Mapping[str, App], admin: App | None = None) -> None:
        """Answer these paths too, and with `admin` all that is under `/admin/`."""
        self._pages |= pages
        if admin is not None:
            self._prefixes[PREFIX] = admin

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        path = scope["path"]
        if scope["type"] == "websocket":
            if path == websocket.PATH:
                await websocket.chat(self.gate, self._tickets, scope, receive, send)
            else:
                await _nothing_here(scope, receive, send)
            return
        found = doors.find(path)
        if found is not None:
            await self._ask(*found, scope, receive, send)
            return
        page = self._pages.get(path)
        if page is None:
            page = next((page for prefix, page in self._prefixes.items() if path.startswith(prefix)), _nothing_here)
        await page(scope, receive, send)

    async def _ask(self, door: Door, model: str | None, scope: Scope, receive: Receive, send: Send) -> None:
        """One request at one door."""
        if scope["method"] != "POST":
            await respond(send, *failures.wrong_method(door.dialect, scope["method"], "POST"))
            return
        gate = self.gate
        core = gate.core  # the same from here on, whatever is reloaded meanwhile
        try:
            key = await gate.key_of(scope)  # nothing is read for who may not ask
            body = await read_body(scope, receive, core.config.gateway.max_body_mb * 1_000_000)
            inbound = Inbound(door, body, model, _forwarded(door, scope))
            caller = gate.caller(key, address_of(scope), inbound.model)
            send = told.with_limits(send, core.governor, caller)
            envelope = inbound.envelope(caller)
            if not inbound.stream:
                await earlier.answer(core, inbound, envelope, scope, receive, send)
                return
            route = core.config.route(inbound.model)
            inbound.always_translated = route is not None and route.on_stream_failure == "continue"
            deadline_s, keeps = core.config.timeouts.deadline_s, core.config.store.keep_text
            streaming = relay.Streaming(inbound, envelope, send, deadline_s, keeps)
            gate.streams.add(streaming)
            try:
                await streaming.run(core.pipeline, scope, receive)
            finally:
                gate.streams.discard(streaming)
        except TramiteError as error:
            await respond(send, *failures.response(door.dialect, error))

    async def _models(self, scope: Scope, receive: Receive, send: Send) -> None:
        """`/v1/models`, and one of them."""
        if scope["method"] not in ("GET", "HEAD"):
            await respond(send, *failures.wrong_method(CHAT.dialect, scope["method"], "GET", "HEAD"))
            return
        try:
            key = await self.gate.key_of(scope)
        except TramiteError as error:
            await respond(send, *failures.response(CHAT.dialect, error))
            return
        path = scope["path"]
        found = list_models(self.gate, key) if path == MODELS else one_model(self.gate, key, path[len(MODELS) + 1 :])
        if found is None:
            await _nothing_here(scope, receive, send)
        else:
            await respond(send, 200, [JSON], found)

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                try:
                    await self.gate.start()
                except TramiteError as error:
                    await send({"type": "lifespan.startup.failed", "message": str(error)})
                    return
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
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008})
        return
    what = f"there is no {scope['path'][:200]} here; there are {', '.join(doors.DOORS)} and {MODELS}"
    _, headers, body = failures.response(CHAT.dialect, InvalidCall(what, "path"))
    await respond(send, 404, headers, body)
