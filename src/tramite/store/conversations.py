"""Conversations as they are kept: trees of messages, written while answers come. Knows no model and no page.

Every answer that is being written has a lease, which its writer renews; when that is over, its writer is dead and the
answer is `interrupted`. So a page, of this process or another, is never shown an answer that nobody writes as running.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from threading import Lock
from typing import Any, Literal, TypeAlias

import msgspec
from msgspec import Struct

from tramite.errors import StoreFailed
from tramite.messages import Message

from . import word_search
from .database import Database, Row
from .opening import connect_migrated
from .rows import storable
from .schema import migrate
from .sqlite import MEMORY, SQLite

Kind: TypeAlias = Literal["chat", "prompt", "compare"]
Status: TypeAlias = Literal["complete", "running", "stopped", "failed", "interrupted"]

LEASE_S = 10.0
"""How long an answer counts as being written after its writer was last heard of."""
_NS = 1_000_000_000
_AT_ONCE = 10_000
"""Messages that one statement asks for: SQLite takes 32,766 values, Postgres 65,535."""


class Conversation(Struct, kw_only=True):
    """What holds messages together. Moments are nanoseconds since 1970."""

    id: str
    kind: Kind = "chat"
    title: str = ""
    settings: dict[str, Any] = {}
    """Whatever its page wants to find again: model, sampling, system prompt. Never a secret."""
    leaf: str | None = None
    """The last message of the branch that is shown."""
    created_ns: int = 0
    changed_ns: int = 0


class Link(Struct, frozen=True):
    """A message's place in its tree."""

    id: str
    parent_id: str | None
    role: str
    status: Status


class Node(Struct, kw_only=True):
    """A message, or one of several answers to the same message."""

    id: str
    conversation_id: str
    parent_id: str | None = None
    message: Message
    status: Status = "complete"
    facts: dict[str, Any] = {}
    """What is known of an answer: target, usage, cost, times, attempts, error; JSON."""
    created_ns: int = 0


def new_id() -> str:
    """An id that nobody can guess."""
    return uuid.uuid4().hex


