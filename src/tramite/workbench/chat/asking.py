"""One turn of a chat: what is kept of it, what is sent, and the answer that begins to be written. Knows no page."""

from __future__ import annotations

from collections.abc import Sequence

from tramite.calls import Tool
from tramite.messages import Message, ToolCall, assistant, system, tool_result
from tramite.store.conversations import Conversation, Conversations, Node, new_id
from tramite.workbench.access import Access
from tramite.workbench.background import Generation
from tramite.workbench.house import NAME, House

from . import files
from . import settings as chosen
from . import tools as toolbox
from .settings import Settings
from .tree import Tree

TITLE_LENGTH = 60


class Asker:
    """Asks in one conversation, with these settings."""

    def __init__(
        self, house: House, conversation: Conversation, store: Conversations, settings: Settings, access: Access
    ) -> None:
        self._house = house
        self._conversation = conversation
        self._store = store
        self._settings = settings
        self._access = access

    def say(self, said: Sequence[Message], after: str | None, tools: Sequence[Tool] = ()) -> Generation:
        """Put messages (one of the user's, or the results of tools) behind the message `after`, and ask.

        Raises TramiteError, and then nothing has changed.
        """
        nodes: list[Node] = []
        for one in said:
            parent = nodes[-1].id if nodes else after
            nodes.append(Node(id=new_id(), conversation_id=self._conversation.id, parent_id=parent, message=one))
        return self._ask(nodes, nodes[-1].id, [*self._before(after), *nodes], tools)

    def again(self, after: str, tools: Sequence[Tool] = ()) -> Generation:
        """Ask for another answer to the message `after`. Raises as `say` does."""
        return self._ask([], after, self._before(after), tools)

    def _before(self, leaf: str | None) -> list[Node]:
        tree = Tree(self._store.links(self._conversation.id))
        return self._store.nodes([link.id for link in tree.branch(leaf)])

    def _ask(self, added: list[Node], parent: str, branch: list[Node], tools: Sequence[Tool]) -> Generation:
        client = self._house.clients.of(self._access)
        messages, options = to_send(branch, self._settings.system), self._settings.options()
        kept = chosen.written(self._settings)
        asked = {"model": self._settings.target or _default(self._house), "settings": kept}
        answer = Node(
            id=new_id(),
            conversation_id=self._conversation.id,
            parent_id=parent,
            message=assistant(""),
            status="running",
            facts={"asked": asked},
        )
        stream = client.stream(
            messages, tools=tools, key=NAME, **options
        )  # nothing is sent yet; what cannot be is told here
        self._store.add(*added, answer, leaf=answer.id)
        if not self._conversation.title and added:
            self._store.rename(self._conversation.id, title_of(files.typed(added[0].message)))
        self._store.keep_settings(self._conversation.id, kept)
        return self._house.generations.start(answer, lambda: stream, self._store)


def to_send(branch: Sequence[Node], prompt: str) -> list[Message]:
    """The messages of a branch as they are sent: the system text first, and no turn that got no answer.

    What a stopped or broken answer has brought is sent as it is: the user has seen it.
    """
    kept: list[Message] = []
    waiting: list[ToolCall] = []
    for node in branch:
        message = node.message if node.status == "complete" else without_calls(node.message)
        if message.role == "tool":
            waiting = [call for call in waiting if call.id != message.tool_call_id]
        elif waiting:  # the user went on without allowing them
            kept += [tool_result(call, toolbox.REFUSED) for call in waiting]
            waiting = []
        if message.role == "assistant" and not message.content:
            while kept and kept[-1].role == "user":
                kept.pop()
            continue
        kept.append(message)
        waiting = waiting or list(message.tool_calls)
    return [*([system(prompt)] if prompt.strip() else []), *kept]


def without_calls(message: Message) -> Message:
    """The message without calls of tools: half a call is none."""
    parts = tuple([part for part in message.parts if not isinstance(part, ToolCall)])
    return message if len(parts) == len(message.parts) else Message(message.role, parts)


def title_of(text: str, most: int = TITLE_LENGTH) -> str:
    """A text's first words, in one line."""
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 1].rstrip() + "…"


def _default(house: House) -> str:
    choice = house.config.default
    return choice.model if choice is not None else ""
