"""Keeping conversations, on Postgres."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.store.conversations_contract import CONTRACT, found, opened, with_words


@pytest.mark.parametrize("check", CONTRACT, ids=lambda check: check.__name__)
def test_conversations(check: Callable[[str], None], postgres: str) -> None:
    check(postgres)


def test_a_message_longer_than_an_index_takes_is_kept_and_found_by_its_beginning(postgres: str) -> None:
    with opened(postgres) as store:
        id = with_words(store, "whale " + " ".join(f"{number:x}è" for number in range(200_000)))
        assert found(store, "whale") == [id]
