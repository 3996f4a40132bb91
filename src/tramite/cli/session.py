"""One chat: its turns, and what the user may do between them. Knows nothing of how lines are typed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from tramite.errors import TramiteError
from tramite.replies import Reply

from . import facts, failures, showing, slash
from .terminal import Terminal

if TYPE_CHECKING:
    from tramite.client.conversation import Conversation
    from tramite.client.synchronous import Client

    from .lines import Lines


class Session:
    """A conversation, the model it is with, and what it has used."""

    def __init__(
        self, client: Client, conversation: Conversation, model: str, terminal: Terminal, usage: bool = False
    ) -> None:
        self.client = client
        self.conversation = conversation
        self.model = model
        self.terminal = terminal
        self.replies: list[Reply] = []
        self.failed: str | None = None
        """The text of the last turn, when that failed."""
        self.saved: set[str] = set()
        self._usage = usage

    def say(self, text: str) -> None:
        """One turn. Ctrl-C stops the answer, and what has come is kept. Raises TramiteError; nothing is kept then."""
        self.failed = text
        stream = self.conversation.stream(text, model=self.model)
        try:
            reply = showing.text(stream, self.terminal, self.model)
        except KeyboardInterrupt:
            reply = stream.reply
            kept = "what has come is kept" if reply.text else "nothing had come yet: /retry asks again"
            self.terminal.warn(f"stopped; {kept}")
        if reply.message.content:
            self.failed = None
        self.terminal.end_line(always=True)
        self.replies.append(reply)
        showing.ending(reply, self.terminal)
        if self._usage:
            self.terminal.warn(facts.usage_line(reply.usage, reply.cost_nanousd, reply))


def converse(session: Session, lines: Lines) -> None:
    """Take turns until there are no more lines. A failure ends it only where nobody is there to ask again."""
    for text in _texts(lines):
        try:
            if slash.is_command(text):
                if not slash.obey(text, session):
                    return
            else:
                session.say(slash.unescaped(text))
        except TramiteError as error:
            if not lines.patient:
                raise
            session.terminal.end_line()
            session.terminal.error(failures.message_of(error))
            if session.failed is not None and not slash.is_command(text):
                session.terminal.note("the conversation is as it was; /retry sends your text again, ↑ brings it back")
        if lines.patient and session.terminal.live:
            session.terminal.data("\n")


def _texts(lines: Lines) -> Iterator[str]:
    while (text := lines.read()) is not None:
        if text.strip():
            yield text
