"""Conversations as files: JSON, which keeps every branch, and Markdown, which keeps the one that is shown. Both can be
read in again; what is not one of ours, or not whole, is refused whole. Knows no page.
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from typing import Any, Literal

import msgspec
from msgspec import Struct

from tramite.errors import InvalidCall
from tramite.messages import Message
from tramite.store.conversations import Conversation, Node, Status, new_id

MOST_BYTES = 50 * 1024 * 1024
MOST_MESSAGES = 100_000
_MARK = "<!-- tramite: "
_MARKED = re.compile(r"<!-- tramite: (\{.*\}) -->")
_HEADINGS = {"user": "You", "assistant": "Assistant", "tool": "Tool", "system": "System", "developer": "System"}
_ENDED = {"complete", "stopped", "failed", "interrupted"}


class _Kept(Struct, kw_only=True, forbid_unknown_fields=True):
    """A message in a file."""

    id: str
    parent_id: str | None = None
    message: Message
    status: Status = "complete"
    facts: dict[str, Any] = {}
    created_ns: int = 0


class _File(Struct, kw_only=True, forbid_unknown_fields=True):
    format: Literal["tramite.conversation"]
    version: Literal[1]
    title: str = ""
    settings: dict[str, Any] = {}
    leaf: str | None = None
    created_ns: int = 0
    messages: list[_Kept]


class _Marks(Struct, kw_only=True, forbid_unknown_fields=True):
    """What stands before a message in Markdown, or at the top of the file."""

    conversation: Literal[1] | None = None
    role: str = ""
    message: Message | None = None
    status: Status = "complete"


def to_json(conversation: Conversation, nodes: Sequence[Node]) -> bytes:
    """The whole tree."""
    kept = [
        _Kept(
            id=node.id,
            parent_id=node.parent_id,
            message=node.message,
            status=_ended(node.status),
            facts=node.facts,
            created_ns=node.created_ns,
        )
        for node in nodes
    ]
    file = _File(
        format="tramite.conversation",
        version=1,
        title=conversation.title,
        settings=conversation.settings,
        leaf=conversation.leaf,
        created_ns=conversation.created_ns,
        messages=kept,
    )
    return msgspec.json.format(msgspec.json.encode(file), indent=1)


def to_markdown(conversation: Conversation, branch: Sequence[Node]) -> str:
    """The messages of one branch, to be read; comments that a renderer hides say what is what."""
    system = conversation.settings.get("system") or ""
    blocks = [f"# {' '.join(conversation.title.split()) or 'Conversation'}", f'{_MARK}{{"conversation":1}} -->']
    if system:
        blocks += ["## System prompt", f'{_MARK}{{"role":"system"}} -->', _escaped(system)]
    for node in branch:
        message = node.message
        marks: dict[str, Any] = {"role": message.role}
        if not isinstance(message.content, str) or message.tool_call_id:
            marks["message"] = message
        if _ended(node.status) != "complete":
            marks["status"] = _ended(node.status)
        mark = msgspec.json.encode(marks).decode().replace("-->", "--\\u003e")
        blocks += [f"## {_HEADINGS[message.role]}", f"{_MARK}{mark} -->", _escaped(message.text)]
    return "\n\n".join(blocks) + "\n"


def read(name: str, data: bytes) -> tuple[Conversation, list[Node]]:
    """A conversation out of a file of ours, with new ids. Raises InvalidCall for anything else."""
    if len(data) > MOST_BYTES:
        raise InvalidCall(f"{name} is larger than {MOST_BYTES // 1024**2} MB", "file")
    try:
        if name.lower().endswith(".md"):
            conversation, nodes = _from_markdown(data.decode("utf-8"))
        else:
            conversation, nodes = _from_json(data)
    except (ValueError, RecursionError) as error:
        raise InvalidCall(
            f"{name} is no conversation of tramite's, and nothing of it was taken: {error}", "file"
        ) from None
    return conversation, nodes


def _from_json(data: bytes) -> tuple[Conversation, list[Node]]:
    file = msgspec.json.decode(data, type=_File)
    ids: dict[str, str] = {}
    nodes: list[Node] = []
    made = _conversation(file.title, file.settings, file.created_ns)
    if len(file.messages) > MOST_MESSAGES:
        raise ValueError(f"it has more than {MOST_MESSAGES:,} messages")
    for one in file.messages:
        if one.id in ids:
            raise ValueError(f"the message {one.id!r:.60} is in it twice")
        if one.parent_id is not None and one.parent_id not in ids:
            raise ValueError(f"the message {one.id!r:.60} stands before the one that it follows")
        ids[one.id] = new_id()
        nodes.append(
            Node(
                id=ids[one.id],
                conversation_id=made.id,
                parent_id=ids[one.parent_id] if one.parent_id is not None else None,
                message=one.message,
                status=_ended(one.status),
                facts=one.facts,
                created_ns=one.created_ns or made.created_ns,
            )
        )
    made.leaf = ids.get(file.leaf or "", nodes[-1].id if nodes else None)
    return made, nodes


def _from_markdown(text: str) -> tuple[Conversation, list[Node]]:
    lines = text.replace("\r\n", "\n").split("\n")
    places = [at for at, line in enumerate(lines) if line.startswith(_MARK)]
    marks = [_marks(lines[at]) for at in places]
    if not marks or marks[0].conversation != 1:
        raise ValueError("its first mark is missing")
    title = lines[0].removeprefix("# ").strip() if lines[0].startswith("# ") else ""
    made = _conversation(title, {}, 0)
    nodes: list[Node] = []
    for number, at in enumerate(places[1:], start=1):
        end = places[number + 1] if number + 1 < len(places) else len(lines)
        body = lines[at + 1 : end]
        if number + 1 < len(places):  # the heading of the next one
            while body and not body[-1].startswith("## "):
                body.pop()
            body = body[:-1]
        written = _unescaped("\n".join(body).strip("\n"))
        one = marks[number]
        if one.role == "system":
            made.settings = {"system": written}
            continue
        message = one.message or Message(one.role, written)  # type: ignore[arg-type]  # checked by Message
        parent = nodes[-1].id if nodes else None
        nodes.append(
            Node(
                id=new_id(),
                conversation_id=made.id,
                parent_id=parent,
                message=message,
                status=_ended(one.status),
                created_ns=made.created_ns,
            )
        )
    made.leaf = nodes[-1].id if nodes else None
    return made, nodes


def _marks(line: str) -> _Marks:
    found = _MARKED.fullmatch(line.rstrip())
    if found is None:
        raise ValueError(f"a mark is broken: {line[:60]!r}")
    return msgspec.json.decode(found[1], type=_Marks)


def _conversation(title: str, settings: dict[str, Any], created_ns: int) -> Conversation:
    now_ns = time.time_ns()
    return Conversation(id=new_id(), title=title, settings=settings, created_ns=created_ns or now_ns, changed_ns=now_ns)


def _ended(status: Status) -> Status:
    """What is in a file is written by nobody any more."""
    return status if status in _ENDED else "interrupted"


def _escaped(text: str) -> str:
    return re.sub(r"^(\\*)(?=<!-- tramite: )", r"\1\\", text, flags=re.MULTILINE)


def _unescaped(text: str) -> str:
    return re.sub(r"^\\(\\*)(?=<!-- tramite: )", r"\1", text, flags=re.MULTILINE)
