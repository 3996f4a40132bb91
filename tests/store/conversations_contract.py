"""What keeping conversations promises, whatever the database. Each check is given an address with nothing behind it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tramite.errors import StoreFailed
from tramite.messages import Image, Message, assistant, user
from tramite.store.conversations import LEASE_S, Conversation, Conversations, Node, Status, new_id
from tramite.store.opening import connect_migrated

SECOND = 10**9


class Clock:
    """A time that goes on when it is told to."""

    def __init__(self) -> None:
        self.now_ns = 1_000 * SECOND

    def __call__(self) -> int:
        self.now_ns += 1
        return self.now_ns

    def go_on(self, seconds: float) -> None:
        self.now_ns += int(seconds * SECOND)


@contextmanager
def opened(url: str, clock: Clock | None = None) -> Iterator[Conversations]:
    found = Conversations(connect_migrated(url), clock or Clock())
    try:
        yield found
    finally:
        found.close()


def node(
    conversation: Conversation, message: Message | str, parent: Node | None = None, status: Status = "complete"
) -> Node:
    said = user(message) if isinstance(message, str) else message
    return Node(
        id=new_id(),
        conversation_id=conversation.id,
        parent_id=parent.id if parent else None,
        message=said,
        status=status,
    )


def with_words(store: Conversations, *texts: str, title: str = "") -> str:
    """A conversation that says these; its id."""
    made = store.create(title=title)
    store.add(*(node(made, text) for text in texts))
    return made.id


def found(store: Conversations, words: str) -> list[str]:
    return [one.id for one in store.latest("chat", words)]


def a_tree_comes_back_as_it_was(url: str) -> None:
    with opened(url) as store:
        made = store.create("chat", "Firenze", {"model": "demo/demo"})
        first = node(made, user("look", Image(data=b"\x89PNG\r\n\x1a\n")))
        answers = [node(made, assistant(text), first) for text in ("one", "two")]
        answers[0].facts = {"usage": {"output_tokens": 3}, "cost": None}
        store.add(first, *answers, leaf=answers[1].id)
        assert [(link.id, link.parent_id, link.role, link.status) for link in store.links(made.id)] == [
            (first.id, None, "user", "complete"),
            (answers[0].id, first.id, "assistant", "complete"),
            (answers[1].id, first.id, "assistant", "complete"),
        ]
        asked = [answers[1].id, "nobody", first.id, answers[0].id]
        assert store.nodes(asked) == [answers[1], first, answers[0]]
        again = store.find(made.id)
        assert again is not None
        assert (again.title, again.settings, again.leaf) == ("Firenze", {"model": "demo/demo"}, answers[1].id)
        store.show(made.id, answers[0].id)
        assert store.find(made.id).leaf == answers[0].id  # type: ignore[union-attr]
        assert store.count() == (1, 3)


def ever_so_many_messages_can_be_asked_for(url: str) -> None:
    with opened(url) as store:
        id = with_words(store, "a", "b")
        ids = [link.id for link in store.links(id)]
        assert [one.id for one in store.nodes([*map(str, range(70_000)), *ids])] == ids
        assert store.nodes([]) == []


def the_last_one_changed_comes_first_and_each_kind_for_itself(url: str) -> None:
    with opened(url) as store:
        first, second = store.create(), store.create()
        store.create("compare")
        assert found(store, "") == [second.id, first.id]
        store.add(node(first, "hello"))
        assert found(store, "") == [first.id, second.id]
        assert [one.id for one in store.latest("chat", most=1)] == [first.id]
        store.rename(second.id, "other")
        store.keep_settings(second.id, {"seed": 1})
        store.show(second.id, None)
        assert found(store, "") == [first.id, second.id]  # looking and naming is no change


def words_are_found_in_messages_and_titles(url: str) -> None:
    with opened(url) as store:
        whales = with_words(store, "The whale is a mammal.", "So it is: 100% sure.", title="About animals")
        prices = with_words(store, 'He said "five_dollars" (50 % off), it\'s \\ done', title="100 things; 'quoted'")
        accents = with_words(store, "Perché no? La città è QUI.", title="ÈRA una volta")
        for words, expected in {
            "whale": [whales],
            "WHALE mammal": [whales],
            "mammal whal": [whales],
            "whale nothing": [],
            "anim": [whales],
            "100 things": [prices],
            "100%": [whales],
            '"five': [prices],
            "five_dollars": [prices],
            "'quoted'": [prices],
            "it's": [prices, whales],
            "\\": [],
            "%": [],
            "_": [],
            "*": [],
            "Perché": [accents],
            "città": [accents],
            "citt": [accents],
            "ÈRA": [accents],
            "è qui": [accents],
            "whale OR nothing": [],
            "NOT whale": [],
            "whale -mammal": [whales],
            "(": [],
        }.items():
            assert found(store, words) == expected, words


def an_answer_is_found_once_it_is_whole_and_not_after_it_is_gone(url: str) -> None:
    with opened(url) as store:
        made = store.create()
        answer = node(made, assistant(""), status="running")
        store.add(answer)
        answer.message = assistant("half a whale")
        store.grow(answer)
        answer.status, answer.message = "complete", assistant("a whole whale")
        store.end(answer)
        assert found(store, "whole") == [made.id]
        store.delete(made.id)
        assert found(store, "whole") == []
        assert (store.count(), store.nodes([answer.id]), store.find(made.id)) == ((0, 0), [], None)


@settings(max_examples=50)
@given(st.text(max_size=60))
def _any_words(words: str) -> None:
    assert isinstance(ANY[0].latest("chat", words), list)
    assert ANY[0].find(words) is None
    assert ANY[0].links(words) == []
    assert ANY[0].nodes([words]) == []
    assert ANY[0].preference(words) is None


@settings(max_examples=50)
@given(st.text(max_size=200), st.text(max_size=100))
def _any_text(text: str, title: str) -> None:
    store = ANY[0]
    made = store.create(title="")
    store.rename(made.id, title)
    said = node(made, text)
    store.add(said)
    kept = store.find(made.id)
    assert kept is not None
    plain = [one.encode("utf-8", "replace").decode().replace("\x00", "") for one in (kept.title, title)]
    assert len(plain[0].replace("\ufffd", "")) <= len(plain[1]) or plain[0]
    if "\x00" not in text + title and (text + title).isprintable():
        assert (store.nodes([said.id])[0].message.text, kept.title) == (text, title)


ANY: list[Conversations] = []
"""The store of the checks with any text: what is given to each example."""


def whatever_is_looked_for_is_no_error(url: str) -> None:
    with opened(url) as store:
        ANY[:] = [store]
        _any_words()
        for words in ("\x00", "a\x00b", "\ud800", "x\ud800y", "🐋", "日本", "' OR 1=1 --", "a" * 10_000):
            assert store.latest("chat", words) == []
            assert (store.find(words), store.links(words), store.nodes([words])) == (None, [], [])


def whatever_is_written_is_kept(url: str) -> None:
    with opened(url) as store:
        ANY[:] = [store]
        _any_text()
        for text in ("\x00", "a\x00b", "\ud800", "🐋", "日本\u2028", "' OR 1=1 --"):
            id = with_words(store, text, title=text)
            store.rename(id, text)
            store.keep_settings(id, {"system": text})
            kept = store.find(id)
            assert kept is not None
            assert set(kept.settings) == {"system"}


def an_answer_that_nobody_writes_any_more_is_interrupted(url: str) -> None:
    clock = Clock()
    with opened(url, clock) as store:
        made = store.create()
        alive, dead = (node(made, assistant(""), status="running") for _ in range(2))
        store.add(alive, dead)
        dead.message = assistant("so far")
        store.grow(dead)
        clock.go_on(LEASE_S / 2)
        store.grow(alive)
        assert [link.status for link in store.links(made.id)] == ["running", "running"]
        clock.go_on(LEASE_S / 2 + 1)
        assert [link.status for link in store.links(made.id)] == ["running", "interrupted"]
        assert store.nodes([dead.id])[0].message.text == "so far"
        assert found(store, "so far") == [made.id]
        store.grow(dead)  # who was only asleep does not bring it back to life
        assert [link.status for link in store.links(made.id)] == ["running", "interrupted"]
        clock.go_on(LEASE_S + 1)
        assert (store.end_abandoned(), store.end_abandoned()) == (1, 0)


def two_processes_see_each_others_conversations(url: str) -> None:
    clock = Clock()
    with opened(url, clock) as one, opened(url, clock) as other:
        made = one.create(title="shared")
        answer = node(made, assistant(""), status="running")
        one.add(answer, leaf=answer.id)
        assert [link.status for link in other.links(made.id)] == ["running"]
        assert other.end_abandoned() == 0
        answer.message = assistant("more")
        one.grow(answer)
        assert other.nodes([answer.id])[0].message.text == "more"
        answer.status = "stopped"
        one.end(answer)
        assert [link.status for link in other.links(made.id)] == ["stopped"]
        other.delete(made.id)
        assert one.find(made.id) is None
        one.grow(answer)  # what is gone stays gone
        one.end(answer)
        one.keep_wire(answer.id, [{}])
        assert (one.count(), one.wire(answer.id)) == ((0, 0), [])


def a_conversation_is_brought_in_whole_or_not_at_all(url: str) -> None:
    with opened(url) as store:
        made = Conversation(id=new_id(), title="brought", created_ns=1, changed_ns=2)
        first = node(made, "one")
        with pytest.raises(StoreFailed):
            store.bring(made, [first, node(made, "two", first), first])
        assert (store.count(), found(store, "one")) == ((0, 0), [])
        store.bring(made, [first, node(made, "two", first)])
        assert (store.count(), found(store, "two")) == ((1, 2), [made.id])
        with pytest.raises(StoreFailed):
            store.add(node(made, "three"), first)
        assert (store.count(), found(store, "three")) == ((1, 2), [])


def wires_notes_and_preferences_are_kept(url: str) -> None:
    with opened(url) as store:
        id = with_words(store, "a")
        (link,) = store.links(id)
        assert (store.wire(link.id), store.preference("language")) == ([], None)
        for status in (500, 200):
            store.keep_wire(link.id, [{"status": status}])
            store.note(link.id, {"vote": status})
            store.prefer("language", str(status))
        assert list(store.wire(link.id)) == [{"status": 200}]
        assert store.nodes([link.id])[0].facts == {"vote": 200}
        assert store.preference("language") == "200"
        store.delete_all()
        assert (store.count(), store.wire(link.id), store.preference("language")) == ((0, 0), [], "200")


CONTRACT: list[Callable[[str], None]] = [
    a_tree_comes_back_as_it_was,
    ever_so_many_messages_can_be_asked_for,
    the_last_one_changed_comes_first_and_each_kind_for_itself,
    words_are_found_in_messages_and_titles,
    an_answer_is_found_once_it_is_whole_and_not_after_it_is_gone,
    whatever_is_looked_for_is_no_error,
    whatever_is_written_is_kept,
    an_answer_that_nobody_writes_any_more_is_interrupted,
    two_processes_see_each_others_conversations,
    a_conversation_is_brought_in_whole_or_not_at_all,
    wires_notes_and_preferences_are_kept,
]
