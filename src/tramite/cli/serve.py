"""`tramite serve`: the gateway, until Ctrl-C or SIGTERM."""

from __future__ import annotations

import os
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING, Annotated

import typer

from tramite.errors import ConfigError

from . import form
from .terminal import Terminal

if TYPE_CHECKING:
    from tramite.config import Config

app = form.application()

EXAMPLES = """
Examples:
  tramite serve
  tramite serve --port 0 -q                        the address alone on stdout
  tramite serve --host 0.0.0.0 --workers 4         keys first: tramite keys create NAME
  kill -HUP PID                                    read tramite.toml again; wrong, it changes nothing
  curl -s http://127.0.0.1:4000/v1/models          what can be asked for
"""


@dataclass(frozen=True, kw_only=True)
class Serve(form.Quiet):
    """What `serve` takes; each goes before what is configured under [gateway]."""

    host: Annotated[str | None, typer.Option(metavar="ADDRESS", help="Where to listen.")] = None
    port: Annotated[int | None, typer.Option(metavar="N", min=0, max=65_535, help="0 takes any that is free.")] = None
    workers: Annotated[int | None, typer.Option(metavar="N", min=1, help="Processes that share the port.")] = None


@form.command(app, Serve, EXAMPLES)
def serve(given: Serve) -> None:
    """Run the gateway: OpenAI's, Anthropic's and Azure's APIs in front of every configured model. Ctrl-C ends it."""
    from tramite.client.governance import for_programs
    from tramite.config import load
    from tramite.gateway import logs, serving
    from tramite.gateway.service import factory

    terminal = Terminal(given.quiet)
    overrides = {f"gateway.{name}": value for name in ("host", "workers") if (value := getattr(given, name))}

    def read() -> Config:
        return for_programs(load(overrides=overrides))

    config = read()
    has_keys = _has_keys(config)
    _refuse_open_door(config, has_keys)
    settings = config.gateway
    port = settings.port if given.port is None else given.port
    sockets = serving.listen(settings.host, port, settings.workers)
    overrides["gateway.port"] = serving.port_of(sockets[0])
    address = serving.address(sockets[0])
    terminal.line(address)
    terminal.note(_how_to_use(address, has_keys, config.default_model))
    logs.configure()
    code = serving.serve(factory(read), read(), sockets)
    terminal.note("the gateway has ended")
    raise typer.Exit(code)


def _has_keys(config: Config) -> bool:
    """Whether anybody has to show a key. Raises ConfigError where the store cannot be opened."""
    if os.environ.get("TRAMITE_ADMIN_KEY"):
        return True
    from tramite.store.keys import open_keys

    with open_keys(config.store.url) as keys:
        return bool(keys.all())


def _refuse_open_door(config: Config, has_keys: bool) -> None:
    """Without keys whoever reaches the gateway spends its owner's money: nobody but this machine may."""
    host = config.gateway.host
    if has_keys or host == "localhost" or _is_loopback(host):
        return
    raise ConfigError(
        f"gateway.host is {host!r}, and there is no key: without any key the gateway binds to loopback only. "
        "Make one first (tramite keys create NAME), or set TRAMITE_ADMIN_KEY, or leave gateway.host at 127.0.0.1"
    )


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _how_to_use(address: str, has_keys: bool, model: str | None) -> str:
    who = (
        "every request needs a key (tramite keys list)"
        if has_keys
        else "no key is needed: without any key the gateway binds to loopback only (tramite keys create NAME)"
    )
    key = "KEY" if has_keys else "none"
    auth = " -H 'authorization: Bearer KEY'" if has_keys else ""
    body = f'{{"model":"{model or "demo/demo"}","messages":[{{"role":"user","content":"Hello"}}]}}'
    return (
        f"{who}\nWith OpenAI's clients:\n    OPENAI_BASE_URL={address}/v1 OPENAI_API_KEY={key}\nwith curl:\n"
        f"    curl {address}/v1/chat/completions{auth} -H 'content-type: application/json' -d '{body}'\nCtrl-C ends it."
    )
