"""What a ledger that keeps texts has of a stream that passed through the gateway."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from tests.faults.cases import CASES, Case
from tests.gateway.world import frames, gateway, text
from tramite.store.filters import Filter
from tramite.store.reading import open_ledger

KEPT = "keep_text = true\n"
OK = Case(number=0, primary="ok", whole="whole", stream="whole", events="whole")
CUT = next(case for case in CASES if case.number == 8)


def kept() -> list[tuple[str, str]]:
    """Question and answer of each try, the first first."""
    with open_ledger(f"sqlite:///{Path.cwd()}/ledger.sqlite") as ledger:  # type: ignore[union-attr]
        found = [ledger.texts(entry.id) for entry in ledger.entries(Filter())]
    return [(one.prompt, one.answer) for one in found if one is not None]


@pytest.mark.parametrize("spoken", ["openai", "anthropic", "openai-responses"])
def test_a_stream_is_kept_as_its_client_had_it(spoken: str) -> None:
    with gateway(OK, dialects=(spoken, "openai"), kept=KEPT) as world:
        status, body = world.chat(stream=True)
    assert status == 200
    assert text(body)
    assert kept() == [("user: hello", text(body))]


def test_without_the_wish_nothing_is_kept() -> None:
    with gateway(OK) as world:
        assert world.chat(stream=True)[0] == 200
    assert kept() == []


def test_what_came_before_a_stream_broke_is_kept() -> None:
    with gateway(CUT, kept=KEPT) as world:
        _, body = world.chat(stream=True)
    assert "error" in frames(body)[-1]
    seen = "".join([one["choices"][0]["delta"].get("content", "") for one in frames(body)[:-1]])  # type: ignore[index]
    assert seen
    assert kept() == [("user: hello", seen)]


def test_an_answer_that_two_targets_gave_is_kept_with_each_of_them_whole_up_to_its_end() -> None:
    going_on = msgspec.structs.replace(CUT, on_stream_failure="continue", backup_prefills=True)
    with gateway(going_on, kept=KEPT) as world:
        _, body = world.chat(stream=True)
    (_, first), (_, last) = kept()
    assert last == text(body)
    assert first
    assert last.startswith(first)
