"""What a page in Chromium shows, and when. Moments are seconds since 1970."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

WATCH = """() => {
    window.seen = {}; window.clicked = 0;
    const now = () => (performance.timeOrigin + performance.now()) / 1000;
    const look = () => {
        const at = now();
        for (const [, word] of document.body.innerText.matchAll(/([a-z]+\\d+-\\d+)\\b/g))
            if (!(word in window.seen)) window.seen[word] = at;
    };
    new MutationObserver(look).observe(document.body, {subtree: true, childList: true, characterData: true});
    document.addEventListener("click", () => { window.clicked = now(); }, true);
}"""
OPTIONS = ["--disable-dev-shm-usage", *(["--no-sandbox"] if os.getuid() == 0 else [])]
COMPOSER, STOP = "[data-testid=stChatInputTextArea]", ".st-key-chat-stop_button button"


@contextmanager
def chromium() -> Iterator[Browser]:
    """The one that TRAMITE_TEST_BROWSER names."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=os.environ["TRAMITE_TEST_BROWSER"], args=OPTIONS)
        yield browser
        browser.close()


@contextmanager
def somebodys(browser: Browser, profile: str) -> Iterator[BrowserContext]:
    """Another of the same program, that keeps what it has loaded in this folder, as everybody's does."""
    kind, program = browser.browser_type, os.environ["TRAMITE_TEST_BROWSER"]
    context = kind.launch_persistent_context(profile, executable_path=program, args=OPTIONS, locale="en-GB")
    yield context
    context.close()


def usable(browser: Browser, url: str) -> Page:
    """A page in a context of its own, once one can write in it."""
    page = browser.new_context(locale="en-GB").new_page()
    wait_until_usable(page, url)
    return page


def wait_until_usable(page: Page, url: str) -> None:
    """Go there; until one can write."""
    page.goto(url)
    page.wait_for_selector(f"{COMPOSER}:not([disabled])")


def say(page: Page, text: str) -> None:
    """Send it, and note when which word is seen."""
    page.evaluate(WATCH)
    page.fill(COMPOSER, text)
    page.press(COMPOSER, "Enter")
    page.wait_for_selector(STOP)


def over(page: Page) -> None:
    """Until the answer is."""
    page.wait_for_selector(STOP, state="detached", timeout=120_000)
    page.wait_for_selector(f"{COMPOSER}:not([disabled])")


def seen(page: Page) -> dict[str, float]:
    """Which word was there when."""
    found: dict[str, float] = page.evaluate("window.seen")
    return found


def stop(page: Page) -> float:
    """Press it; when it was pressed."""
    page.click(STOP)
    clicked: float = page.evaluate("window.clicked")
    return clicked


def until(true: object, page: Page) -> None:
    """Wait while the page goes on living."""
    assert callable(true)
    ends = time.monotonic() + 60
    while not true():
        if time.monotonic() > ends:
            raise TimeoutError("it did not happen")
        page.wait_for_timeout(10)
