"""What a comparison does without a page: differences, measures, streams that are stopped, files of votes."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.workbench.browsing import provider
from tramite.messages import assistant
from tramite.simulator import Simulator
from tramite.store.conversations import Node
from tramite.workbench import rounds
from tramite.workbench.access import Access
from tramite.workbench.compare import asking, difference, measures, votes
from tramite.workbench.compare.asking import Target
from tramite.workbench.compare.measures import Measured
from tramite.workbench.house import house

SIM = Access(provider="sim")
LETTERS = st.text(alphabet="ab -*[:~\n", max_size=30)


@pytest.fixture
def sim(monkeypatch: pytest.MonkeyPatch) -> Iterator[Simulator]:
    with provider(monkeypatch, token_interval_s=0.02, tokens=100_000) as running:
        yield running


def until(come: Callable[[], bool], generation: object) -> None:
    """Wait, on the answer's own condition, until it is so."""
    version = -1
    while not come():
        version = generation.wait(version, 5.0)  # type: ignore[attr-defined]


def test_one_is_stopped_and_the_others_go_on(sim: Simulator) -> None:
    targets = [Target(SIM, "sim/ok"), Target(SIM, "sim/ok", "completion")]
    conversation = asking.ask(house(), "go", targets, "", {})
    [one], earlier = rounds.of(house().stored, conversation, 1)
    first, second = (house().generations.find(node.id) for node in one.answers)
    assert first is not None
    assert second is not None
    assert earlier == 0
    assert not one.over
    until(lambda: "token-2" in first.message.text and "token-2" in second.message.text, second)
    house().generations.stop(first.node.id)
    until(lambda: not first.running, first)
    assert (first.status, second.status) == ("stopped", "running")
    house().generations.stop(second.node.id)
    until(lambda: not second.running, second)
    [after], _ = rounds.of(house().stored, conversation, 1)
    assert after.over
    assert all(node.message.text.startswith("token-1 token-2") for node in after.answers)


def test_deleting_a_comparison_ends_what_is_still_written_for_it(sim: Simulator) -> None:
    conversation = asking.ask(house(), "go", [Target(SIM, "sim/ok")], "", {})
    [one], _ = rounds.of(house().stored, conversation, 1)
    generation = house().generations.find(one.answers[0].id)
    assert generation is not None
    rounds.delete(house(), conversation.id)
    until(lambda: not generation.running, generation)
    assert generation.status == "stopped"
    assert house().stored.count() == (0, 0)


def test_a_comparison_is_kept_without_the_key_that_was_typed(sim: Simulator) -> None:
    access = Access(provider="sim", key="sk-typed-0123456789")
    conversation = asking.ask(house(), "go", [Target(access, "sim/ok")], "", {})
    kept = house().stored.find(conversation.id)
    assert kept is not None
    assert "sk-typed" not in repr(kept)
    assert asking.read(kept.settings["targets"]) == [Target(SIM, "sim/ok")]


@given(LETTERS, LETTERS)
def test_each_text_is_in_the_difference_whole(left: str, right: str) -> None:
    found = difference.pieces(left, right)
    assert "".join(text for what, text in found if what != "only_right") == left
    assert "".join(text for what, text in found if what != "only_left") == right
    assert 0 <= difference.same_share(found) <= 1


def test_a_difference_is_marked_by_sign_and_type_as_well_as_by_colour() -> None:
    found = difference.pieces("the old house\nend", "the new house\n\nend")
    assert difference.marked(found) == (
        "the :red-background[~~\\-old\\-~~]:green-background[**\\+new\\+**] house"
        ":green-background[**\\+↵\\+**]  \n  \nend"
    )


def test_spaces_alone_that_differ_are_shown_as_signs() -> None:
    assert difference.marked(difference.pieces("a b", "a\tb")) == (
        "a:red-background[~~\\-␣\\-~~]:green-background[**\\+⇥\\+**]b"
    )


def test_texts_of_ten_thousand_words_are_compared_line_by_line() -> None:
    left = "".join(f"line {n} of many words\n" for n in range(2500))
    found = difference.pieces(left, left.replace("line 7 of", "line seven of"))
    assert found == (
        ("same", left[: left.index("line 7 of")]),
        ("only_left", "line 7 of many words"),
        ("only_right", "line seven of many words"),
        ("same", left[left.index("\nline 8 of") :]),
    )


def test_who_took_least_is_said_only_where_there_is_something_to_compare() -> None:
    whole = Measured("a", "chat", True, cost_nanousd=3), Measured("b", "chat", True, cost_nanousd=2)
    broken = Measured("c", "chat", False, cost_nanousd=1)

    def cost(one: Measured) -> float | None:
        return one.cost_nanousd

    assert measures.least([*whole, broken], cost) == (2,)
    assert measures.least([whole[0], whole[0]], cost) == (1, 2)
    assert measures.least([whole[0], broken, Measured("d", "chat", True)], cost) == ()


def test_an_answer_of_which_nothing_is_known_has_no_measures() -> None:
    node = Node(id="n", conversation_id="c", message=assistant(""), status="failed", facts={"asked": {"model": "m"}})
    assert measures.of(node) == Measured("m", "chat", False)
    assert measures.of(node).tokens_per_s is None


def test_no_votes_are_an_empty_file_with_names_of_columns(sim: Simulator) -> None:
    assert votes.every(house().stored) == []
    assert votes.as_jsonl([]) == b""
    assert votes.as_csv([]).decode("utf-8-sig").startswith("comparison,asked,voted,prompt")
