"""`tramite complete`: text that goes on where the prompt stops."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from . import form
from .terminal import Terminal

if TYPE_CHECKING:
    from tramite.client.synchronous import Client, Stream
    from tramite.replies import Reply

app = form.application()

EXAMPLES = """
Examples:
  tramite complete $'Q: What is the capital of Italy?\\nA:' -o 'stop="\\n"' -o temperature=0
  tramite complete - < begun.txt
  tramite complete "def mean(xs):" --suffix "return total / len(xs)" -m openai/gpt-3.5-turbo-instruct
  tramite complete "Once upon a time" --via chat -m openai/gpt-4o-mini
"""


@dataclass(frozen=True, kw_only=True)
class Complete(form.Writing):
    """What `complete` takes."""

    prompt: Annotated[
        str | None,
        typer.Argument(metavar="PROMPT", help="The text to go on from, to the letter; without it, or with -, stdin."),
    ] = None
    suffix: Annotated[
        str | None, typer.Option(metavar="TEXT", help="What comes after the gap that is to be filled.")
    ] = None
    via: Annotated[
        Literal["chat"] | None,
        typer.Option(help="Where a model has only chat: send the prompt as one user message.", metavar="chat"),
    ] = None
    echo: Annotated[bool, typer.Option("--echo", help="Give the prompt back too, before the text.")] = False


@form.command(app, Complete, EXAMPLES)
def complete(given: Complete) -> None:
    """Continue a text, with a model that has completions. The text streams to stdout.

    White space counts here: nothing is added to the prompt and nothing taken away.
    """
    from tramite.calls import CompletionCall

    from . import asking, settings

    terminal = Terminal(given.quiet)
    options: dict[str, Any] = settings.read(CompletionCall, given.option, given.extra)
    if given.suffix is not None:
        options["suffix"] = given.suffix
    if given.echo:
        options["echo"] = True
    prompt = _prompt(given.prompt, terminal)

    def whole(client: Client, model: str) -> Reply:
        return client.complete(prompt, model=model, via=given.via, **options)

    def streamed(client: Client, model: str) -> Stream:
        return client.stream_complete(prompt, model=model, via=given.via, **options)

    asking.carry_out(given, terminal, whole, None if options.get("n", 1) > 1 else streamed)


def _prompt(words: str | None, terminal: Terminal) -> str:
    """The words, or stdin to the letter. Raises InvalidCall."""
    import sys

    from tramite.errors import InvalidCall

    from . import reading

    if words is not None and words != reading.STDIN:
        return words
    if words is None and sys.stdin.isatty():
        raise InvalidCall('there is nothing to continue: write tramite complete "…", or pipe a text in', "prompt")
    return reading.stdin_text(terminal)
