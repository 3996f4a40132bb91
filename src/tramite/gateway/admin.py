"""`/admin`, `/docs` and `/openapi.json`, for whoever has the admin key. Loads FastAPI when they are first asked for.

Knows no administration: that is behind it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping
from typing import Any, Protocol

from tramite.client.core import Core

from .admin_key import AdminKey
from .asgi import App, Receive, Scope, Send
from .keys import KeyRing

PREFIX = "/admin/"
PAGES = ("/docs", "/openapi.json")


class Administered(Protocol):
    """What is administered."""

    @property
    def core(self) -> Core:
        """What answers requests now."""
        ...

    @property
    def keyring(self) -> KeyRing: ...

    def reload(self) -> Awaitable[Any]:
        """Read the configuration again; a Struct that says what has changed. Raises TramiteError."""
        ...


def build_admin(gate: Administered, admin_key: AdminKey) -> App:
    """What answers `PAGES` and all that is under `PREFIX`. Nothing is loaded before somebody who may asks."""
    loading: list[asyncio.Task[App]] = []

    async def administer(scope: Scope, receive: Receive, send: Send) -> None:
        if not loading or (loading[0].done() and loading[0].exception() is not None):
            loading[:] = [asyncio.create_task(asyncio.to_thread(_application, gate))]
        app = await asyncio.shield(loading[0])
        await app(scope, receive, send)

    return admin_key.guard(administer)


def pages(admin: App) -> Mapping[str, App]:
    """The single pages by their path, for who finds handlers in a dict."""
    return dict.fromkeys(PAGES, admin)


def _application(gate: Administered) -> App:
    """In a thread: importing takes half a second, in which streams go on. Raises MissingExtra."""
    from tramite.errors import MissingExtra

    try:
        from .administration import application
    except ImportError as error:
        raise MissingExtra(f"{error.name} is not installed: run pip install 'tramite[gateway]'") from None
    return application(gate)
