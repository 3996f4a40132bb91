"""The chat page as somebody sees it: what they can read and press, by its words, and no word of how it is drawn."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page, expect

from tramite.workbench.language import preferred, words

PATIENCE_S = 40
expect.set_options(timeout=PATIENCE_S * 1000)


OTHERS = ["prompt", "compare", "similarity", "usage", "settings"]
"""Pages beside the chat."""


class Chat:
    """A page that shows a conversation."""

    def __init__(self, page: Page, language: str = "en") -> None:
        self.page = page
        self.t = words(preferred(language))
        expect(self.composer).to_be_visible()

    @property
    def composer(self) -> Locator:
        """Where one writes."""
        return self.page.get_by_test_id("stChatInputTextArea")

    @property
    def messages(self) -> Locator:
        """All that are shown."""
        return self.page.get_by_test_id("stChatMessage")

    @property
    def answer(self) -> Locator:
        """The last one."""
        return self.messages.last

    @property
    def stop(self) -> Locator:
        """What ends an answer that is being written."""
        return self.button("chat.stop")

    def button(self, key: str) -> Locator:
        """A button of the page's, by the key of its words. Streamlit's own, in its header, are none of ours."""
        named = self.page.get_by_role("button", name=re.compile(rf"^{re.escape(self.t(key))}(?: Shortcut .+)?$"))
        return named.and_(self.page.locator(":not([data-testid=stBaseButton-header])"))

    def say(self, text: str) -> None:
        """Write and send."""
        self.composer.fill(text)
        self.composer.press("Enter")

    def ask(self, text: str) -> str:
        """The whole answer to this."""
        count = self.messages.count()
        self.say(text)
        expect(self.messages).to_have_count(count + 2)
        self.over()
        return self.answer.inner_text()

    def choose(self, key: str, name: str) -> None:
        """Choose from a list in the sidebar; what is not in it is typed."""
        field = self.page.get_by_role("combobox", name=re.compile(re.escape(self.t(key))))
        field.click()
        field.fill(name)
        field.press("Enter")
        self.settle()

    def over(self) -> None:
        """Wait until nothing is being written any more."""
        expect(self.stop).to_have_count(0)
        expect(self.composer).to_be_enabled()
        self.settle()

    def settle(self) -> None:
        """Wait until the server has drawn all."""
        expect(self.page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")

    def go(self, name: str) -> Page:
        """Follow the link to another page."""
        self.settle()
        links = self.page.get_by_role("link", name=self.t(f"frame.{name}"), exact=True)
        links.first.click()
        self.page.wait_for_url(f"**/{name}*")
        self.settle()
        return self.page

    def reload(self) -> None:
        """Press F5."""
        self.page.reload()
        expect(self.composer).to_be_visible()

    def shows(self, key: str, **values: object) -> None:
        """Wait until these words stand there."""
        text = self.t(key, **values).replace("*", "")
        expect(self.page.get_by_text(text).first).to_be_visible()