_CONVERSATION = "id, kind, title, settings, leaf, created_ns, changed_ns"
_NODE = "id, conversation_id, parent_id, message, status, facts, created_ns"
_INSERT = (
    "INSERT INTO messages (id, conversation_id, parent_id, role, message, words, status, facts, created_ns, lease_ns) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_UPDATE = "UPDATE messages SET message = ?, words = ?, status = ?, facts = ?, lease_ns = ? WHERE id = ?"
_GROW = "UPDATE messages SET message = ?, facts = ?, lease_ns = ? WHERE id = ? AND status = 'running'"


class Conversations:
    """All conversations of a store. Any thread may use it; one at a time gets through. Raises StoreFailed."""

    def __init__(self, database: Database, now_ns: Callable[[], int] = time.time_ns) -> None:
        self._database = database
        self._now_ns = now_ns
        self._lock = Lock()

    def __repr__(self) -> str:
        return f"Conversations({self._database.name!r})"

    @staticmethod
    def at(url: str) -> Conversations:
        """Those of the store at this address. Raises ConfigError, MissingExtra."""
        return Conversations(connect_migrated(url))

    @staticmethod
    def in_memory() -> Conversations:
        """Some that nothing remembers once this process has ended."""
        database = SQLite(MEMORY)
        migrate(database)
        return Conversations(database)

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            self._database.close()

    def create(self, kind: Kind = "chat", title: str = "", settings: dict[str, Any] | None = None) -> Conversation:
        """A new one, empty."""
        now_ns = self._now_ns()
        made = Conversation(
            id=new_id(), kind=kind, title=title, settings=settings or {}, created_ns=now_ns, changed_ns=now_ns
        )
        with self._transaction():
            self._put(made)
        return made

    def find(self, id: str) -> Conversation | None:
        """The conversation of this id."""
        rows = self._read(f"SELECT {_CONVERSATION} FROM conversations WHERE id = ?", (id,))
        return _conversation(rows[0]) if rows else None

    def latest(self, kind: Kind, words: str = "", most: int = 50) -> list[Conversation]:
        """The latest of a kind, the one that was changed last first; with `words`, those whose title or messages
        hold them all."""
        where, values = "", list[str]()
        if words.strip():
            where, values = word_search.condition(words, self._database.engine)
        rows = self._read(
            f"SELECT {_CONVERSATION} FROM conversations WHERE kind = ?{where} "
            "ORDER BY changed_ns DESC, seq DESC LIMIT ?",
            (kind, *values, most),
        )
        return [_conversation(row) for row in rows]

    def count(self) -> tuple[int, int]:
        """How many conversations there are, and how many messages."""
        rows = self._read("SELECT (SELECT count(*) FROM conversations), (SELECT count(*) FROM messages)")
        return int(rows[0][0]), int(rows[0][1])

    def rename(self, id: str, title: str) -> None:
        """Give it another title."""
        self._write("UPDATE conversations SET title = ? WHERE id = ?", (storable(title), id))

    def keep_settings(self, id: str, settings: dict[str, Any]) -> None:
        """What its page is to find again."""
        self._write("UPDATE conversations SET settings = ? WHERE id = ?", (_json(settings), id))

    def show(self, id: str, leaf: str | None) -> None:
        """Which branch is shown from now on."""
        self._write("UPDATE conversations SET leaf = ? WHERE id = ?", (leaf, id))

    def delete(self, id: str) -> None:
        """Forget it and all its messages."""
        self._write("DELETE FROM conversations WHERE id = ?", (id,))

    def delete_all(self) -> None:
        """Forget everything."""
        self._write("DELETE FROM conversations")

    def links(self, id: str) -> list[Link]:
        """The tree of a conversation, in the order in which its messages came. Those that nobody writes any more are
        `interrupted` from now on."""
        select = "SELECT id, parent_id, role, status, lease_ns FROM messages WHERE conversation_id = ? ORDER BY seq"
        rows = self._read(select, (id,))
        if any(row[3] == "running" and row[4] <= self._now_ns() for row in rows):
            self.end_abandoned()
            rows = self._read(select, (id,))
        return [Link(*row[:4]) for row in rows]

    def nodes(self, ids: Sequence[str]) -> list[Node]:
        """These messages, in this order; those that are gone are left out."""
        found: dict[str, Node] = {}
        for at in range(0, len(ids), _AT_ONCE):
            some = ids[at : at + _AT_ONCE]
            marks = ", ".join("?" * len(some))
            rows = self._read(f"SELECT {_NODE} FROM messages WHERE id IN ({marks})", some)
            found |= {row[0]: _node(row) for row in rows}
        return [found[id] for id in ids if id in found]

    def add(self, *nodes: Node, leaf: str | None = None) -> None:
        """Put messages in, parents first, and show the branch that ends with `leaf`, all or nothing."""
        now_ns = self._now_ns()
        with self._transaction():
            for node in nodes:
                node.created_ns = node.created_ns or now_ns
                self._put_node(node)
            if nodes:
                self._database.execute(
                    "UPDATE conversations SET changed_ns = ?, leaf = coalesce(?, leaf) WHERE id = ?",
                    (now_ns, leaf, nodes[0].conversation_id),
                )

    def grow(self, node: Node) -> None:
        """More of an answer has come, or nothing has and it is still being waited for: its lease is renewed.

        One that is over stays as it is, whoever comes late.
        """
        lease_ns = self._now_ns() + int(LEASE_S * _NS)
        self._write(_GROW, (_message(node), _json(node.facts), lease_ns, node.id))

    def end(self, node: Node) -> None:
        """An answer is over, as its status says."""
        words = storable(node.message.text)
        self._write(_UPDATE, (_message(node), words, node.status, _json(node.facts), None, node.id))

    def end_abandoned(self) -> int:
        """Mark the answers whose writer is gone as interrupted; how many there were."""
        found = self._read(
            f"SELECT {_NODE} FROM messages WHERE status = 'running' AND lease_ns <= ?", (self._now_ns(),)
        )
        for node in map(_node, found):
            node.status = "interrupted"
            self.end(node)
        return len(found)

    def note(self, id: str, facts: dict[str, Any]) -> None:
        """Other facts for a message that is over."""
        self._write("UPDATE messages SET facts = ? WHERE id = ?", (_json(facts), id))

    def nodes_of(self, kind: Kind, role: str) -> list[Node]:
        """Every message of this role in all conversations of a kind, in order."""
        columns = ", ".join(f"messages.{name}" for name in _NODE.split(", "))
        rows = self._read(
            f"SELECT {columns} FROM messages JOIN conversations ON conversations.id = conversation_id "
            "WHERE kind = ? AND role = ? ORDER BY messages.seq",
            (kind, role),
        )
        return [_node(row) for row in rows]

    def keep_wire(self, id: str, wire: Sequence[Any]) -> None:
        """What went over the wire for an answer, to be looked at; nothing where the answer is gone already."""
        self._write(
            "INSERT INTO message_wire (message_id, wire) SELECT id, ? FROM messages WHERE id = ? "
            "ON CONFLICT (message_id) DO UPDATE SET wire = excluded.wire",
            (_json(wire), id),
        )

    def wire(self, id: str) -> Sequence[Any]:
        """What went over the wire for an answer."""
        rows = self._read("SELECT wire FROM message_wire WHERE message_id = ?", (id,))
        return list(msgspec.json.decode(rows[0][0])) if rows else []

    def preference(self, name: str) -> str | None:
        """What was chosen, if anything was."""
        rows = self._read("SELECT value FROM preferences WHERE name = ?", (name,))
        return str(rows[0][0]) if rows else None

    def prefer(self, name: str, value: str) -> None:
        """Remember a choice."""
        self._write(
            "INSERT INTO preferences (name, value) VALUES (?, ?) "
            "ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            (name, value),
        )

    def bring(self, conversation: Conversation, nodes: Sequence[Node]) -> None:
        """Put a whole conversation in, all or nothing."""
        with self._transaction():
            self._put(conversation)
            for node in nodes:
                self._put_node(node)

    def _put(self, one: Conversation) -> None:
        row = (one.id, one.kind, storable(one.title), _json(one.settings), one.leaf, one.created_ns, one.changed_ns)
        self._database.execute(f"INSERT INTO conversations ({_CONVERSATION}) VALUES (?, ?, ?, ?, ?, ?, ?)", row)

    def _put_node(self, node: Node) -> None:
        running = node.status == "running"
        lease_ns = self._now_ns() + int(LEASE_S * _NS) if running else None
        words = "" if running else storable(node.message.text)
        row = (node.id, node.conversation_id, node.parent_id, node.message.role, _message(node), words, node.status)
        self._database.execute(_INSERT, (*row, _json(node.facts), node.created_ns, lease_ns))

    def _read(self, sql: str, values: Sequence[Any] = ()) -> list[Row]:
        row = [storable(value) if isinstance(value, str) else value for value in values]
        with self._lock, self._errors():
            return self._database.execute(sql, row)

    def _write(self, sql: str, values: Sequence[Any] = ()) -> None:
        with self._transaction():
            self._database.execute(sql, values)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._lock, self._errors():
            self._database.begin()
            try:
                yield
                self._database.commit()
            except BaseException:
                self._database.rollback()
                raise

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except self._database.errors as error:
            raise StoreFailed(f"the conversations at {self._database.name} cannot be reached: {error}") from error


def _json(value: Any) -> str:
    try:
        text = msgspec.json.encode(value).decode()
    except UnicodeEncodeError:  # half of a surrogate pair, which `storable` replaces
        text = json.dumps(msgspec.to_builtins(value), ensure_ascii=False)
    return storable(text)


def _message(node: Node) -> str:
    return _json(node.message)


def _conversation(row: Row) -> Conversation:
    id, kind, title, settings, leaf, created_ns, changed_ns = row
    return Conversation(
        id=id,
        kind=kind,
        title=title,
        settings=msgspec.json.decode(settings),
        leaf=leaf,
        created_ns=created_ns,
        changed_ns=changed_ns,
    )


def _node(row: Row) -> Node:
    id, conversation_id, parent_id, message, status, facts, created_ns = row
    return Node(
        id=id,
        conversation_id=conversation_id,
        parent_id=parent_id,
        message=msgspec.json.decode(message, type=Message),
        status=status,
        facts=msgspec.json.decode(facts),
        created_ns=created_ns,
    )
