"""All commands by name, each loaded when it is called. Knows nothing of what they do."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from . import quick

COMMANDS = {
    "ask": "Ask a model one question; the answer streams to stdout.",
    "chat": "Talk with a model in the terminal.",
    "complete": "Continue a text, or fill a gap in a file.",
    "compare": "Put one task to several models at once, and see the answers side by side.",
    "prompts": "List the prompts that have names, and show one.",
    "embed": "Turn texts into vectors, or compare them.",
    "models": "List the models that can be reached, what they cost, and what they can.",
    "prices": "Say how old the prices are, or fetch newer ones.",
    "limits": "Show the limits that are counted, and how much of each is used now.",
    "logs": "Show what was asked, how it ended, and what it cost.",
    "usage": "Add up tokens, costs, errors and times; check them against a provider's invoice.",
    "config": "Show the configuration and where it comes from; trust a folder's files.",
    "secrets": "Keep, list and remove secrets.",
    "keys": "Make, list, change, rotate and revoke the keys that the gateway lets in.",
    "pull": "Fetch a model from the Hugging Face hub, to be used on this machine.",
    "doctor": "Say what is configured, what answers, what is missing, and how to fix it.",
    "serve": "Run the gateway: one address for every client, model and key.",
    "ui": "Open the workbench in a browser: chat, prompts, comparisons, similarity, usage.",
    "simulate": "Run a provider that misbehaves on demand, on a local port.",
}
"""Each lives in the module of its name, whose `app` is a Typer application."""


class Commands(TyperGroup):
    """The group of all commands. `--help` loads none of them, a call loads one."""

    def list_commands(self, ctx: typer.Context) -> list[str]:  # type: ignore[override]  # its own type is private
        return list(COMMANDS)

    def get_command(self, ctx: typer.Context, cmd_name: str) -> Any:  # type: ignore[override]  # as above
        if cmd_name not in self.commands and cmd_name in COMMANDS:
            module = import_module(f"tramite.cli.{cmd_name}")
            self.commands[cmd_name] = quick.hurry(typer.main.get_command(module.app))
        return self.commands.get(cmd_name)

    def resolve_command(self, ctx: typer.Context, args: list[str]) -> Any:  # type: ignore[override]  # as above
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            ctx.fail(_unknown(args[0]))
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: typer.Context, formatter: Any) -> None:  # type: ignore[override]  # as above
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


def _unknown(name: str) -> str:
    if " " in name:
        return f'{name!r} is no command. To ask a model, write: tramite ask "{name}"'
    near = get_close_matches(name, COMMANDS, n=2, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(COMMANDS)}."
    return f"{name!r} is no command; {hint}"


app = typer.Typer(
    cls=Commands,
    rich_markup_mode=None,  # plain help: it loads in a third of the time and reads well in a pipe
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": quick.HELP},
    help="Use language models through their APIs: no request lost, no half answer sold as a whole one.",
    epilog="\b\nTry:\n"
    '  tramite ask "Three ideas for a weekend in the mountains"\n'
    "  tramite chat\n"
    "  tramite doctor          what is missing here, and what to do about it\n"
    "\n\b\n"
    "Data goes to stdout, everything else to stderr.\n"
    "Exit codes: 0 ok, 1 failure, 2 usage, 3 authentication, 4 limit or budget,\n"
    "5 provider, 130 interrupted.",
)


def _version(wanted: bool) -> None:
    if wanted:
        from tramite import __version__

        typer.echo(f"tramite {__version__}")
        raise typer.Exit


@app.callback(no_args_is_help=True)
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say which version this is.")
    ] = False,
) -> None:
    pass


def run(arguments: Sequence[str]) -> int:
    """Run one command line; the exit code."""
    command = quick.hurry(typer.main.get_command(app))
    try:
        command.main(args=arguments, prog_name="tramite")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0
