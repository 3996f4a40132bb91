"""Questions that are asked once, of one target or of several at the same time, and kept with their answers.

For pages on which nothing is said in turns: each question is a root of its conversation's tree, its answers are its
children. Knows no page.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from tramite.messages import assistant, user
from tramite.store.conversations import Conversation, Conversations, Kind, Link, Node, new_id

from .background import Generation, Open
from .chat.asking import title_of
from .house import House


class Asked(Struct, frozen=True):
    """One target's part of a question: what opens its answer, and what is kept of how it was asked."""

    open: Open
    facts: dict[str, Any]


class Asking(Struct, frozen=True):
    """A question: its text and facts, whom it goes to, and what its page is to find again with its conversation."""

    text: str
    asked: Sequence[Asked]
    facts: dict[str, Any] = {}
    settings: dict[str, Any] = {}


class Round(Struct, frozen=True):
    """A question and its answers, in the order in which they were asked for."""

    question: Node
    answers: tuple[Node, ...]

    @property
    def over(self) -> bool:
        """Whether nothing more will come."""
        return all(node.status != "running" for node in self.answers)


def find(house: House, id: str | None, kind: Kind) -> Conversation | None:
    """The conversation of this id, if it is one of this kind."""
    found = house.stored.find(id) if id else None
    return found if found is not None and found.kind == kind else None


def of(store: Conversations, conversation: Conversation, most: int) -> tuple[list[Round], int]:
    """The last questions that were asked, the last one first; and how many earlier ones there are."""
    links = store.links(conversation.id)
    questions = [link for link in links if link.parent_id is None]
    shown = questions[::-1][:most]
    children: dict[str, list[Link]] = {link.id: [] for link in shown}
    for link in links:
        if link.parent_id in children:
            children[link.parent_id].append(link)
    ids = [id for question in shown for id in (question.id, *(link.id for link in children[question.id]))]
    nodes = {node.id: node for node in store.nodes(ids)}
    rounds = [
        Round(nodes[link.id], tuple(nodes[child.id] for child in children[link.id] if child.id in nodes))
        for link in shown
        if link.id in nodes
    ]
    return rounds, len(questions) - len(shown)


def begin(
    house: House, conversation: Conversation | None, kind: Kind, asking: Asking
) -> tuple[Conversation, list[Generation]]:
    """Keep the question (in a conversation of its own where there is none) and have all its answers written at once.
    Raises StoreFailed, and then nothing is asked."""
    store = house.stored
    known = conversation or store.create(kind, title_of(asking.text))
    question = Node(id=new_id(), conversation_id=known.id, message=user(asking.text), facts=asking.facts)
    answers = [
        Node(
            id=new_id(),
            conversation_id=known.id,
            parent_id=question.id,
            message=assistant(""),
            status="running",
            facts={"asked": one.facts},
        )
        for one in asking.asked
    ]
    store.add(question, *answers)
    store.keep_settings(known.id, asking.settings)
    generations = [
        house.generations.start(node, one.open, store) for node, one in zip(answers, asking.asked, strict=True)
    ]
    return known, generations


def delete(house: House, id: str) -> None:
    """Forget a conversation; what is still being written for it ends."""
    for link in house.stored.links(id):
        house.generations.stop(link.id)
    house.stored.delete(id)
