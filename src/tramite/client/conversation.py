"""Conversations that remember: what was said, kept whole turn by whole turn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Unpack, cast

from tramite.calls import Tool
from tramite.messages import Message, Prompt, ToolCall, as_messages, system
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

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {len(self.turns)} messages{', and a system message' if self.system else ''}>"

    def keep(self, asked: Sequence[Message], added: Sequence[Message]) -> None:
        """The turn has ended well."""
        self.turns += [*asked, *added]

    def keep_reply(self, asked: Sequence[Message], reply: Reply) -> None:
        """A stream has ended, or was stopped: an answer of nothing is no turn, nor is half a tool call an answer."""
        message = reply.message
        if reply.finish == "stopped":
            parts = tuple([part for part in message.parts if not isinstance(part, ToolCall)])
            message = message if len(parts) == len(message.parts) else Message("assistant", parts)
        if message.content:
            self.keep(asked, [message])

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

    async def say(
        self, content: Prompt, *, schema: Any = None, max_tool_rounds: int = 8, **options: Unpack[ChatOptions]
    ) -> Reply:
        """The next turn's answer. `schema` and `options` are those of `chat`, for this turn alone."""
        asked, chosen = as_messages(content), cast(ChatOptions, {**self._options, **options})
        turn = await self._client.turn([*self.messages, *asked], schema, self._tools, max_tool_rounds, chosen)
        self.keep(asked, turn.added)
        return turn.reply

    def stream(self, content: Prompt, **options: Unpack[ChatOptions]) -> AsyncStream:
        """The next turn's answer as it is written; what was read is kept, also after a stop."""
        asked, chosen = as_messages(content), cast(ChatOptions, {**self._options, **options})
        stream = self._client.stream([*self.messages, *asked], tools=self._tools, **chosen)
        stream.on_end(lambda reply: self.keep_reply(asked, reply))
        return stream


class Conversation(History):
    """A conversation over a Client: one turn at a time."""

    def __init__(self, client: Client, prompt: str | None, tools: Sequence[Tool], options: ChatOptions) -> None:
        super().__init__(prompt)
        self._client = client
        self._tools = tools
        self._options = options

    def say(
        self, content: Prompt, *, schema: Any = None, max_tool_rounds: int = 8, **options: Unpack[ChatOptions]
    ) -> Reply:
        """The next turn's answer. `schema` and `options` are those of `chat`, for this turn alone."""
        asked, chosen = as_messages(content), cast(ChatOptions, {**self._options, **options})
        turn = self._client.turn([*self.messages, *asked], schema, self._tools, max_tool_rounds, chosen)
        self.keep(asked, turn.added)
        return turn.reply

    def stream(self, content: Prompt, **options: Unpack[ChatOptions]) -> Stream:
        """The next turn's answer as it is written; what was read is kept, also after a stop."""
        asked, chosen = as_messages(content), cast(ChatOptions, {**self._options, **options})
        stream = self._client.stream([*self.messages, *asked], tools=self._tools, **chosen)
        stream.on_end(lambda reply: self.keep_reply(asked, reply))
        return stream
