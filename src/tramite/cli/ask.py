"""`tramite ask`: one question, one answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

import typer

from . import form
from .terminal import Terminal

if TYPE_CHECKING:
    from tramite.client.synchronous import Client, Stream
    from tramite.messages import Message
    from tramite.replies import Reply

    from .templates import Filled

app = form.application()

EXAMPLES = """
Examples:
  tramite ask "Three ideas for a weekend in the mountains"
  git diff | tramite ask "Write a commit message for this"
  tramite ask "What is in this picture?" -a photo.jpg -m openai/gpt-4o-mini
  tramite ask "Explain this file" -a main.py -s "You are a patient teacher"
  tramite ask "Titles for Florence" -o temperature=0.9 -o n=3
  tramite ask "Name, city" -a letter.txt --schema person.json > person.json
  tramite ask -t seo-title -p place=Florence -m openai/gpt-4o-mini
  tramite ask -t sentiment "The room was spotless"        the only variable's value
  tramite ask "Hello" --dry-run          what would be sent; nothing is
"""


@dataclass(frozen=True, kw_only=True)
class Ask(form.Writing):
    """What `ask` takes."""

    prompt: Annotated[
        str | None,
        typer.Argument(metavar="PROMPT", help="The question. Text piped in is put behind it; - reads it from stdin."),
    ] = None
    system: Annotated[str | None, typer.Option("-s", "--system", metavar="TEXT", help="Who the model is to be.")] = None
    attach: Annotated[
        list[str],
        typer.Option(
            "-a",
            "--attach",
            metavar="FILE|URL",
            help="A picture, a sound, or a text, which goes along in a fenced block; - is stdin. Repeatable.",
        ),
    ] = field(default_factory=list)
    schema: Annotated[
        str | None,
        typer.Option(metavar="JSON|FILE", help="A JSON schema: the answer is a JSON object that validates against it."),
    ] = None


@form.command(app, Ask, EXAMPLES)
def ask(given: Ask) -> None:
    """Ask a model one question. The answer streams to stdout, as it is written.

    Ctrl-C stops it and keeps what has come. An answer that broke off ends with an error, never as if it were whole.
    """
    from tramite.calls import ChatCall

    from . import asking, settings, templates

    terminal = Terminal(given.quiet)
    options: dict[str, Any] = settings.read(ChatCall, given.option, given.extra)
    schema = settings.schema(given.schema) if given.schema is not None else None
    filled = templates.named(given, given.prompt, terminal)
    template = filled.template if filled else None
    options = {**(template.settings if template else {}), **options}
    messages = _messages(given, filled, terminal)

    def whole(client: Client, model: str) -> Reply:
        return client.chat(messages, model=model, schema=schema, **options)

    def streamed(client: Client, model: str) -> Stream:
        return client.stream(messages, model=model, **options)

    asking.carry_out(given, terminal, whole, None if schema or options.get("n", 1) > 1 else streamed, template)


def _messages(given: Ask, filled: Filled | None, terminal: Terminal) -> list[Message]:
    """What is asked, behind the turns of the template where one is named; -s instead of the template's system text."""
    from tramite.messages import as_messages, system

    from . import reading

    before: list[Message] = []
    words = given.prompt
    if filled is not None:
        *before, last = filled.messages()
        words = last.text
    if given.system:
        before = [system(given.system), *(message for message in before if message.role != "system")]
    return [*before, *as_messages(reading.prompt(words, given.attach, terminal))]
