"""What goes wrong, in the browser: told in the reader's language with what to do, and nothing typed is lost."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.world import KEY, World
from tramite.workbench.language import LANGUAGES

WRONG = "sk-wrong-9876543210-abcd"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("model", "kind"),
    [
        ("sim/auth", "AuthenticationFailed"),
        ("sim/429", "Throttled"),
        ("sim/quota", "QuotaExhausted"),
        ("sim/notfound", "ModelNotFound"),
        ("sim/500", "Overloaded"),
        ("sim/context", "ContextTooLong"),
        ("sim/html", "BadReply"),
    ],
)
def test_a_refusal_is_told_with_what_to_do(world: World, model: str, kind: str, language: str) -> None:
    world.serve(model)
    chat = world.open(language)
    chat.say("an important question")
    chat.shows(f"errors.{kind}")
    chat.over()
    expect(chat.messages.first).to_contain_text("an important question")
    expect(chat.page.get_by_text("Traceback")).to_have_count(0)
    chat.page.get_by_text(chat.t("answer.details"), exact=True).click()
    expect(chat.page.get_by_text(f"{kind}:")).to_be_visible()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("model", ["sim/cut@10", "sim/error@10", "sim/malformed@10"])
def test_a_broken_answer_keeps_what_had_come_and_says_so(world: World, model: str, language: str) -> None:
    world.serve(model)
    chat = world.open(language)
    chat.say("hello")
    expect(chat.page.get_by_test_id("stAlert")).to_be_visible()
    chat.over()
    expect(chat.answer).to_contain_text("token-1 token-2")
    chat.reload()
    expect(chat.page.get_by_test_id("stAlert")).to_be_visible()
    expect(chat.answer).to_contain_text("token-1 token-2")


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_wrong_key_is_mended_in_the_sidebar_and_never_seen_again(world: World, language: str) -> None:
    world.secrets.append(WRONG)
    world.serve(secret=WRONG)
    chat = world.open(language)
    chat.say("hello")
    chat.shows("errors.AuthenticationFailed")
    chat.over()
    chat.choose("picker.provider", "sim")
    chat.page.get_by_text(chat.t("picker.connection")).click()
    field = chat.page.get_by_label(chat.t("picker.key"))
    field.fill(KEY)
    field.press("Enter")
    expect(chat.page.get_by_placeholder(chat.t("picker.key_typed"))).to_be_visible()
    expect(field).to_have_value("")
    chat.settle()
    chat.choose("picker.model", "ok")
    assert "token-1" in chat.ask("hello")


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_setting_that_cannot_be_sent_is_told_and_the_text_given_back(world: World, language: str) -> None:
    world.serve()
    chat = world.open(language)
    chat.page.get_by_text(chat.t("chat.sampling"), exact=True).click()
    field = chat.page.get_by_role("textbox", name=chat.t("chat.schema"))
    field.fill("no JSON")
    field.press("Control+Enter")
    chat.settle()
    chat.say("a question of **some** length")
    chat.shows("errors.InvalidCall")
    chat.shows("chat.not_sent")
    expect(chat.page.get_by_text("a question of **some** length")).to_be_visible()
    assert world.asked() == []


def test_a_provider_that_nobody_answers_for_is_told(world: World) -> None:
    world.configure("http://127.0.0.1:9/v1", "sim/ok")
    world.begin(SIM_KEY=KEY)
    chat = world.open()
    chat.say("hello")
    chat.shows("errors.ConnectFailed")
    chat.over()
