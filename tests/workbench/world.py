"""A world for the workbench without a browser: a simulated provider on a port, clients of it, and conversations."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic, sleep

from tests.cli.world import provider
from tramite import AsyncClient
from tramite.client.stream import AsyncStream
from tramite.config import load
from tramite.messages import assistant, user
from tramite.simulator import Simulator
from tramite.store.conversations import Conversations, Node, Status, new_id
from tramite.workbench.background import Generation, Generations

PATIENCE_S = 20


class Writing:
    """Answers that are being written in the background."""

    def __init__(self, simulator: Simulator, client: AsyncClient, store: Conversations) -> None:
        self.simulator = simulator
        self.generations = Generations()
        self.store = store
        self._client = client

    def ask(self, model: str, store: Conversations | None = None) -> Generation:
        """An answer of this simulated model."""
        return self.begin(lambda: self._client.stream("hello", model=f"sim/{model}"), store)

    def begin(self, open: Callable[[], AsyncStream], store: Conversations | None = None) -> Generation:
        """An answer, in a conversation of its own."""
        node = asked(self.store)
        return self.generations.start(node, open, store or self.store)

    def kept(self, generation: Generation) -> Node:
        """The answer as the store has it."""
        return self.store.nodes([generation.node.id])[0]


@contextmanager
def writing(more: str = "", **options: object) -> Iterator[Writing]:
    """A provider, and answers of its; all ends with the block."""
    with provider(more=more, **options) as simulator:
        made = Writing(simulator, AsyncClient(load()), Conversations.in_memory())
        try:
            yield made
        finally:
            made.generations.end()
            made.generations.run(made._client.aclose()).result(PATIENCE_S)
            made.generations.close()
            made.store.close()


def asked(store: Conversations, status: Status = "running") -> Node:
    """An answer that nothing has come of yet, to a question, in a new conversation."""
    conversation = store.create()
    question = Node(id=new_id(), conversation_id=conversation.id, message=user("hello"))
    answer = Node(
        id=new_id(),
        conversation_id=conversation.id,
        parent_id=question.id,
        message=assistant(""),
        status=status,
        facts={"asked": {"model": "sim"}},
    )
    store.add(question, answer, leaf=answer.id)
    return answer


def over(generation: Generation) -> Generation:
    """The same, once nothing more comes."""
    until(lambda: not generation.running)
    return generation


def until(true: Callable[[], bool]) -> None:
    """Wait for what another thread is about to do."""
    ends = monotonic() + PATIENCE_S
    while not true():
        assert monotonic() < ends, "it did not happen"
        sleep(0.002)
