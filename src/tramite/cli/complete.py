"""`tramite complete`: text that goes on where the prompt stops, or that fills a gap in a file."""

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
  tramite complete -t sentiment -p text="So-so" -o 'stop="\\n"'     examples and prompt as one text
  tramite complete --file mean.py --line 12 -o max_tokens=200         what belongs at the end of line 12
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
    file: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Fill a gap in this file: what belongs at --line. The file stays as it is."),
    ] = None
    line: Annotated[int | None, typer.Option(metavar="N", help="The gap's line, counted from 1.")] = None
    column: Annotated[
        int | None, typer.Option(metavar="C", help="The gap is before this column, from 1; else at the line's end.")
    ] = None
    echo: Annotated[bool, typer.Option("--echo", help="Give the prompt back too, before the text.")] = False


NO_GAPS = (
    ": it fills no gaps. A server that knows no suffix can, with a model for code whose own marks for a gap are known: "
    "Qwen Coder, Code Llama, StarCoder, DeepSeek Coder, Codestral, CodeGemma, Granite"
)


@form.command(app, Complete, EXAMPLES)
def complete(given: Complete) -> None:
    """Continue a text, with a model that has completions. The text streams to stdout.

    White space counts here: nothing is added to the prompt and nothing taken away. With --file it prints what belongs
    in the gap, and nothing else; where a server knows no suffix, the gap is written in the words of the model's family.
    """
    from tramite.calls import CompletionCall
    from tramite.errors import Unsupported

    from . import asking, settings, templates

    terminal = Terminal(given.quiet)
    options: dict[str, Any] = settings.read(CompletionCall, given.option, given.extra)
    filled = templates.named(given, given.prompt, terminal) if given.file is None else None
    template = filled.template if filled else None
    options = {**(template.settings if template else {}), **options}
    prompt, suffix = (filled.text(), given.suffix) if filled else _around_the_gap(given, terminal)
    if suffix is not None:
        options["suffix"] = suffix
    if given.echo:
        options["echo"] = True

    def whole(client: Client, model: str) -> Reply:
        return client.complete(prompt, model=model, via=given.via, **options)

    def streamed(client: Client, model: str) -> Stream:
        return client.stream_complete(prompt, model=model, via=given.via, **options)

    try:
        asking.carry_out(given, terminal, whole, None if options.get("n", 1) > 1 else streamed, template)
    except Unsupported as error:
        if error.field != "suffix":
            raise
        raise Unsupported(f"{error}{NO_GAPS}", "suffix") from error


def _around_the_gap(given: Complete, terminal: Terminal) -> tuple[str, str | None]:
    """The text to go on from, and what comes after the gap where there is one. Raises InvalidCall."""
    from tramite.errors import InvalidCall

    if given.file is None:
        if given.line is not None or given.column is not None:
            raise InvalidCall("--line and --column are a place in a file: name it with --file", "file")
        return _prompt(given.prompt, terminal), given.suffix
    alone = {
        "PROMPT": given.prompt,
        "-t": given.template,
        "-p": given.param or None,
        "--suffix": given.suffix,
        "--via": given.via,
        "--echo": given.echo or None,
    }
    beside = [name for name, value in alone.items() if value is not None]
    if beside:
        raise InvalidCall(f"--file says what stands before the gap and after it: leave out {', '.join(beside)}", "file")
    if given.line is None:
        raise InvalidCall("say where in the file the gap is: --line N, and --column C where it is not the end", "line")
    return _in_file(given.file, given.line, given.column, terminal)


def _in_file(name: str, line: int, column: int | None, terminal: Terminal) -> tuple[str, str | None]:
    from . import gap, reading

    text = reading.text_of(reading.file_bytes(name), name, "a file of text is expected")
    found = gap.at(text, line, column)
    if found.cut:
        terminal.note(
            f"of {name}, {len(found.before):,} characters before the gap go along and {len(found.after):,} after it; "
            f"it has {len(text):,}"
        )
    return found.before, found.after or None


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
