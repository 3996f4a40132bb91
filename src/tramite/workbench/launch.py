"""Serves the pages: Streamlit's application behind our guard, on a socket that is ours. Knows no page."""

from __future__ import annotations

import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tramite.errors import MissingExtra

from .house import house, leave

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
    "theme.primaryColor": "#0f766e",
    "theme.dark.primaryColor": "#2dd4bf",
}


def serve(listening: socket.socket, host: str) -> None:
    """Until SIGINT or SIGTERM. Raises ConfigError before anything is served, MissingExtra."""
    try:
        import uvicorn
        from streamlit.web import bootstrap
    except ImportError as error:
        raise MissingExtra(f"the workbench needs {error.name}: pip install 'tramite[workbench]'") from None
    house()  # a wrong configuration is told here, and not in a page
    os.environ.setdefault("STREAMLIT_BROWSER_GATHER_USAGE_STATS", "false")
    bootstrap.load_config_options({**OPTIONS, "server.port": listening.getsockname()[1]})
    settings: dict[str, Any] = {"log_level": "warning", "access_log": False, "server_header": False, "lifespan": "on"}
    config = uvicorn.Config(application(host), ws_ping_interval=20, timeout_graceful_shutdown=3, **settings)
    try:
        uvicorn.Server(config).run(sockets=[listening])
    finally:
        leave()


def application(host: str) -> Any:
    """The workbench as an ASGI application, for pages at this host and on this machine's loopback."""
    import streamlit as st
    from starlette.middleware import Middleware
    from streamlit.runtime.pages_manager import PagesManager

    from .guard import Guard

    @asynccontextmanager
    async def lifespan(app: object) -> AsyncIterator[None]:
        yield None
        leave()  # what is being written ends as interrupted, and is kept

    PagesManager.uses_pages_directory = False  # a page's address leads through app.py, from the first request on
    return st.App(APP, middleware=[Middleware(Guard, hosts=[host])], lifespan=lifespan)
