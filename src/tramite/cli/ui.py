"""`tramite ui`: the workbench in a browser, until Ctrl-C or SIGTERM."""

from __future__ import annotations

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
    browser: Annotated[bool, typer.Option(help="Open it in the browser.")] = True


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
    listening = listen(given.host, given.port)[0]
    where = address(listening)
    terminal.line(where)
    terminal.note("Ctrl-C ends it.")
    if given.browser and terminal.live:
        _open(where)
    launch.serve(listening, given.host)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _open(address: str) -> None:
    import webbrowser

    webbrowser.open(address)
