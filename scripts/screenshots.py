"""`make screenshots`: pictures of every page of the workbench for docs/images, light in English and dark in Italian.

It starts a workbench of its own, in a folder of its own, with nothing behind it but the demo and the embedded model,
and uses it as a person would. Debian's chromium is the browser.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, expect, sync_playwright

from tramite.workbench.language import Language, Words, words

ROOT = Path(__file__).resolve().parent.parent
IMAGES = ROOT / "docs" / "images"
SIZE = {"width": 1280, "height": 860}
PHONE = {"width": 390, "height": 844}
LOOKS: tuple[tuple[Language, str], ...] = (("en", "light"), ("it", "dark"))
QUESTION = {
    "en": "Three ideas for a weekend in the mountains, please.",
    "it": "Tre idee per un fine settimana in montagna, per favore.",
}
FURTHER = {"en": "And if it rains?", "it": "E se piove?"}
PROMPT = {"en": "Q: What is the capital of Italy?\nA:", "it": "D: Qual è la capitale d'Italia?\nR:"}
WAIT_MS = 30_000


def main() -> int:
    """Take them all."""
    with tempfile.TemporaryDirectory() as folder, served(Path(folder)) as address, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for language, scheme in LOOKS:
            t = words(language)
            locale = {"en": "en-GB", "it": "it-IT"}[language]
            context = browser.new_context(viewport=SIZE, locale=locale, color_scheme=scheme, device_scale_factor=1)
            for name, take in PAGES.items():
                page = context.new_page()
                page.goto(f"{address}/{'' if name == 'chat' else name}")
                still(page)
                take(page, t, language)
                still(page)
                page.screenshot(path=IMAGES / f"workbench-{name}-{scheme}.png")
                if name == "chat":
                    phone(page, IMAGES / f"workbench-phone-{scheme}.png")
                page.close()
            context.close()
        browser.close()
    return 0


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """A workbench's address."""
    around = {key: value for key, value in os.environ.items() if not key.endswith(("_API_KEY", "_TOKEN"))}
    around |= {"TRAMITE_HOME": str(folder / "home"), "HOME": str(folder)}
    tramite = str(Path(sys.executable).with_name("tramite"))
    server = subprocess.Popen(
        [tramite, "ui", "--port", "0", "-q", "--no-browser"], cwd=folder, env=around, stdout=subprocess.PIPE, text=True
    )
    try:
        assert server.stdout is not None
        yield server.stdout.readline().strip()
    finally:
        server.terminate()
        server.wait(10)


def still(page: Page) -> None:
    """Wait until the page's script has ended."""
    page.wait_for_selector('[data-testid="stApp"][data-test-script-state="notRunning"]', timeout=WAIT_MS)
    page.wait_for_timeout(700)  # what slides and fades has come to rest


def phone(page: Page, path: Path) -> None:
    """The same on a small screen."""
    page.set_viewport_size({"width": PHONE["width"], "height": PHONE["height"]})
    still(page)
    page.screenshot(path=path)


def chat(page: Page, t: Words, language: Language) -> None:
    say(page, QUESTION[language])
    say(page, FURTHER[language])
    page.get_by_role("button", name=t("chat.again")).last.click()
    ended(page)


def say(page: Page, text: str) -> None:
    """Write it, send it, wait for what comes."""
    answers = page.get_by_test_id("stChatMessage")
    before = answers.count()
    field = page.get_by_test_id("stChatInputTextArea")
    expect(field).to_be_enabled(timeout=WAIT_MS)
    field.fill(text)
    field.press("Enter")
    expect(answers.nth(before + 1)).to_be_visible(timeout=WAIT_MS)
    ended(page)


def ended(page: Page) -> None:
    """Wait until nothing is being written."""
    page.wait_for_timeout(500)
    expect(page.get_by_role("button", name=re.compile("Stop|Ferma"))).to_have_count(0, timeout=WAIT_MS)
    still(page)


def prompt(page: Page, t: Words, language: Language) -> None:
    page.get_by_label(t("prompt.text"), exact=True).fill(PROMPT[language])
    page.get_by_role("button", name=t("prompt.generate")).click()
    ended(page)


def compare(page: Page, t: Words, language: Language) -> None:
    field = page.get_by_test_id("stChatInputTextArea")
    field.fill(QUESTION[language])
    field.press("Enter")
    ended(page)


def similarity(page: Page, t: Words, language: Language) -> None:
    page.get_by_role("button", name=t("similarity.compute")).click()
    expect(page.get_by_test_id("stVegaLiteChart").first).to_be_visible(timeout=WAIT_MS)


def shown(page: Page, t: Words, language: Language) -> None:
    """As it is."""


PAGES: dict[str, Callable[[Page, Words, Language], None]] = {
    "chat": chat,
    "prompt": prompt,
    "compare": compare,
    "similarity": similarity,
    "usage": shown,
    "settings": shown,
}

if __name__ == "__main__":
    sys.exit(main())
