"""A world for the browser: a simulated provider on a port, the real `tramite ui` before it, and pages of Chromium's.

At the end of each test, all that was seen is judged: nothing wrong in any browser's console, nothing asked of anybody
but the server, and no secret on a page, in a browser's storage or in what the server wrote.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from time import monotonic, sleep
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request

from tests.browser.chat import PATIENCE_S, Chat
from tests.cli.world import TRAMITE
from tramite.simulator import Simulator
from tramite.simulator.bill import Entry

KEY = "sk-sim-0123456789-wxyz"
LOCALES = {"en": "en-GB", "it": "it-IT"}


class World:
    """Begins with nothing but a browser: `serve` starts the provider and the workbench, `open` a page of it."""

    def __init__(self, browser: Browser, folder: Path) -> None:
        self.url = ""
        self.simulator: Simulator
        self.secrets = [KEY]
        """What must not be seen anywhere; a test adds what it types."""
        self._browser = browser
        self._folder = folder
        self._server: subprocess.Popen[str] | None = None
        self._contexts: list[BrowserContext] = []
        self._pages: list[Page] = []
        self._wrong: list[str] = []
        self._stack = ExitStack()

    def __enter__(self) -> World:
        return self

    def __exit__(self, *_: object) -> None:
        for context in self._contexts:
            context.close()
        self.end()
        self._stack.close()

    @property
    def home(self) -> Path:
        """Where the server keeps everything."""
        return self._folder / "served"

    @property
    def log(self) -> str:
        """All that the server has written."""
        return "".join(path.read_text() for path in sorted(self._folder.glob("server-*")))

    def serve(self, model: str = "sim/ok", more: str = "", secret: str = KEY, **options: Any) -> None:
        """A provider with these options, and a workbench whose default is this model of its."""
        options = {"token_interval_s": 0.01, **options}
        self.simulator = self._stack.enter_context(Simulator.in_thread(key=KEY, **options))
        self.configure(self.simulator.base_url, model, more)
        self.begin(SIM_KEY=secret)

    def configure(self, address: str, model: str, more: str = "") -> None:
        """What the server reads when it begins."""
        self._folder.joinpath("sim.toml").write_text(
            f'default_model = "{model}"\n[providers.sim]\nbase_url = "{address}"\napi_key = "env:SIM_KEY"\n'
            "[timeouts]\nstall_s = 300\nfirst_token_s = 300\n"
            f"[retry]\nattempts = 2\nbase_s = 0.01\nmax_s = 0.01\n{more}"
        )

    def begin(self, **variables: str) -> None:
        """Start the server."""
        told = {"TRAMITE_CONFIG": str(self._folder / "sim.toml"), "TRAMITE_HOME": str(self.home), **variables}
        number = len(list(self._folder.glob("server-*")))
        with self._folder.joinpath(f"server-{number}").open("w") as errors:
            self._server = subprocess.Popen(
                [*TRAMITE, "ui", "--port", "0", "-q", "--no-browser"],
                env=os.environ | told,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
        assert self._server.stdout is not None
        self.url = self._server.stdout.readline().strip()
        assert self.url, self.log

    def end(self, number: int = signal.SIGTERM) -> None:
        """Have the server end."""
        if self._server is None:
            return
        self._server.send_signal(number)
        try:
            said, _ = self._server.communicate(timeout=PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._server.kill()
            said, _ = self._server.communicate()
            self._wrong.append("the server did not end")
        if said:
            self._wrong.append(f"the server wrote {said!r}")
        self._server = None

    def open(self, language: str = "en", path: str = "", **options: Any) -> Chat:
        """A page in a browser that nobody has used, in this language."""
        context = self._browser.new_context(locale=LOCALES[language], **{"viewport": SCREEN, **options})
        context.set_default_timeout(PATIENCE_S * 1000)
        context.tracing.start(screenshots=True, snapshots=True)
        self._contexts.append(context)
        return self.tab(context, language, path)

    def tab(self, context: BrowserContext, language: str = "en", path: str = "") -> Chat:
        """Another page of the same browser."""
        page = context.new_page()
        self._pages.append(page)
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self._wrong.append(f"an error in the page: {error}"))
        page.on("request", self._asked)
        page.on("websocket", lambda socket: self._elsewhere(socket.url))
        page.goto(self.url + path)
        return Chat(page, language)

    def asked(self, word: str = "") -> list[Entry]:
        """What the provider was asked to answer, with a model whose name holds this word."""
        return [one for one in self.simulator.log() if one.kind != "models" and word in one.model]

    def check(self) -> None:
        """Nothing that should not be was seen."""
        for page in self._pages:
            if not page.is_closed():
                self._look_for_secrets(page.content(), "the page")
                self._look_for_secrets(page.evaluate(STORAGE), "the page's storage")
        for context in self._contexts:
            self._look_for_secrets(json.dumps(context.cookies()), "the cookies")
        self.end()
        self._look_for_secrets(self.log, "what the server wrote")
        if "Traceback" in self.log:
            self._wrong.append(f"the server wrote: {self.log}")
        assert not self._wrong, self._wrong

    def keep_evidence(self, folder: Path) -> None:
        """What stood there when it failed, and the way to it."""
        folder.mkdir()
        for number, page in enumerate(self._pages):
            if not page.is_closed():
                page.screenshot(path=folder / f"page-{number}.png", full_page=True)
        for number, context in enumerate(self._contexts):
            context.tracing.stop(path=folder / f"trace-{number}.zip")
        folder.joinpath("server").write_text("\n".join([self.log, *self._wrong]))

    def _look_for_secrets(self, text: str, where: str) -> None:
        self._wrong += [f"the secret …{one[-4:]} is in {where}" for one in self.secrets if one in text]

    def _heard(self, message: ConsoleMessage) -> None:
        self._look_for_secrets(message.text, "the browser's console")
        if message.type == "error":
            self._wrong.append(f"the console says: {message.text}")

    def _asked(self, request: Request) -> None:
        self._elsewhere(request.url)

    def _elsewhere(self, address: str) -> None:
        parts = urlsplit(address)
        if parts.scheme not in ("data", "blob") and parts.netloc != urlsplit(self.url).netloc:
            self._wrong.append(f"something was asked of {address}")


SCREEN = {"width": 1280, "height": 800}
STORAGE = "JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])"


def eventually(true: Callable[[], bool], what: str = "it", page: Page | None = None) -> None:
    """Wait for what another process is about to do, while the page goes on living."""
    ends = monotonic() + PATIENCE_S
    while not true():
        assert monotonic() < ends, f"{what} did not happen"
        if page is not None:
            page.wait_for_timeout(20)
        else:
            sleep(0.01)
