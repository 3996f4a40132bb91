"""Comparisons: asked at once, failed alone, voted for, found again; in both languages."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

import msgspec
import pytest
from streamlit.testing.v1 import AppTest

from tests.workbench.browsing import asked, provider, said, settled, shown, visit
from tramite.simulator import Simulator
from tramite.workbench.compare import votes
from tramite.workbench.house import house
from tramite.workbench.language import Language

BOTH: tuple[Language, ...] = ("en", "it")


@pytest.fixture(autouse=True)
def sim(monkeypatch: pytest.MonkeyPatch) -> Iterator[Simulator]:
    with provider(monkeypatch) as running:
        yield running


def ask(at: AppTest, text: str) -> AppTest:
    return settled(at.chat_input(key="compare.say").set_value(text).run())


def row(at: AppTest, name: str) -> list[str]:
    """What the table says in this row, column by column."""
    return next(list(cells[1:]) for cells in at.table[0].value.values.tolist() if cells[0] == name)


def question_id() -> str:
    [conversation] = house().stored.latest("compare")
    return next(link.id for link in house().stored.links(conversation.id) if link.parent_id is None)


@pytest.mark.parametrize("language", BOTH)
def test_two_targets_answer_one_question_side_by_side(language: Language, sim: Simulator) -> None:
    at, t = visit("compare", language), said(language)
    at.radio(key="compare.2.style").set_value("completion").run()
    at.text_area(key="compare.system").set_value("Be brief.")
    ask(at, "Who are <b>you</b>?")
    assert asked(sim) == ["chat", "completion"]
    [conversation] = house().stored.latest("compare")
    assert at.query_params["c"] == conversation.id
    question, *answers = house().stored.nodes([link.id for link in house().stored.links(conversation.id)])
    assert question.message.text == "Who are <b>you</b>?"
    assert [(node.parent_id, node.status, node.facts["asked"]["style"]) for node in answers] == [
        (question.id, "complete", "chat"),
        (question.id, "complete", "completion"),
    ]
    text = shown(at)
    assert f"**2 · sim/ok · {t('compare.style_completion')}**" in text
    assert row(at, t("compare.row_output")) == ["5", "5"]
    assert "Who are \\<b\\>you\\</b\\>?" in text


def test_a_target_that_fails_tells_it_in_its_column_and_the_others_go_on() -> None:
    at = visit("compare")
    at.radio(key="compare.columns").set_value(3).run()
    at.selectbox(key="compare.2.provider").set_value("refuses").run()
    at.selectbox(key="compare.3.provider").set_value("azure").run()
    at.text_input(key="compare.3.endpoint.azure").set_value("nowhere").run()
    ask(at, "hello")
    errors = [error.value for error in at.error]
    assert errors == [said("en")("errors.AuthenticationFailed"), said("en")("errors.ConfigError")]
    assert "token-5" in shown(at)
    assert row(at, "Ended") == ["whole", "failed", "failed"]


@pytest.mark.parametrize("language", BOTH)
def test_a_vote_is_kept_and_can_be_taken_back(language: Language) -> None:
    at, t = ask(visit("compare", language), "which?"), said(language)
    id = question_id()
    radio = at.radio(key=f"vote.{id}")
    assert (radio.label, radio.value) == (t("compare.best"), None)
    settled(radio.set_value(votes.TIE).run())
    assert votes.of(house().stored.nodes([id])[0]) == votes.TIE
    assert t("compare.voted") in shown(at)
    again = visit("compare", language, {"c": at.query_params["c"]})
    assert again.radio(key=f"vote.{id}").value == votes.TIE
    settled(again.button(key=f"vote.{id}.back").click().run())
    assert votes.of(house().stored.nodes([id])[0]) is None
    assert again.radio(key=f"vote.{id}").value is None


def test_votes_are_exported_with_questions_answers_and_measures() -> None:
    at = ask(visit("compare"), "=1+1")
    winner = at.radio(key=f"vote.{question_id()}").options
    assert len(winner) == 3
    node = house().stored.nodes_of("compare", "assistant")[1]
    settled(at.radio(key=f"vote.{question_id()}").set_value(node.id).run())
    found = votes.every(house().stored)
    [line] = votes.as_jsonl(found).splitlines()
    vote = msgspec.json.decode(line)
    assert (vote["prompt"], vote["winner"]) == ("=1+1", 2)
    assert vote["answers"][0]["text"] == "token-1 token-2 token-3 token-4 token-5"
    assert vote["answers"][1]["cost_nanousd"] > 0
    rows = list(csv.DictReader(io.StringIO(votes.as_csv(found).decode("utf-8-sig"))))
    assert [(row["prompt"], row["target"], row["winner"]) for row in rows] == [
        ("'=1+1", "sim/ok", "no"),
        ("'=1+1", "sim/ok", "yes"),
    ]


def test_the_difference_of_two_answers_is_shown_to_the_letter() -> None:
    at = visit("compare")
    for place in (1, 2):
        at.selectbox(key=f"compare.{place}.provider").set_value("echoes").run()
    at.radio(key="compare.2.style").set_value("completion").run()
    at.text_area(key="compare.system").set_value("S :red[x]")
    ask(at, "[same]")
    settled(at.toggle(key="compare.difference").set_value(True).run())
    assert any(":green-background[**\\+S \\:red\\[x\\]↵\\+**]" in one.value for one in at.markdown)


def test_a_comparison_is_found_again_with_its_targets_and_settings() -> None:
    at = visit("compare")
    at.radio(key="compare.columns").set_value(3).run()
    at.selectbox(key="compare.2.provider").set_value("echoes").run()
    at.radio(key="compare.3.style").set_value("completion")
    at.number_input(key="compare.max_tokens").set_value(4)
    at.text_area(key="compare.system").set_value("Kind.")
    ask(at, "again?")
    again = visit("compare", query={"c": at.query_params["c"]})
    assert again.radio(key="compare.columns").value == 3
    assert again.selectbox(key="compare.2.provider").value == "echoes"
    assert again.selectbox(key="compare.2.model.echoes").value == "echo"
    assert again.radio(key="compare.3.style").value == "completion"
    assert again.number_input(key="compare.max_tokens").value == 4
    assert again.text_area(key="compare.system").value == "Kind."
    assert "again?" in shown(again)


def test_another_page_in_between_loses_nothing() -> None:
    at = ask(visit("compare"), "stay")
    at.switch_page("screens/chat.py")
    at.query_params.clear()
    settled(at.run())
    settled(at.switch_page("screens/compare.py").run())
    assert "stay" in shown(at)
    assert at.query_params["c"]


@pytest.mark.parametrize("language", BOTH)
def test_earlier_comparisons_are_opened_and_deleted(language: Language) -> None:
    at = ask(visit("compare", language), "one")
    ask(at, "two")
    two, one = house().stored.latest("compare")
    assert (one.title, two.title) == ("one", "two")
    settled(at.button(key=f"open.{one.id}").click().run())
    assert "one" in shown(at)
    for _ in range(2):
        settled(at.button(key=f"delete.{one.id}").click().run())
    assert [left.id for left in house().stored.latest("compare")] == [two.id]


def test_each_column_has_a_key_field_of_its_own_and_none_of_them_shows_what_was_typed() -> None:
    at = visit("compare")
    fields = [field for field in at.text_input if field.key and field.key.startswith("secret.compare.")]
    assert len(fields) == 2
    settled(fields[0].set_value("sk-typed-0123456789").run())
    assert all(field.value != "sk-typed-0123456789" for field in at.text_input)
    assert "sk-typed-0123456789" not in shown(at)
