"""The prompt page: sent, streamed, kept, found again; in both languages."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.workbench.browsing import asked, press, provider, said, settled, shown, visit
from tramite.simulator import Simulator
from tramite.workbench.house import house
from tramite.workbench.language import Language

BOTH: tuple[Language, ...] = ("en", "it")


@pytest.fixture(autouse=True)
def sim(monkeypatch: pytest.MonkeyPatch) -> Iterator[Simulator]:
    with provider(monkeypatch) as running:
        yield running


@pytest.mark.parametrize("language", BOTH)
def test_a_prompt_is_sent_and_kept_with_what_came_of_it(language: Language, sim: Simulator) -> None:
    at = visit("prompt", language)
    t = said(language)
    assert at.button(key="prompt.generate").label == t("prompt.generate")
    at.text_area(key="prompt.text").set_value("Once upon a [time]")
    press(at, "prompt.generate")
    assert [code.value for code in at.code] == ["Once upon a [time]", "token-1 token-2 token-3 token-4 token-5"]
    assert "sim/ok" in shown(at)
    assert asked(sim) == ["completion"]
    [conversation] = house().stored.latest("prompt")
    assert at.query_params["c"] == conversation.id
    question, answer = house().stored.nodes([link.id for link in house().stored.links(conversation.id)])
    assert (question.message.text, answer.parent_id, answer.status) == ("Once upon a [time]", question.id, "complete")


@pytest.mark.parametrize("language", BOTH)
def test_an_empty_prompt_is_told_and_nothing_is_sent(language: Language, sim: Simulator) -> None:
    at = press(visit("prompt", language), "prompt.generate")
    assert [warning.value for warning in at.warning] == [said(language)("prompt.empty")]
    assert asked(sim) == []


def test_the_page_is_found_again_by_its_address_with_text_and_settings() -> None:
    at = visit("prompt")
    at.text_area(key="prompt.text").set_value("Roses are")
    at.number_input(key="prompt.temperature").set_value(0.5)
    at.text_area(key="prompt.stop").set_value("\\nInput:")
    press(at, "prompt.generate")
    again = visit("prompt", query={"c": at.query_params["c"]})
    assert again.text_area(key="prompt.text").value == "Roses are"
    assert again.number_input(key="prompt.temperature").value == 0.5
    assert again.text_area(key="prompt.stop").value == "\\nInput:"
    assert "token-5" in shown(again)


def test_runs_of_one_visit_stand_in_one_conversation_and_the_last_one_first() -> None:
    at = visit("prompt")
    for text in ("one", "two"):
        at.text_area(key="prompt.text").set_value(text)
        press(at, "prompt.generate")
    assert [code.value for code in at.code][::2] == ["two", "one"]
    assert len(house().stored.latest("prompt")) == 1


def test_another_page_in_between_loses_nothing() -> None:
    at = visit("prompt")
    at.text_area(key="prompt.text").set_value("kept")
    press(at, "prompt.generate")
    at.text_area(key="prompt.text").set_value("typed, not sent").run()
    at.switch_page("screens/chat.py")
    at.query_params.clear()
    settled(at.run())
    settled(at.switch_page("screens/prompt.py").run())
    assert at.text_area(key="prompt.text").value == "typed, not sent"
    assert "kept" in shown(at)


def test_a_failed_run_tells_what_to_do_and_keeps_the_text() -> None:
    at = visit("prompt")
    at.text_area(key="prompt.text").set_value("precious")
    at.selectbox(key="prompt.provider").set_value("refuses").run()
    press(at, "prompt.generate")
    assert said("en")("errors.AuthenticationFailed") in shown(at)
    assert at.text_area(key="prompt.text").value == "precious"


def test_what_cannot_be_sent_is_told_before_anything_is_kept() -> None:
    at = visit("prompt")
    at.text_area(key="prompt.text").set_value("x")
    at.selectbox(key="prompt.provider").set_value("azure").run()
    at.text_input(key="prompt.endpoint.azure").set_value("nowhere").run()
    press(at, "prompt.generate")
    assert said("en")("errors.ConfigError") in shown(at)
    assert house().stored.latest("prompt") == []


@pytest.mark.parametrize("language", BOTH)
def test_where_there_are_no_completions_the_prompt_is_offered_as_a_chat_message(
    language: Language, sim: Simulator
) -> None:
    at, t = visit("prompt", language), said(language)
    at.selectbox(key="prompt.provider").set_value("chats").run()
    at.selectbox(key="prompt.model.chats").set_value("ok").run()
    assert t("prompt.chat_only", provider="chats") in shown(at)
    at.text_area(key="prompt.text").set_value("hello")
    press(at, "prompt.generate")
    assert t("errors.Unsupported") in shown(at)
    [offer] = [button.key for button in at.button if button.label == t("prompt.send_via")]
    press(at, offer)
    assert asked(sim) == ["chat"]
    assert at.checkbox(key="prompt.via").value
    assert "token-5" in shown(at)


def test_log_probabilities_are_shown_token_by_token() -> None:
    at = visit("prompt")
    at.text_area(key="prompt.text").set_value("count")
    at.number_input(key="prompt.logprobs").set_value(3)
    press(at, "prompt.generate")
    table = at.dataframe[0].value
    assert list(table["Token"]) == ["token-1", "␣token-2", "␣token-3", "␣token-4", "␣token-5"]
    assert table["Probability"][0] == pytest.approx(99.0, abs=0.1)
    assert "token-1~1 36.4%" in table["Alternatives"][0]
    assert ":green-background[␣token\\-2]" in shown(at)


def test_examples_become_the_prompt_with_a_stop_before_the_next_one() -> None:
    at = visit("prompt")
    at.text_area(key="prompt.instruction").set_value("Translate {all}.")
    at.text_area(key="prompt.input.0").set_value("gatto")
    at.text_area(key="prompt.output.0").set_value("cat")
    press(at, "prompt.add")
    at.text_area(key="prompt.input.2").set_value("cane")
    at.text_area(key="prompt.output.2").set_value("dog")
    press(at, "prompt.remove.1")
    at.text_area(key="prompt.asked").set_value("topo").run()
    expected = "Translate {all}.\n\nInput: gatto\nOutput: cat\n\nInput: cane\nOutput: dog\n\nInput: topo\nOutput:"
    assert at.code[0].value == expected
    press(at, "prompt.use_examples")
    assert at.text_area(key="prompt.text").value == expected
    assert at.text_area(key="prompt.stop").value == "\\nInput:"


def test_a_template_is_filled_in_and_brings_its_settings() -> None:
    at = visit("prompt", "it")
    at.selectbox(key="prompt.template").set_value("sentimento").run()
    assert at.button(key="prompt.use_template").disabled
    at.text_area(key="prompt.variable.sentimento.testo").set_value("Bello!").run()
    press(at, "prompt.use_template")
    assert at.text_area(key="prompt.text").value.endswith("Testo: Bello!\nSentimento:")
    assert at.number_input(key="prompt.temperature").value == 0.0
    assert at.number_input(key="prompt.max_tokens").value == 10
    assert at.text_area(key="prompt.stop").value == "\\nTesto:"


def test_an_earlier_prompt_is_used_again_with_its_settings() -> None:
    at = visit("prompt")
    at.text_area(key="prompt.text").set_value("first")
    at.number_input(key="prompt.seed").set_value(7)
    press(at, "prompt.generate")
    at.text_area(key="prompt.text").set_value("other")
    at.number_input(key="prompt.seed").set_value(None)
    [again] = [button.key for button in at.button if button.label == said("en")("prompt.again")]
    press(at, again)
    assert at.text_area(key="prompt.text").value == "first"
    assert at.number_input(key="prompt.seed").value == 7


@pytest.mark.parametrize("language", BOTH)
def test_an_earlier_visit_is_opened_and_deleted_at_the_second_click(language: Language) -> None:
    at, t = visit("prompt", language), said(language)
    at.text_area(key="prompt.text").set_value("to go")
    press(at, "prompt.generate")
    [conversation] = house().stored.latest("prompt")
    other = visit("prompt", language)
    press(other, f"open.{conversation.id}")
    assert "token-5" in shown(other)
    delete = f"delete.{conversation.id}"
    press(other, delete)
    assert other.button(key=delete).label == t("earlier.sure")
    press(other, delete)
    assert house().stored.latest("prompt") == []
    assert "c" not in other.query_params
