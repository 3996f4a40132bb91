"""The page that everything is drawn in, as Streamlit ships it, told what it would find out by trying: where its server
is. It tries every folder of its address, and each miss is an error in the browser's console. Knows no page of ours.
"""

from __future__ import annotations

from collections.abc import Callable

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .language import preferred

TOLD = b"<head><script>window.__streamlit = {BACKEND_BASE_URL: location.origin + '/'}</script>"


class Front:
    """`app`, whose HTML knows where it came from, and in which language it is: the `chosen` one, else the browser's."""

    def __init__(self, app: ASGIApp, chosen: Callable[[], str | None]) -> None:
        self._app = app
        self._chosen = chosen

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        headers = MutableHeaders(scope=scope) if scope["type"] == "http" else None
        if headers is None or "text/html" not in headers.get("accept", ""):
            return await self._app(scope, receive, send)
        language = preferred(self._chosen() or headers.get("accept-language", "").partition(",")[0])
        del headers["accept-encoding"]  # what is compressed cannot be told anything
        start: Message = {}
        body = b""

        async def told(message: Message) -> None:
            nonlocal start, body
            if message["type"] == "http.response.start":
                start = message
                return
            body += message.get("body", b"")
            if message.get("more_body", False):
                return
            if body:
                body = body.replace(b"<head>", TOLD, 1).replace(
                    b'<html lang="en"', f'<html lang="{language}"'.encode(), 1
                )
                MutableHeaders(scope=start)["content-length"] = str(len(body))
            await send(start)
            await send({"type": "http.response.body", "body": body})

        return await self._app(scope, receive, told)
