"""Serves the pages: Streamlit's application behind our guard, on a socket that is ours. Knows no page."""

from __future__ import annotations

import os
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tramite.errors import MissingExtra

from . import appearance
from .house import house, leave
from .language import PREFERENCE as LANGUAGE

APP = Path(__file__).with_name("app.py")
MAX_UPLOAD_MB = 20

OPTIONS: dict[str, object] = {
    "browser.gatherUsageStats": False,
    "client.showErrorDetails": "none",
    "client.showErrorLinks": False,
    "client.toolbarMode": "viewer",
    "client.showSidebarNavigation": True,
    "global.developmentMode": False,
    "logger.level": "error",
    "runner.magicEnabled": False,
    "server.disconnectedSessionTTL": 60,
    "server.enableXsrfProtection": True,
    "server.fileWatcherType": "none",
    "server.headless": True,
    "server.maxUploadSize": MAX_UPLOAD_MB,
    "server.runOnSave": False,
}
PARTING_S = 2
"""How long pages that are open have to leave when the server ends."""


def serve(listening: socket.socket, host: str, ready: Callable[[], None]) -> None:
    """Until SIGINT or SIGTERM; `ready` is called once it serves.

    Raises ConfigError, MissingExtra, StoreFailed, before.
    """
    try:
        from streamlit.web import bootstrap

        from .server import Server, settings
    except ImportError as error:
        raise MissingExtra(f"the workbench needs {error.name}: pip install 'tramite[workbench]'") from None
    chosen = house().stored.preference(appearance.PREFERENCE)
    os.environ.setdefault("STREAMLIT_BROWSER_GATHER_USAGE_STATS", "false")
    bootstrap.load_config_options({**OPTIONS, "server.port": listening.getsockname()[1]})
    appearance.wear(appearance.of(chosen))
    try:
        Server(settings(application(host), PARTING_S), ready).run(sockets=[listening])
    finally:
        leave()


def application(host: str) -> Any:
    """The workbench as an ASGI application, for pages at this host and on this machine's loopback."""
    import streamlit as st
    from starlette.middleware import Middleware

    from .front import Front
    from .guard import Guard

    @asynccontextmanager
    async def lifespan(app: object) -> AsyncIterator[None]:
        yield None
        leave()  # what is being written ends as interrupted, and is kept

    def chosen_language() -> str | None:
        return house().stored.preference(LANGUAGE)

    return st.App(
        APP, middleware=[Middleware(Guard, hosts=[host]), Middleware(Front, chosen=chosen_language)], lifespan=lifespan
    )
