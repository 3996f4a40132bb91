"""Whoever uses it, and on whatever: by keyboard alone, in the dark, on a telephone, with a screen reader."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser.chat import OTHERS, Chat
from tests.browser.world import World, eventually
from tramite.workbench.language import LANGUAGES

PHONE = {"width": 390, "height": 844}
SCHEMES = ["light", "dark"]
GRAVE = ("serious", "critical")
FOCUSED = """() => { const at = document.activeElement;
    return at.matches("a, button, input, textarea") ? [at.dataset.testid, at.innerText].join(" ") : ""; }"""
"""What can be pressed or typed into. Whatever scrolls has the focus, too, now and then, and holds many words."""


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_chat_is_led_by_keyboard_alone(world: World, language: str) -> None:
    world.serve("sim/tokens=60,stall@20")
    chat = world.open(language)
    press_until(chat, "stChatInputTextArea")
    chat.page.keyboard.type("What is a token?")
    chat.page.keyboard.press("Enter")
    expect(chat.answer).to_contain_text("token-20")
    press_until(chat, chat.t("chat.stop"))
    chat.page.keyboard.press("Enter")
    chat.over()
    chat.shows("answer.stopped")
    press_until(chat, chat.t("chat.again"))
    chat.page.keyboard.press("Enter")
    eventually(lambda: len(world.asked()) == 2, page=chat.page)
    expect(chat.stop).to_be_visible()
    expect(chat.answer).to_contain_text("token-20")
    chat.page.keyboard.press("Escape")
    chat.over()


def press_until(chat: Chat, words: str) -> None:
    """Press Tab until what has these words has the focus."""
    for _ in range(80):
        chat.page.keyboard.press("Tab")
        if words in chat.page.evaluate(FOCUSED):
            return
    raise AssertionError(f"no Tab leads to {words!r}")


@pytest.mark.parametrize("scheme", SCHEMES)
def test_it_is_as_dark_as_the_browser_is(world: World, scheme: str) -> None:
    world.serve()
    chat = world.open(color_scheme=scheme)
    chat.ask("hello")
    dark = scheme == "dark"
    assert (brightness(chat, "[data-testid=stApp]", "backgroundColor") < 128) is dark
    assert (brightness(chat, "[data-testid=stChatMessage] p", "color") > 128) is dark


def brightness(chat: Chat, selector: str, name: str) -> float:
    """Of a colour, between 0 and 255."""
    colour: str = chat.page.locator(selector).first.evaluate(f"element => getComputedStyle(element).{name}")
    red, green, blue = (float(one) for one in colour[colour.index("(") + 1 : -1].split(",")[:3])
    return 0.299 * red + 0.587 * green + 0.114 * blue


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_chat_fits_on_a_telephone(world: World, language: str) -> None:
    world.serve("sim/tokens=30")
    chat = world.open(language, viewport=PHONE, has_touch=True, is_mobile=True)
    expect(chat.page.get_by_test_id("stSidebar")).to_have_attribute("data-collapsed", "true")
    fits(chat)
    chat.ask("A question that is long enough to take more than one line on a telephone's screen, and then some")
    fits(chat)
    expect(chat.composer).to_be_in_viewport()
    chat.page.get_by_test_id("stExpandSidebarButton").tap()
    expect(chat.button("chat.new")).to_be_in_viewport()
    expect(chat.page.get_by_text(chat.t("picker.provider")).first).to_be_in_viewport()
    fits(chat)


def fits(chat: Chat) -> None:
    """Nothing sticks out at the side."""
    assert chat.page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    expect(chat.composer).to_be_visible()


EXCLUDED: dict[str, str] = {}
"""Faults of Streamlit's own that we cannot mend: the rule, and the elements that it is not held against."""


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("view", ["empty", "answered", "writing", "failed", "editing", "details", *OTHERS])
def test_no_serious_accessibility_fault_is_found(world: World, scheme: str, view: str) -> None:
    world.serve({"writing": "sim/tokens=60,stall@20", "failed": "sim/cut@10"}.get(view, "sim/tokens=30"))
    chat = world.open(color_scheme=scheme)
    if view in OTHERS:
        chat.go(view)
    else:
        VIEWS[view](chat)
    expect(chat.page.locator("[data-stale=true]")).to_have_count(0)  # what is about to be drawn anew is pale
    found = Axe().run(chat.page).response["violations"]
    grave = [
        f"{one['id']} ({one['impact']}): {node['target']} {node['html'][:200]}"
        for one in found
        if one["impact"] in GRAVE
        for node in one["nodes"]
        if EXCLUDED.get(one["id"], "\0") not in node["html"]
    ]
    report(f"{view}, {scheme}" if view in OTHERS else f"chat, {view}, {scheme}", found)
    assert not grave, "\n".join(grave)


def answered(chat: Chat) -> None:
    chat.ask("What is a token?")


def writing(chat: Chat) -> None:
    chat.say("What is a token?")
    expect(chat.answer).to_contain_text("token-20")


def failed(chat: Chat) -> None:
    chat.ask("What is a token?")
    expect(chat.page.get_by_test_id("stAlert")).to_be_visible()
    chat.page.get_by_text(chat.t("answer.details"), exact=True).click()


def editing(chat: Chat) -> None:
    chat.ask("What is a token?")
    chat.button("chat.edit").click()
    expect(chat.page.get_by_role("textbox", name=chat.t("chat.edit_text"))).to_be_visible()


def details(chat: Chat) -> None:
    chat.ask("What is a token?")
    chat.button("chat.details").click()
    expect(chat.page.get_by_role("dialog")).to_be_visible()
    chat.settle()


VIEWS = {
    "empty": Chat.settle,
    "answered": answered,
    "writing": writing,
    "failed": failed,
    "editing": editing,
    "details": details,
}


def report(what: str, found: list[dict[str, object]]) -> None:
    """One line for each page, in the file that TRAMITE_TEST_AXE_REPORT named when the tests began."""
    if REPORT:
        counts = {one["id"]: [one["impact"], len(one["nodes"])] for one in found}  # type: ignore[arg-type]
        with Path(REPORT).open("a") as file:
            file.write(json.dumps({"page": what, "found": counts}) + "\n")


REPORT = os.environ.get("TRAMITE_TEST_AXE_REPORT", "")
