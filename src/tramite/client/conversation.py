"""Conversations that remember: what was said, kept whole turn by whole turn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from tramite.calls import Tool
from tramite.messages import Message, Prompt, as_messages, system
from tramite.replies import Reply

from .options import ChatOptions

if TYPE_CHECKING:
    from .asynchronous import AsyncClient
    from .stream import AsyncStream
    from .synchronous import Client, Stream


class History:
    """The messages of a conversation. `system` may be changed at any time and holds from the next turn on.

    A turn is kept when it has succeeded, or was stopped by its reader with something said; after a failure the
    conversation is as it was before.
    """

    def __init__(self, prompt: str | None) -> None:
        self.system = prompt
        self.turns: list[Message] = []

    @property
    def messages(self) -> list[Message]:
        """The system message, where there is one, and every message since."""
        return [*([system(self.system)] if self.system else []), *self.turns]

    def asked(self, content: Prompt) -> list[Message]:
        """What to send for the next turn."""
        return [*self.messages, *as_messages(content)]

    def keep(self, content: Prompt, added: Sequence[Message]) -> None:
        """The turn has ended well."""
        self.turns += [*as_messages(content), *added]

    def keep_reply(self, content: Prompt, reply: Reply) -> None:
        """A stream has ended, or was stopped: an answer of nothing is no turn."""
        if reply.message.content:
            self.keep(content, [reply.message])

    def reset(self) -> None:
        """Forget all turns; the system prompt stays."""
        self.turns.clear()


class AsyncConversation(History):
    """A conversation over an AsyncClient: one turn at a time."""

    def __init__(self, client: AsyncClient, prompt: str | None, tools: Sequence[Tool], options: ChatOptions) -> None:
        super().__init__(prompt)
        self._client = client
        self._tools = tools
        self._options = options

    async def say(self, content: Prompt, *, max_tool_rounds: int = 8, **options: object) -> Reply:
        """The next turn's answer. `options` are those of `chat`, for this turn alone."""
        chosen = cast(ChatOptions, {**self._options, **options})
        turn = await self._client.turn(self.asked(content), None, self._tools, max_tool_rounds, chosen)
        self.keep(content, turn.added)
        return turn.reply

    def stream(self, content: Prompt, **options: object) -> AsyncStream:
        """The next turn's answer as it is written; what was read is kept, also after a stop."""
        chosen = cast(ChatOptions, {**self._options, **options})
        stream = self._client.stream(self.asked(content), tools=self._tools, **chosen)
        stream.on_end(lambda reply: self.keep_reply(content, reply))
        return stream


class Conversation(History):
    """A conversation over a Client: one turn at a time."""

    def __init__(self, client: Client, prompt: str | None, tools: Sequence[Tool], options: ChatOptions) -> None:
        super().__init__(prompt)
        self._client = client
        self._tools = tools
        self._options = options

    def say(self, content: Prompt, *, max_tool_rounds: int = 8, **options: object) -> Reply:
        """The next turn's answer. `options` are those of `chat`, for this turn alone."""
        chosen = cast(ChatOptions, {**self._options, **options})
        turn = self._client.turn(self.asked(content), None, self._tools, max_tool_rounds, chosen)
        self.keep(content, turn.added)
        return turn.reply

    def stream(self, content: Prompt, **options: object) -> Stream:
        """The next turn's answer as it is written; what was read is kept, also after a stop."""
        chosen = cast(ChatOptions, {**self._options, **options})
        stream = self._client.stream(self.asked(content), tools=self._tools, **chosen)
        stream.on_end(lambda reply: self.keep_reply(content, reply))
        return stream
