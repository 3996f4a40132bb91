"""`tramite ui`: the workbench in a browser, until Ctrl-C or SIGTERM."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Annotated

import typer

from tramite.errors import ConfigError, MissingExtra

from . import form
from .terminal import Terminal

app = form.application()

PORT = 8501
EXAMPLES = """
Examples:
  tramite ui
  tramite ui --port 0 -q                  the address alone on stdout
  tramite ui --no-browser                 only say where it is
"""


@dataclass(frozen=True, kw_only=True)
class Ui(form.Quiet):
    """What `ui` takes."""

    host: Annotated[str, typer.Option(metavar="ADDRESS", help="Where to listen: this machine's loopback.")] = (
        "127.0.0.1"
    )
    port: Annotated[int, typer.Option(metavar="N", min=0, max=65_535, help="0 takes any that is free.")] = PORT
    browser: Annotated[bool, typer.Option(help="Open it in the browser, where there is one.")] = True


@form.command(app, Ui, EXAMPLES)
def ui(given: Ui) -> None:
    """Open the workbench in a browser: chat, prompts, comparisons, similarity, usage, settings. Ctrl-C ends it.

    It has no accounts: whoever reaches it may use your keys. So it listens on this machine alone.
    """
    if given.host != "localhost" and not _is_loopback(given.host):
        raise ConfigError(
            f"--host is {given.host!r}: the workbench has no accounts, so it listens on loopback only. To reach it "
            "from elsewhere, forward the port: ssh -L 8501:127.0.0.1:8501 HOST"
        )
    try:
        from tramite.gateway.serving import address, listen
        from tramite.workbench import launch
    except ImportError as error:
        raise MissingExtra(f"the workbench needs {error.name}: pip install 'tramite[workbench]'") from None
    terminal = Terminal(given.quiet)
    there = f"http://{given.host}:{given.port}"
    how = f"--port N (0 takes any that is free). If a workbench of yours is there already, open {there}"
    listening = listen(given.host, given.port, who="the workbench", how=how)[0]
    where = address(listening)

    def ready() -> None:
        terminal.line(where)
        terminal.note("Ctrl-C ends it. Answers that are being written then are kept, as far as they came.")
        if given.browser and terminal.live and _has_screen():
            _open(where)

    launch.serve(listening, given.host, ready)
    terminal.note("the workbench has ended")


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _has_screen() -> bool:
    """Whether a browser would have a window. Without, Python opens one that takes over the terminal."""
    return sys.platform != "linux" or any(map(os.environ.get, ("DISPLAY", "WAYLAND_DISPLAY", "WSL_DISTRO_NAME")))


def _open(address: str) -> None:
    import webbrowser

    webbrowser.open(address)
