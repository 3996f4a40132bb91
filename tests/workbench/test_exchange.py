"""Conversations as files: written and read again they are the same; what is not one of ours is refused whole."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tramite.errors import InvalidCall
from tramite.messages import Image, Message, ToolCall, assistant, tool_result, user
from tramite.store.conversations import Conversation, Node
from tramite.workbench.chat import exchange

PNG = b"\x89PNG\r\n\x1a\n" + bytes(16)
CALL = ToolCall("call_1", "look", '{"at": "-->"}')
HOSTILE = "# Title\n\n<!-- tramite: {} -->\n\\<!-- tramite: x\n## You\n\n-->  \n"


def chain(*messages: Message) -> list[Node]:
    return [
        Node(id=f"n{at}", conversation_id="c", parent_id=f"n{at - 1}" if at else None, message=message, created_ns=7)
        for at, message in enumerate(messages)
    ]


def conversation(**changes: object) -> Conversation:
    return Conversation(**{"id": "c", "title": "Firenze", "leaf": None, "created_ns": 7, **changes})  # type: ignore[arg-type]


def shape(nodes: list[Node]) -> list[tuple[object, ...]]:
    """What is to survive, whatever the ids are."""
    places = {node.id: at for at, node in enumerate(nodes)}
    return [(places.get(node.parent_id or ""), node.message, node.status, node.facts) for node in nodes]


def test_json_keeps_every_branch_with_its_facts_and_the_one_that_was_shown() -> None:
    nodes = chain(user("a", Image(data=PNG)), assistant("b"), user("c"))
    nodes.append(Node(id="other", conversation_id="c", parent_id="n0", message=assistant("B"), status="stopped"))
    nodes[-1].facts = {"usage": {"output_tokens": 3}}
    made, found = exchange.read("x.json", exchange.to_json(conversation(leaf="n2", settings={"system": "s"}), nodes))
    assert shape(found) == shape(nodes)
    assert (made.title, made.settings, made.leaf) == ("Firenze", {"system": "s"}, found[2].id)
    assert made.id != "c"
    assert {node.conversation_id for node in found} == {made.id}
    assert not {node.id for node in found} & {node.id for node in nodes}


def test_an_answer_that_was_being_written_is_interrupted_in_the_file() -> None:
    nodes = chain(user("a"), assistant("half"))
    nodes[1].status = "running"
    _, found = exchange.read("x.json", exchange.to_json(conversation(), nodes))
    assert found[1].status == "interrupted"


def test_markdown_keeps_the_branch_that_is_shown_whatever_its_texts_say() -> None:
    nodes = chain(
        user(HOSTILE, Image(data=PNG)), assistant(CALL), tool_result(CALL, "42"), assistant(HOSTILE), user("")
    )
    nodes[3].status = "stopped"
    text = exchange.to_markdown(conversation(settings={"system": HOSTILE.strip("\n")}), nodes)
    made, found = exchange.read("x.md", text.encode())
    assert [node.message.content for node in found][1:3] == [node.message.content for node in nodes][1:3]
    assert [node.message.text.strip("\n") for node in found] == [node.message.text.strip("\n") for node in nodes]
    assert [node.status for node in found] == [node.status for node in nodes]
    assert made.settings == {"system": HOSTILE.strip("\n")}


@given(st.lists(st.text(st.characters(exclude_characters="\r", exclude_categories=["Cs"])), max_size=6))
def test_any_text_comes_back_out_of_markdown(texts: list[str]) -> None:
    nodes = chain(*(user(text) if at % 2 == 0 else assistant(text) for at, text in enumerate(texts)))
    _, found = exchange.read("x.md", exchange.to_markdown(conversation(title="\n#"), nodes).encode())
    assert [node.message.text.strip("\n") for node in found] == [text.strip("\n") for text in texts]


GOOD = exchange.to_json(conversation(), chain(user("a"), assistant("b")))


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("x.json", b""),
        ("x.json", b"[" * 100_000),
        ("x.json", b'{"format": "another", "version": 1, "messages": []}'),
        ("x.json", GOOD.replace(b'"version": 1', b'"version": 2')),
        ("x.json", GOOD.replace(b'"n1"', b'"n0"')),
        ("x.json", GOOD.replace(b'"parent_id": "n0"', b'"parent_id": "n7"')),
        ("x.json", GOOD.replace(b'"messages"', b'"massages"')),
        ("x.json", GOOD[: len(GOOD) // 2]),
        ("x.json", GOOD.replace(b'"role": "user"', b'"role": "root"')),
        ("x.md", b"# Notes\n\nNothing of ours.\n"),
        ("x.md", b"\xff\xfe"),
        ("x.md", b'# T\n\n<!-- tramite: {"conversation":1} -->\n\n## You\n\n<!-- tramite: {"role":"root"} -->\n'),
        ("x.md", b'# T\n\n<!-- tramite: {"conversation":1} -->\n\n## You\n\n<!-- tramite: {broken\n'),
    ],
)
def test_what_is_not_one_of_ours_is_refused_whole(name: str, data: bytes) -> None:
    with pytest.raises(InvalidCall, match="nothing of it was taken"):
        exchange.read(name, data)
