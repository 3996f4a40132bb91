"""The page at `/`: a chat in plain JavaScript, the reference for writing another. Its files are served as they are."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from importlib.resources import files

from tramite.gateway.asgi import App, Headers, Receive, Scope, Send, respond

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""A page that shows what a model wrote runs no script but its own, and talks to nobody but its gateway."""
_HEADERS: Headers = [
    (b"cache-control", b"no-cache"),
    (b"content-security-policy", _POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
]


async def _serve(name: str, media_type: bytes, scope: Scope, receive: Receive, send: Send) -> None:
    if scope["method"] not in ("GET", "HEAD"):
        await respond(send, 405, [(b"allow", b"GET, HEAD")], b"")
        return
    body = files(__name__).joinpath(name).read_bytes()
    await respond(send, 200, [(b"content-type", media_type), *_HEADERS], body)


FILES: Mapping[str, App] = {
    "/": partial(_serve, "index.html", b"text/html; charset=utf-8"),
    "/page/app.js": partial(_serve, "app.js", b"text/javascript; charset=utf-8"),
    "/page/words.js": partial(_serve, "words.js", b"text/javascript; charset=utf-8"),
    "/page/style.css": partial(_serve, "style.css", b"text/css; charset=utf-8"),
    "/page/icon.svg": partial(_serve, "icon.svg", b"image/svg+xml"),
}
"""Which path gives what. Read when asked for: an edit shows at the next load."""
