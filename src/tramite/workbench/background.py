"""Answers that are written while nobody looks: one event loop on one thread, and a task for each answer.

The manager is the caller of every request. A page only watches: closed, refreshed or clicked on, it ends nothing; a
stop ends the request. Knows no page and no Streamlit.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import Any

from tramite.assembly import Assembler
from tramite.client.stream import AsyncStream
from tramite.errors import StoreFailed, TramiteError
from tramite.events import Event, Finished, Loading, OpaqueDelta, Restarted, Retrying, Started, UsageReported
from tramite.messages import Message
from tramite.replies import Reply
from tramite.store.conversations import Conversations, Node, Status
from tramite.wire import tap

from . import facts

logger = logging.getLogger("tramite.workbench")

WRITE_EVERY_S = 0.25
"""How often what has come is written down."""
RENEW_EVERY_S = 3.0
"""How often an answer that does not grow is vouched for."""
PARTING_S = 3.0
MOMENT_S = 0.2

Open = Callable[[], AsyncStream]
_SILENT = (Finished, OpaqueDelta, UsageReported)


class Generation:
    """An answer that is being written. One task writes; any thread may look, and wait for more."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.began = time.monotonic()
        self.first_token_s: float | None = None
        self.event: Event | None = None
        """What happens while nothing comes: a retry, a cold start, another target."""
        self.error: TramiteError | None = None
        self.version = 0
        self.task: asyncio.Task[None] | None = None
        self.unwanted = False
        """It was stopped, maybe before it had begun."""
        self.ending = False
        """Nothing more comes; it is being put away, which nothing interrupts."""
        self.tap = tap.Tap()
        self._assembler = Assembler()
        self._changed = threading.Condition()

    def __repr__(self) -> str:
        return f"<Generation {self.node.id}: {self.status}>"

    @property
    def status(self) -> Status:
        return self.node.status

    @property
    def running(self) -> bool:
        """Whether more may come."""
        return self.node.status == "running"

    @property
    def elapsed_s(self) -> float:
        return time.monotonic() - self.began

    @property
    def message(self) -> Message:
        """The answer so far."""
        with self._changed:
            return self._assembler.reply().message if self.running else self.node.message

    def wait(self, version: int, timeout_s: float) -> int:
        """Until there is more than at this version, or the time is over; the version that there is."""
        with self._changed:
            self._changed.wait_for(lambda: self.version != version or not self.running, timeout_s)
            return self.version

    def take(self, event: Event) -> None:
        """More has come."""
        with self._changed:
            self._assembler.add(event)
            if isinstance(event, Started | Retrying | Loading | Restarted):
                self.event = event
            elif not isinstance(event, _SILENT):
                self.event = None
                if self.first_token_s is None:
                    self.first_token_s = self.elapsed_s
            self.version += 1
            self._changed.notify_all()

    def end(self, status: Status, message: Message, known: dict[str, Any]) -> None:
        """Nothing more will come."""
        with self._changed:
            self.node.message = message
            self.node.facts = {**self.node.facts, **known}
            self.node.status = status
            self.version += 1
            self._changed.notify_all()


