"""`tramite compare`: one task through several models at once, side by side."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from tramite.errors import InvalidCall, TramiteError

from . import form
from .terminal import Terminal

if TYPE_CHECKING:
    from tramite.client.comparing import Comparison, Style
    from tramite.config import Config
    from tramite.replies import Reply

app = form.application()

EXAMPLES = """
Examples:
  tramite compare "Un titolo per Firenze" -m openai/gpt-4o-mini -m mistral/mistral-small-latest --style chat
  tramite compare "The capital of Italy is" -m lmstudio/qwen3-8b           as a chat and as a completion
  tramite compare "A haiku" -m openai/gpt-4o-mini --repeat 5 -o temperature=0 -o seed=7
  tramite compare - -m fast -m slow --json < task.txt
"""


@dataclass(frozen=True, kw_only=True)
class Compare(form.Quiet):
    """What `compare` takes."""

    prompt: Annotated[
        str | None,
        typer.Argument(metavar="PROMPT", help="The task. Text piped in is put behind it; - reads it from stdin."),
    ] = None
    model: Annotated[
        list[str],
        typer.Option(
            "-m",
            "--model",
            metavar="TARGET",
            help="provider/model, or a route of yours. Repeatable: each is a column, in this order.",
        ),
    ] = field(default_factory=list)
    style: Annotated[
        Literal["chat", "completion", "both"],
        typer.Option(metavar="chat|completion|both", help="As a user's message, as a text to continue, or each."),
    ] = "both"
    repeat: Annotated[
        int, typer.Option(metavar="N", help="Ask each so often, and count how many different answers there are.")
    ] = 1
    option: form.Options = field(default_factory=list)
    extra: form.Extra = field(default_factory=list)
    json: Annotated[bool, typer.Option("--json", help="One JSON object, with every reply whole.")] = False


@form.command(app, Compare, EXAMPLES)
def compare(given: Compare) -> None:
    """Put one task to several models at once, and see answers, tokens, cost and times side by side.

    A model that fails has its error where its answer would be; the command fails when all of them do. In a pipe each
    answer is one line: target, style, turn, ended (or the error's name), tokens in and out, dollars, seconds to the
    first token and in all, fingerprint, text. Line breaks, tabs and backslashes in it are written with a backslash.
    """
    from tramite import config
    from tramite.calls import CompletionCall

    from . import columns, reading, settings

    terminal = Terminal(given.quiet)
    options: dict[str, Any] = settings.read(CompletionCall, given.option, given.extra)
    _check(given, options)
    prompt = str(reading.prompt(given.prompt, [], terminal))
    task = _Task(config.load(), prompt, options, terminal)
    try:
        asyncio.run(task.put(_targets(given), _styles(given), given.repeat))
    finally:  # Ctrl-C too: what has come was paid for
        columns.show(prompt, task.found(), terminal, given.json)
    errors = task.errors_of_all()
    if errors:
        raise errors[0]


class _Task:
    """A task on its way to several models, and what has come back so far."""

    def __init__(self, config: Config, prompt: str, options: dict[str, Any], terminal: Terminal) -> None:
        self._config = config
        self._prompt = prompt
        self._options = options
        self._terminal = terminal
        self._results: dict[tuple[str, Style], list[Reply | TramiteError]] = {}

    async def put(self, targets: Sequence[str], styles: Sequence[Style], repeat: int) -> None:
        """Ask all of them at once."""
        import tramite.wire.network  # noqa: F401  # now: else whoever is asked first would seem slower than the others
        from tramite.client.asynchronous import AsyncClient
        from tramite.client.comparing import compare
        from tramite.client.governance import for_programs

        self._results = {(target, style): [] for target in targets for style in styles}
        self._terminal.note(
            f"{len(self._results) * repeat} requests, to {', '.join(targets)}, as {' and '.join(styles)}"
        )

        async with AsyncClient(for_programs(self._config)) as client:

            async def ask(target: str, style: Style) -> Reply:
                [column] = await client.compare(self._prompt, [target], styles=[style], **self._options)
                [result] = column.results
                self._take(target, style, result, repeat)
                if isinstance(result, TramiteError):
                    raise result
                return result

            await compare(ask, targets, styles, repeat)

    def found(self) -> list[Comparison]:
        """The columns, as far as they have come."""
        from tramite.client.comparing import Comparison

        return [Comparison(*column, tuple(results)) for column, results in self._results.items() if results]

    def errors_of_all(self) -> list[TramiteError]:
        """Why there is no answer; empty where there is one."""
        results = [result for column in self._results.values() for result in column]
        errors = [result for result in results if isinstance(result, TramiteError)]
        return errors if len(errors) == len(results) else []

    def _take(self, target: str, style: Style, result: Reply | TramiteError, repeat: int) -> None:
        """Keep a result, and tell when a column is whole."""
        column = self._results[target, style]
        column.append(result)
        if len(column) == repeat:
            whole = sum(len(results) == repeat for results in self._results.values())
            failed = sum(isinstance(one, TramiteError) for one in column)
            how = f"{repeat - failed} of {repeat} answered" if repeat > 1 else "failed" if failed else "answered"
            self._terminal.note(f"{target}, {style}: {how} ({whole} of {len(self._results)})")


def _check(given: Compare, options: dict[str, Any]) -> None:
    """Raise InvalidCall before anything is asked."""
    if not given.model:
        raise InvalidCall("name the models to compare, each with -m: -m openai/gpt-4o-mini -m lmstudio/qwen3-8b")
    if given.repeat < 1:
        raise InvalidCall(f"--repeat takes a whole number from 1, got {given.repeat}")
    if options.get("n", 1) > 1:
        raise InvalidCall("each request has one answer here: leave n out, and ask more often with --repeat", "n")
    if given.prompt is None and sys.stdin.isatty():
        raise InvalidCall('there is nothing to compare: write tramite compare "…", or pipe a text in', "prompt")


def _targets(given: Compare) -> list[str]:
    return list(dict.fromkeys(given.model))


def _styles(given: Compare) -> list[Style]:
    return ["chat", "completion"] if given.style == "both" else [given.style]
