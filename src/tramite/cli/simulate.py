"""`tramite simulate`: a provider that misbehaves on demand."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

import typer

from . import form
from .terminal import Terminal

if TYPE_CHECKING:
    from tramite.simulator import Simulator

app = form.application()

EXAMPLES = """
The model's name says what goes wrong, as in
  sim/ok   sim/cut@40   sim/stall@20:30s   sim/429:retry-after=2   sim/503:times=2   sim/slow-first-token:20s
  sim/malformed@10   sim/no-done   sim/reset   sim/flaky:0.05   sim/tokens=500,cut@100   sim/echo   sim/json

Examples:
  tramite simulate
  tramite simulate --port 0 --rpm 60 --token-interval 0.02
  tramite simulate --cold-start 20 --key sk-test
  curl -s http://127.0.0.1:9100/sim/stats          what it was asked, and what it charges
"""


def _limit(flag: str, words: str) -> Any:
    return typer.Option(flag, metavar="N", help=words)


@dataclass(frozen=True, kw_only=True)
class Simulate(form.Quiet):
    """What `simulate` takes: where to listen, and the simulator's own options under their own names."""

    host: Annotated[str, typer.Option(metavar="ADDRESS", help="Where to listen.")] = "127.0.0.1"
    port: Annotated[int, typer.Option(metavar="N", help="0 takes any that is free.")] = 9100
    rpm: Annotated[int | None, _limit("--rpm", "Requests per minute.")] = None
    tpm: Annotated[int | None, _limit("--tpm", "Tokens per minute.")] = None
    rps: Annotated[int | None, _limit("--rps", "Requests per second.")] = None
    latency_s: Annotated[float | None, _limit("--latency", "Seconds before the first byte.")] = None
    token_interval_s: Annotated[float | None, _limit("--token-interval", "Seconds between two tokens.")] = None
    cold_start_s: Annotated[float | None, _limit("--cold-start", "Seconds of loading at first.")] = None
    idle_s: Annotated[float | None, _limit("--idle", "Seconds without requests until the model is put away.")] = None
    tokens: Annotated[int | None, _limit("--tokens", "Length of an answer.")] = None
    context_tokens: Annotated[int | None, _limit("--context", "Size of the context window.")] = None
    seed: Annotated[int | None, _limit("--seed", "Decides which requests of flaky models fail.")] = None
    key: Annotated[
        str | None, typer.Option(metavar="TEXT", help="The bearer key that every request must carry (not a real one).")
    ] = None
    models: Annotated[
        list[str], typer.Option("--model", metavar="NAME", help="A further name that is no fault. Repeatable.")
    ] = field(default_factory=list)
    virtual_clock: Annotated[
        bool, typer.Option("--virtual-clock", help="Time stands still; POST /sim/advance?s=N moves it.")
    ] = False


@form.command(app, Simulate, EXAMPLES)
def simulate(given: Simulate) -> None:
    """Run a provider that answers in OpenAI's format, and misbehaves when the model's name says so. Ctrl-C ends it."""
    from tramite.simulator import Options, run

    terminal = Terminal(given.quiet)

    def announce(simulator: Simulator) -> None:
        terminal.line(simulator.url)
        terminal.note(_how_to_use(simulator.base_url, given.key))

    run(
        Options(**_options(given)),
        host=given.host,
        port=given.port,
        virtual_clock=given.virtual_clock,
        announce=announce,
    )
    terminal.note("the simulator has ended")


def _options(given: Simulate) -> dict[str, Any]:
    from tramite.simulator import Options

    named = {name: getattr(given, name) for name in Options.__struct_fields__ if hasattr(given, name)}
    return {name: value for name, value in named.items() if value is not None} | {"models": tuple(given.models)}


def _how_to_use(base_url: str, key: str | None) -> str:
    secret = f'\n    api_key  = "{key}"' if key else ""
    return (
        f'In tramite.toml:\n    [providers.sim]\n    base_url = "{base_url}"{secret}\n'
        "then, in another terminal:\n    tramite ask hello -m sim/cut@5\nCtrl-C ends it."
    )
