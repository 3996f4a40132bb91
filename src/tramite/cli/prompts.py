"""`tramite prompts`: which prompts have names, and how they are written."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from . import failures, form
from .terminal import Terminal, table

if TYPE_CHECKING:
    from tramite.prompts import Template

app = form.application(
    invoke_without_command=True,
    help="The prompts that have names: this folder's (./prompts/NAME.toml), your own, and those that come along. "
    "They are used with tramite ask -t NAME -p VARIABLE=VALUE.",
    epilog="\b\nExamples:\n  tramite prompts\n  tramite prompts show seo-title\n"
    "  tramite prompts show seo-title > prompts/mine.toml     one of your own to begin with",
)

SHOW_EXAMPLES = """
Examples:
  tramite prompts show sentiment
  tramite prompts show sentiment --json
"""


@app.callback()
def everything(
    context: typer.Context, as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False
) -> None:
    if context.invoked_subcommand is None:
        with failures.handled():
            _list(as_json)


@form.command(app, form.Quiet, "Examples:\n  tramite prompts list", name="list")
def list_(given: form.Quiet) -> None:
    """List the prompts, as tramite prompts does."""
    _list(as_json=False)


@dataclass(frozen=True, kw_only=True)
class Show:
    """What `prompts show` takes."""

    name: Annotated[str, typer.Argument(metavar="NAME")]
    json: form.Json = False


@form.command(app, Show, SHOW_EXAMPLES)
def show(given: Show) -> None:
    """Show a prompt's file, as it is written."""
    from tramite.prompts import folders

    from . import facts

    terminal = Terminal()
    if given.json:
        terminal.line(facts.json_text(_object(folders.load(given.name))))
    else:
        terminal.data(folders.source(given.name))
        terminal.end_line()


def _list(as_json: bool) -> None:
    """All of them; what is wrong with a file is told on stderr."""
    from tramite import prompts
    from tramite.errors import ConfigError

    from . import facts

    terminal = Terminal()
    found: list[Template] = []
    for name in prompts.names():
        try:
            found.append(prompts.load(name))
        except ConfigError as error:
            terminal.warn(str(error))
    if as_json:
        terminal.line(facts.json_text(list(map(_object, found))))
    else:
        table(
            ["prompt", "variables", "", "where"],
            [[one.name, _variables(one), one.description, _where(one)] for one in found],
        )


def _where(template: Template) -> str:
    from tramite.prompts.folders import LIBRARY

    return template.origin if Path(template.origin).parent != LIBRARY else "comes along"


def _variables(template: Template) -> str:
    """Their names; in brackets those that need not be given."""
    return " ".join(name if name in template.needs else f"[{name}]" for name in template.names)


def _object(template: Template) -> dict[str, Any]:
    import msgspec

    return {**msgspec.to_builtins(template), "needs": list(template.needs)}
