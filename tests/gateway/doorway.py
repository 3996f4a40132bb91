"""A door without a house: what comes in on a real socket is translated, asked of the simulator, and translated back.

The model's name says whom to ask: `anthropic/tools` is the simulator's `tools` behind Anthropic's dialect.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from tramite.dialects import registry
from tramite.dialects.base import Dialect, Target, Traits
from tramite.errors import ProviderError, TramiteError
from tramite.gateway.translation import Translation
from tramite.simulator.inprocess import InProcess
from tramite.wire import sse
from tramite.wire.seam import Request

_BASES = {"openai": "/v1", "openai-responses": "/v1", "anthropic": "/v1", "gemini": "/v1beta", "huggingface": ""}
_ROUTES = {
    "/v1/chat/completions": ("openai", "chat"),
    "/v1/completions": ("openai", "completion"),
    "/v1/embeddings": ("openai", "embedding"),
    "/v1/responses": ("openai-responses", "chat"),
    "/v1/messages": ("anthropic", "chat"),
}


class Doorway:
    """The door, and what it asked of whom: bodies by dialect, and notices."""

    def __init__(self) -> None:
        self.url = ""
        self.bodies: list[tuple[str, bytes]] = []
        self.notices: list[str] = []
        self._simulator = InProcess()

    async def take(self, request: web.Request) -> web.StreamResponse:
        """One request."""
        name, kind = _ROUTES.get(request.path, ("gemini", "chat"))
        inbound = registry.get(name)
        translated = Translation(inbound, kind, await request.read(), request.path)  # type: ignore[arg-type]  # a kind
        try:
            return await self._ask(request, inbound, translated)
        except TramiteError as error:
            status, body = inbound.encode_error(error)
            return web.Response(status=status, body=body, content_type="application/json")

    async def _ask(self, request: web.Request, inbound: Dialect, translated: Translation) -> web.StreamResponse:
        name, _, model = translated.call.model.partition("/")
        outbound = registry.get(name)
        target = Target(name, model, Traits(serves="router", echoes=("reasoning_details",)))
        encoded = translated.encode(outbound, target)
        self.bodies.append((name, encoded.body))
        self.notices += encoded.notices
        sent = Request(method="POST", url=f"http://sim{_BASES[name]}{encoded.path}", body=encoded.body)
        response = await self._simulator.send(sent)
        if response.status != 200:
            raise outbound.decode_error(response.status, response.headers, await response.read())
        operation = outbound.operations[translated.kind]
        if not translated.streamed:
            body, _ = translated.whole(operation, await response.read())
            return web.Response(body=body, content_type="application/json")
        watcher = translated.watch(operation)
        mapper, decoder = translated.stream(operation, watcher), sse.SSEDecoder()
        out = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await out.prepare(request)
        async for chunk in response:
            frames = decoder.feed(chunk)
            for frame in frames:
                watcher.note(frame)
            await self._write(out, mapper.map(frames))
        watcher.close()
        error = watcher.error or ProviderError("it broke off")
        await self._write(out, mapper.end() if watcher.proof else mapper.error(error))
        return out

    async def _write(self, out: web.StreamResponse, frames: list[Any]) -> None:
        if frames:
            await out.write(b"".join(map(sse.encode, frames)))


@asynccontextmanager
async def open_door() -> AsyncIterator[Doorway]:
    """The door on a free port of loopback."""
    door = Doorway()
    app = web.Application()
    app.router.add_post("/{path:.*}", door.take)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        door.url = f"http://{host}:{port}"
        yield door
    finally:
        await runner.cleanup()