class Generations:
    """All answers of this process that are being written, and those that have ended a short while ago."""

    def __init__(self) -> None:
        self._by_id: dict[str, Generation] = {}
        self._lock = threading.Lock()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="tramite: workbench", daemon=True)
        self._thread.start()

    def __repr__(self) -> str:
        return f"<Generations: {self.running} running>"

    @property
    def running(self) -> int:
        """How many are being written."""
        with self._lock:
            return sum(one.running for one in self._by_id.values())

    def find(self, id: str) -> Generation | None:
        """The answer of this id, while it is being written."""
        with self._lock:
            return self._by_id.get(id)

    def start(self, node: Node, open: Open, store: Conversations) -> Generation:
        """Write the answer that `open` asks for into this node, which the store has. `open` is called on the loop."""
        generation = Generation(node)
        with self._lock:
            self._by_id[node.id] = generation
        self.run(self._write(generation, open, store))
        return generation

    def stop(self, id: str) -> None:
        """End an answer, if it is being written; what has come is kept. It does not wait."""
        generation = self.find(id)
        if generation is not None:
            self._loop.call_soon_threadsafe(_cancel, generation)

    def run(self, coroutine: Any) -> Future[Any]:
        """Something else on the same loop: a provider's models, vectors."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop)

    def end(self) -> None:
        """End all of them, as interrupted, and wait until they are put away."""
        with suppress(TimeoutError):
            self.run(self._end_all()).result(PARTING_S)

    def close(self) -> None:
        """End all of them, and the loop."""
        if self._loop.is_closed():
            return
        self.end()
        with suppress(TimeoutError):
            self.run(_end_others()).result(PARTING_S)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PARTING_S)
        if not self._thread.is_alive():
            self._loop.close()

    async def _end_all(self) -> None:
        with self._lock:
            written = [one for one in self._by_id.values() if one.task is not None]
        for one in written:
            _cancel(one, "the server is stopping")
        await asyncio.gather(*(one.task for one in written if one.task is not None), return_exceptions=True)

    async def _write(self, generation: Generation, open: Open, store: Conversations) -> None:
        generation.task = asyncio.current_task()
        writer = asyncio.create_task(_keep_writing(generation, store))
        stream: AsyncStream | None = None
        status: Status = "complete"
        try:
            if generation.unwanted:
                raise asyncio.CancelledError
            tap.LISTENER.set(generation.tap)
            stream = open()
            async with stream:
                async for event in stream:
                    generation.take(event)
        except TramiteError as error:
            generation.error, status = error, "failed"
        except asyncio.CancelledError as cancelled:
            status = "interrupted" if cancelled.args else "stopped"
        except Exception as error:
            logger.exception("an answer could not be written")
            generation.error, status = TramiteError(f"{type(error).__name__}: {error}"), "failed"
        finally:
            generation.ending = True
            writer.cancel()
            await asyncio.shield(self._end(generation, _reply(stream, generation), status, store))

    async def _end(self, generation: Generation, reply: Reply | None, status: Status, store: Conversations) -> None:
        """The store has it before anybody is told that it is over."""
        node = generation.node
        message = generation.message if reply is None else reply.message
        known = facts.without_secrets(facts.of(reply, generation.error), generation.tap.heard)
        ended = Node(
            id=node.id,
            conversation_id=node.conversation_id,
            parent_id=node.parent_id,
            message=message,
            status=status,
            facts={**node.facts, **known},
        )
        try:
            await asyncio.to_thread(store.end, ended)
            await asyncio.to_thread(store.keep_wire, node.id, facts.wire(generation.tap.heard))
        except StoreFailed as error:
            known["error"] = facts.failure(error)
        generation.end(status, message, known)
        with self._lock:
            self._by_id.pop(node.id, None)


async def _end_others() -> None:
    """What else is on this loop: it has a moment to end by itself, as an answer that is just being written down."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    if others:
        _, left = await asyncio.wait(others, timeout=MOMENT_S)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)


def _cancel(generation: Generation, why: str | None = None) -> None:
    generation.unwanted = True
    if generation.task is not None and not generation.ending:
        generation.task.cancel(why)


def _reply(stream: AsyncStream | None, generation: Generation) -> Reply | None:
    """What there is of it."""
    if stream is None or not stream.over:
        return None
    if generation.error is not None:
        return getattr(generation.error, "reply", None)
    return stream.reply


async def _keep_writing(generation: Generation, store: Conversations) -> None:
    """Now and then, what has come; and that somebody is still at it."""
    written, at = 0, time.monotonic()
    while True:
        await asyncio.sleep(WRITE_EVERY_S)
        due = time.monotonic() - at > RENEW_EVERY_S
        if generation.version == written and not due:
            continue
        written, at = generation.version, time.monotonic()
        node = generation.node
        so_far = Node(id=node.id, conversation_id=node.conversation_id, message=generation.message, facts=node.facts)
        with suppress(StoreFailed):  # it is told at the end, if it is still so
            await asyncio.to_thread(store.grow, so_far)
