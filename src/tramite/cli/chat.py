"""`tramite chat`: a conversation in the terminal, or with the lines of a pipe."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer

from . import form
from .terminal import Terminal

app = form.application()

EXAMPLES = '''
In a chat:
  /system TEXT   who the model is to be, from now on        /usage       tokens and cost so far
  /model NAME    go on with another model                   /retry       send again what failed
  /save FILE     keep the conversation, .json or .md        /reset       forget all turns
  """            begins and ends a text of several lines; a \\ at a line's end does too
  Ctrl-C         stops an answer and keeps what has come    Ctrl-D       leaves

Examples:
  tramite chat
  tramite chat -m lmstudio/ -s "Sei un copywriter"
  printf 'Name a city\\nAnd its river?\\n' | tramite chat -q -m openai/gpt-4o-mini
'''


@dataclass(frozen=True, kw_only=True)
class Chat(form.Sampling):
    """What `chat` takes."""

    system: Annotated[str | None, typer.Option("-s", "--system", metavar="TEXT", help="Who the model is to be.")] = None


@form.command(app, Chat, EXAMPLES)
def chat(given: Chat) -> None:
    """Talk with a model. It remembers what was said until you leave.

    Without any model configured it talks to demo, which says that no model is behind it. Each line of piped input is
    a turn.
    """
    import sys

    from tramite import config
    from tramite.calls import ChatCall
    from tramite.client.governance import for_programs
    from tramite.client.synchronous import Client
    from tramite.errors import InvalidCall

    from . import settings
    from .choosing import choose
    from .lines import Piped, Typed
    from .session import Session, converse

    terminal = Terminal(given.quiet)
    options = settings.read(ChatCall, given.option, given.extra)
    if options.get("n", 1) > 1:
        raise InvalidCall("a chat goes on with one answer: leave n out, or use tramite ask", "n")
    configured = config.load()
    typed = sys.stdin.isatty()
    model = choose(given.model, configured, terminal, demo=typed)
    if typed:
        terminal.note("/help says what there is; Ctrl-C stops an answer, Ctrl-D leaves.")
    with Client(for_programs(configured)) as client, Typed(terminal) if typed else Piped() as lines:
        converse(Session(client, client.conversation(given.system, **options), model, terminal, given.usage), lines)
