"""Keeping conversations, on SQLite and in memory."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.store.conversations_contract import CONTRACT, found, node, opened, with_words
from tramite.errors import StoreFailed
from tramite.store.conversations import Conversations


@pytest.mark.parametrize("check", CONTRACT, ids=lambda check: check.__name__)
def test_conversations(check: Callable[[str], None], url: str) -> None:
    check(url)


def test_accents_need_not_be_written(url: str) -> None:
    with opened(url) as store:
        id = with_words(store, "Perché la città è lontana?")
        assert found(store, "perche citta") == [id]


def test_what_is_in_memory_is_on_no_disk_and_ends_with_it() -> None:
    before = set(Path.cwd().rglob("*"))
    store = Conversations.in_memory()
    with_words(store, "a secret plan")
    assert len(found(store, "secret")) == 1
    store.close()
    assert set(Path.cwd().rglob("*")) == before
    with pytest.raises(StoreFailed):
        store.count()


def test_many_threads_write_at_once(url: str) -> None:
    with opened(url) as store:
        made = store.create()
        threads = [
            threading.Thread(target=lambda at=at: [store.add(node(made, f"{at}-{n}")) for n in range(20)])
            for at in range(5)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert store.count() == (1, 100)
        assert len(store.links(made.id)) == 100


def test_a_store_that_is_gone_says_so(url: str) -> None:
    with opened(url) as store:
        store._database.execute("DROP TABLE message_wire")
        with pytest.raises(StoreFailed, match="cannot be reached"):
            store.wire("x")
