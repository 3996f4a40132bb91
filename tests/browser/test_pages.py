"""All pages: reached by their names in both languages, and an answer goes on while another page is looked at."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.chat import OTHERS
from tests.browser.world import World, eventually
from tramite.workbench.language import LANGUAGES


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_is_reached_by_its_name(world: World, language: str) -> None:
    world.serve()
    chat = world.open(language)
    for name in OTHERS:
        page = chat.go(name)
        expect(page.get_by_test_id("stMainBlockContainer")).not_to_be_empty()
        expect(page.get_by_test_id("stException")).to_have_count(0)


def test_an_answer_goes_on_while_another_page_is_looked_at(world: World) -> None:
    world.serve("sim/tokens=100", token_interval_s=0.03)
    chat = world.open()
    chat.say("hello")
    expect(chat.answer).to_contain_text("token-5 ")
    where = chat.page.url
    chat.page.get_by_role("link", name=chat.t("frame.settings"), exact=True).first.click()
    chat.page.wait_for_url("**/settings*")
    eventually(lambda: world.simulator.stats().streams.finished == 1, page=chat.page)
    chat.page.goto(where)
    expect(chat.answer).to_contain_text("token-100")
    expect(chat.messages).to_have_count(2)
    assert len(world.asked()) == 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_question_is_put_to_several_at_once(world: World, language: str) -> None:
    world.serve("sim/tokens=60,stall@20")
    chat = world.open(language)
    chat.go("compare")
    chat.say("What is a token?")
    expect(chat.page.get_by_text("token-20")).to_have_count(2)
    assert world.simulator.stats().open_now == 2
    chat.button("compare.stop_all").click()
    eventually(lambda: world.simulator.stats().streams.gone == 2, page=chat.page)
    chat.settle()
    expect(chat.page.get_by_text(chat.t("compare.status_stopped")).first).to_be_attached()


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_prompt_is_continued(world: World, language: str) -> None:
    world.serve("sim/tokens=20")
    chat = world.open(language)
    page = chat.go("prompt")
    page.get_by_role("textbox", name=chat.t("prompt.text")).fill("Once upon a time")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_text("token-20").first).to_be_visible()
    chat.settle()
