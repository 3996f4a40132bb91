"""The conversation that a page has open: found by its id in the address, made when something is first said."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import Struct

from tramite.calls import Tool
from tramite.errors import InvalidCall
from tramite.messages import Message
from tramite.store.conversations import Conversation, Conversations, Link, Node
from tramite.workbench.access import Access
from tramite.workbench.background import Generation
from tramite.workbench.house import House

from . import tools as toolbox
from .asking import Asker
from .settings import Settings
from .tree import Tree


class Chosen(Struct, frozen=True):
    """How to ask, and whom."""

    settings: Settings
    access: Access


SHOWN = 40
"""Messages that are drawn at once; earlier ones when somebody asks for them."""


class Desk:
    """One conversation, or none yet. `temporary` ones are in this process's memory alone."""

    def __init__(self, house: House, conversation: Conversation | None, temporary: bool = False) -> None:
        self.house = house
        self.conversation = conversation
        self.temporary = temporary
        self.store: Conversations = house.store(temporary)
        self.tree = Tree(self.store.links(conversation.id) if conversation else [])
        leaf = conversation.leaf if conversation else None
        self.branch: list[Link] = self.tree.branch(leaf) or self.tree.branch(self.tree.newest())

    def __repr__(self) -> str:
        return f"<Desk: {self.conversation.id if self.conversation else 'nothing yet'}, {len(self.branch)} messages>"

    @staticmethod
    def open(house: House, id: str | None, temporary: bool = False) -> Desk:
        """The conversation of this id, wherever it is; an empty desk where there is none."""
        if id:
            for kept, store in ((False, house.stored), (True, house.temporary)):
                conversation = store.find(id)
                if conversation is not None and conversation.kind == "chat":
                    return Desk(house, conversation, kept)
        return Desk(house, None, temporary)

    @property
    def leaf(self) -> str | None:
        """The last message of the branch that is shown."""
        return self.branch[-1].id if self.branch else None

    @property
    def running(self) -> Generation | None:
        """The answer that is being written at the end of this branch, in this process."""
        return self.house.generations.find(self.leaf) if self.leaf else None

    def nodes(self, most: int) -> list[Node]:
        """The last messages of the branch."""
        return self.store.nodes([link.id for link in self.branch[-most:]])

    def say(self, said: Sequence[Message], chosen: Chosen) -> Generation:
        """Put it behind the branch that is shown, and ask. Raises TramiteError, and then nothing has changed."""
        return self._asked(lambda asker, tools: asker.say(said, self.leaf, tools), chosen)

    def say_instead(self, id: str, message: Message, chosen: Chosen) -> Generation:
        """Say something else in the place of this message: another branch. Raises as `say` does."""
        parent = self.tree.by_id[id].parent_id
        return self._asked(lambda asker, tools: asker.say([message], parent, tools), chosen)

    def again(self, id: str, chosen: Chosen) -> Generation:
        """Another answer in the place of this one: another branch. Raises as `say` does."""
        parent = self.tree.by_id[id].parent_id
        if parent is None:
            raise InvalidCall("this answer answers nothing: there is nothing to ask again")
        return self._asked(lambda asker, tools: asker.again(parent, tools), chosen)

    def turn_to(self, id: str) -> None:
        """Show the newest branch that goes through this message."""
        assert self.conversation is not None
        self.store.show(self.conversation.id, self.tree.tip(id))

    def _asked(self, ask: Callable[[Asker, Sequence[Tool]], Generation], chosen: Chosen) -> Generation:
        offered = toolbox.offered(chosen.settings.tools, chosen.settings.own_tools)
        made = self.conversation is None
        if self.conversation is None:
            self.conversation = self.store.create("chat")
        try:
            return ask(Asker(self.house, self.conversation, self.store, chosen.settings, chosen.access), offered)
        except BaseException:
            if made:  # a conversation of nothing is none
                self.store.delete(self.conversation.id)
                self.conversation = None
            raise
