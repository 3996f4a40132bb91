"""Examples as a browser sees them, and servers for it to look at."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from socket import create_server
from typing import Any

import httpx
from playwright.sync_api import Browser, Page

from tests.examples.world import EXAMPLES, PATIENCE_S, eventually


class Seen:
    """A page, all that its server sent to it, and what the browser complained about."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.received = b""
        self.complaints: list[str] = []
        page.set_default_timeout(PATIENCE_S * 1000)
        page.on("websocket", lambda socket: socket.on("framereceived", self._receive))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", lambda said: self.complaints.append(said.text) if said.type == "error" else None)

    def _receive(self, payload: str | bytes) -> None:
        self.received += payload.encode() if isinstance(payload, str) else payload

    def stored(self) -> str:
        """What the page holds: its elements, its fields' values, the browser's storages."""
        return str(
            self.page.evaluate(
                "() => [document.documentElement.outerHTML, ...[...document.querySelectorAll('input, textarea')]"
                ".map((field) => field.value), JSON.stringify({ ...localStorage, ...sessionStorage }), document.cookie]"
            )
        )


@contextmanager
def opened(chromium: Browser, url: str) -> Iterator[Seen]:
    """This page, in a context of its own."""
    context = chromium.new_context(viewport={"width": 1100, "height": 800})
    page = context.new_page()
    seen = Seen(page)
    page.goto(url)
    yield seen
    context.close()


@contextmanager
def streamlit(name: str) -> Iterator[str]:
    """An application as its users start it; its address."""
    with create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    options = ["--server.headless", "true", "--server.address", "127.0.0.1", "--server.port", str(port)]
    options += ["--browser.gatherUsageStats", "false", "--server.fileWatcherType", "none"]
    command: list[Any] = [sys.executable, "-m", "streamlit", "run", EXAMPLES / name, *options]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        try:
            eventually(lambda: _is_up(f"http://127.0.0.1:{port}/_stcore/health", process))
            yield f"http://127.0.0.1:{port}/"
        finally:
            process.terminate()


def _is_up(url: str, process: subprocess.Popen[bytes]) -> bool:
    assert process.poll() is None, process.stderr and process.stderr.read().decode()
    try:
        return httpx.get(url, trust_env=False).text == "ok"
    except httpx.TransportError:
        return False
