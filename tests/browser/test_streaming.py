"""Answers in the browser: they come as they are written, stop when they are told, and outlive the page."""

from __future__ import annotations

import signal
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from tests.browser.world import World, eventually
from tramite.simulator import text
from tramite.workbench.language import LANGUAGES

ENDLESS = "sim/tokens=60,stall@20"
"""Falls silent for ever after twenty of sixty tokens."""
SILENT = "sim/slow-first-token:60s"
LONG = "sim/tokens=100"


def counted(tokens: int) -> str:
    return "".join(text.counted(tokens))


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_whole_answer_is_shown_once_under_its_question(world: World, language: str) -> None:
    world.serve("sim/tokens=30")
    chat = world.open(language)
    chat.ask("What is a token?")
    expect(chat.messages).to_have_count(2)
    expect(chat.messages.first).to_contain_text("What is a token?")
    expect(chat.answer).to_contain_text(counted(30))
    chat.ask("And two?")
    expect(chat.messages).to_have_count(4)
    assert [one.outcome for one in world.asked()] == ["finished", "finished"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_has_come_is_shown_while_the_rest_is_awaited(world: World, language: str) -> None:
    world.serve(ENDLESS)
    chat = world.open(language)
    chat.say("hello")
    expect(chat.answer).to_contain_text(counted(20))
    assert world.simulator.stats().open_now == 1
    expect(chat.composer).to_be_disabled()
    chat.stop.click()
    chat.over()


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_stop_before_the_first_token_ends_the_request(world: World, language: str) -> None:
    world.serve(SILENT)
    chat = world.open(language)
    chat.say("hello")
    eventually(lambda: len(world.asked()) == 1, page=chat.page)
    chat.stop.click()
    eventually(lambda: world.simulator.stats().streams.gone == 1, page=chat.page)
    chat.over()
    chat.shows("answer.stopped")
    expect(chat.messages.first).to_contain_text("hello")


@pytest.mark.parametrize("language", LANGUAGES)
def test_there_is_one_way_to_stop_and_none_that_stops_the_page_alone(world: World, language: str) -> None:
    world.serve(ENDLESS)
    chat = world.open(language)
    chat.say("hello")
    expect(chat.answer).to_contain_text(counted(20))
    expect(chat.stop).to_have_count(1)
    assert not [one for one in chat.page.get_by_role("button", name="Stop", exact=True).all() if one.is_visible()]
    chat.stop.click()
    chat.over()


@pytest.mark.parametrize("how", ["click", "Escape"])
def test_a_stop_keeps_what_had_come_also_for_later(world: World, how: str) -> None:
    world.serve(ENDLESS)
    chat = world.open()
    chat.say("hello")
    expect(chat.answer).to_contain_text(counted(20))
    if how == "click":
        chat.stop.click()
    else:
        chat.page.keyboard.press(how)
    chat.over()
    eventually(lambda: world.simulator.stats().streams.gone == 1, page=chat.page)
    for _ in range(2):
        chat.shows("answer.stopped")
        expect(chat.answer).to_contain_text(counted(20))
        expect(chat.answer).not_to_contain_text("token-21")
        chat.reload()


def test_after_a_stop_the_conversation_goes_on(world: World) -> None:
    world.serve(SILENT)
    chat = world.open()
    chat.say("hello")
    chat.stop.click()
    chat.over()
    chat.say("hello again")
    expect(chat.messages).to_have_count(4)
    eventually(lambda: len(world.asked()) == 2, page=chat.page)
    chat.stop.click()
    chat.over()


def test_a_refresh_loses_nothing_of_an_answer_that_is_being_written(world: World) -> None:
    world.serve(LONG, token_interval_s=0.03)
    chat = world.open()
    chat.say("hello")
    expect(chat.answer).to_contain_text("token-10 ")
    chat.reload()
    expect(chat.answer).to_contain_text("token-10 ")
    chat.over()
    expect(chat.answer).to_contain_text(counted(100))
    expect(chat.messages).to_have_count(2)
    assert [one.outcome for one in world.asked()] == ["finished"]


def test_an_answer_is_written_to_its_end_while_no_page_is_open(world: World) -> None:
    world.serve("sim/tokens=30")
    chat = world.open()
    chat.say("hello")
    expect(chat.messages).to_have_count(2)
    chat.page.wait_for_url("**/?c=*")
    where = urlsplit(chat.page.url).query
    chat.page.close()
    eventually(lambda: world.simulator.stats().streams.finished == 1)
    again = world.open(path=f"/?{where}")
    expect(again.answer).to_contain_text(counted(30))


def test_two_tabs_show_the_same_answer_and_either_stops_it(world: World) -> None:
    world.serve(ENDLESS)
    first = world.open()
    first.say("hello")
    expect(first.answer).to_contain_text(counted(20))
    second = world.tab(first.page.context, path="/?" + urlsplit(first.page.url).query)
    expect(second.answer).to_contain_text(counted(20))
    second.stop.click()
    for tab in (first, second):
        tab.over()
        tab.shows("answer.stopped")
    assert len(world.asked()) == 1


def test_two_conversations_are_answered_at_once(world: World) -> None:
    world.serve(ENDLESS)
    chats = [world.open(), world.open("it")]
    for number, chat in enumerate(chats):
        chat.say(f"question {number}")
    for number, chat in enumerate(chats):
        expect(chat.answer).to_contain_text(counted(20))
        expect(chat.messages.first).to_contain_text(f"question {number}")
    assert world.simulator.stats().open_now == 2
    for chat in chats:
        chat.stop.click()
        chat.over()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_what_a_dead_server_was_writing_is_shown_as_interrupted(world: World, number: int) -> None:
    world.serve(ENDLESS)
    chat = world.open()
    chat.say("hello")
    expect(chat.answer).to_contain_text(counted(20))
    chat.page.wait_for_timeout(300)  # what came last is written a quarter of a second later
    where = urlsplit(chat.page.url).query
    chat.page.close()
    world.end(number)
    world.begin()
    again = world.open(path=f"/?{where}")
    again.shows("answer.interrupted")
    expect(again.answer).to_contain_text(counted(20))
    expect(again.composer).to_be_enabled()
