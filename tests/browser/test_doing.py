"""What else is done with a chat: edits and branches, pictures and texts, tools, files, history, what nobody keeps."""

from __future__ import annotations

import json
import re
import struct
import zlib
from pathlib import Path

import pytest
from playwright.sync_api import Download, FilePayload, expect

from tests.browser.chat import Chat
from tests.browser.world import World, eventually
from tramite.workbench.language import LANGUAGES

JSON_CALL = "tools"
"""The simulated model that asks for the first tool that it is offered."""


def png() -> bytes:
    """One red pixel."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0\xff\0\0")) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_edited_question_is_another_branch_and_both_stay(world: World, language: str) -> None:
    world.serve("sim/echo")
    chat = world.open(language)
    chat.ask("the first wording")
    edit(chat, "the second wording")
    expect(chat.messages).to_have_count(2)
    expect(chat.answer).to_contain_text("the second wording")
    expect(chat.messages.first).to_contain_text("2/2")
    chat.button("chat.branch_before").click()
    expect(chat.messages.first).to_contain_text("1/2")
    expect(chat.answer).to_contain_text("the first wording")
    chat.reload()
    expect(chat.messages.first).to_contain_text("1/2")
    chat.button("chat.branch_after").click()
    expect(chat.answer).to_contain_text("the second wording")


def edit(chat: Chat, text: str) -> None:
    """Say something else in the first question's place."""
    chat.button("chat.edit").first.click()
    field = chat.page.get_by_role("textbox", name=chat.t("chat.edit_text"))
    field.fill(text)
    chat.button("chat.edit_send").click()
    expect(field).to_have_count(0)
    chat.over()


def test_an_edit_that_is_given_up_changes_nothing(world: World) -> None:
    world.serve("sim/echo")
    chat = world.open()
    chat.ask("the first wording")
    chat.button("chat.edit").click()
    chat.page.get_by_role("textbox", name=chat.t("chat.edit_text")).fill("something else")
    chat.button("chat.edit_cancel").click()
    expect(chat.messages.first).to_contain_text("the first wording")
    assert len(world.asked()) == 1


def test_another_answer_to_the_same_question_is_another_branch(world: World) -> None:
    world.serve("sim/tokens=20")
    chat = world.open()
    chat.ask("hello")
    chat.button("chat.again").click()
    expect(chat.answer).to_contain_text("2/2")
    chat.over()
    expect(chat.messages).to_have_count(2)
    chat.ask("and now?")
    chat.button("chat.branch_before").click()
    expect(chat.messages).to_have_count(2)
    expect(chat.answer).to_contain_text("1/2")
    chat.button("chat.branch_after").click()
    expect(chat.messages).to_have_count(4)


def attach(chat: Chat, *files: tuple[str, str, bytes]) -> None:
    """Put files (name, type, content) to what is being written."""
    given: list[FilePayload] = [{"name": name, "mimeType": kind, "buffer": content} for name, kind, content in files]
    chat.page.get_by_test_id("stChatInput").locator("input[type=file]").set_input_files(given)
    for name, _, _ in files:
        expect(chat.page.get_by_test_id("stChatInput").get_by_text(name)).to_be_visible()


def test_pictures_and_texts_go_along_with_a_question(world: World) -> None:
    world.serve("sim/tokens=5")
    chat = world.open()
    attach(chat, ("red.png", "image/png", png()), ("note.txt", "text/plain", "perché <b>no</b>?".encode()))
    chat.say("What is this?")
    expect(chat.messages).to_have_count(2)
    chat.over()
    asked = chat.messages.first
    expect(asked.locator("img[src^='/media'], img[src*='media']")).to_be_visible()
    asked.get_by_text("note.txt").click()
    expect(asked).to_contain_text("perché <b>no</b>?")
    chat.reload()
    expect(asked.locator("img[src*='media']")).to_be_visible()
    chat.button("chat.details").click()
    expect(chat.page.get_by_role("dialog")).to_be_visible()


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_file_that_cannot_go_along_is_told_and_the_text_given_back(world: World, language: str) -> None:
    world.serve("sim/tokens=5")
    chat = world.open(language)
    attach(chat, ("broken.png", "image/png", b"not a picture"))
    chat.say("What is this?")
    expect(chat.page.get_by_test_id("stAlert")).to_be_visible()
    chat.shows("chat.not_sent")
    expect(chat.page.get_by_text("What is this?").first).to_be_visible()
    assert world.asked() == []


@pytest.mark.parametrize("allowed", [True, False])
def test_a_tool_runs_when_it_was_allowed_and_not_before(world: World, allowed: bool) -> None:
    world.serve(f"sim/{JSON_CALL}")
    chat = world.open()
    chat.page.get_by_text(chat.t("chat.tools"), exact=True).click()
    chat.choose("chat.tools_ours", "current_time")
    chat.page.keyboard.press("Escape")
    chat.settle()
    chat.say("What time is it?")
    expect(chat.page.get_by_text(re.compile("allow them|prima di"))).to_be_visible()
    chat.over()
    assert len(world.asked()) == 1
    chat.button("chat.approve" if allowed else "chat.refuse").click()
    eventually(lambda: len(world.asked()) == 2, page=chat.page)
    chat.over()
    said = chat.page.get_by_text("The user did not allow this call.")
    expect(said).to_have_count(0 if allowed else 2)  # as the tool's result, and as the simulated model repeats it


def saved(chat: Chat, key: str) -> tuple[str, bytes]:
    """A file's name and what is in it."""
    with chat.page.expect_download() as coming:
        chat.page.get_by_role("button", name=re.compile(re.escape(chat.t(key)))).click()
    found: Download = coming.value
    return found.suggested_filename, Path(found.path()).read_bytes()


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_conversation_goes_out_and_comes_in_again_as_it_was(world: World, language: str) -> None:
    world.serve("sim/echo")
    chat = world.open(language)
    chat.ask("Perché no?")
    edit(chat, "Perché <b>sì</b>!")
    chat.button("chat.conversation").click()
    name, exported = saved(chat, "chat.export_json")
    assert name.endswith(".json")
    json.loads(exported)
    shown = saved(chat, "chat.export_md")[1].decode()
    assert "Perché <b>sì</b>!" in shown
    other = world.open(language)
    bring(other, name, exported)
    expect(other.messages).to_have_count(2)
    expect(other.answer).to_contain_text("Perché <b>sì</b>!")
    expect(other.messages.first).to_contain_text("2/2")
    assert other.page.url != chat.page.url


def bring(chat: Chat, name: str, content: bytes) -> None:
    """Import a file."""
    chat.page.get_by_role("tab", name=chat.t("chat.history")).click()
    chat.page.get_by_text(chat.t("chat.import"), exact=True).click()
    given: FilePayload = {"name": name, "mimeType": "application/json", "buffer": content}
    chat.page.get_by_test_id("stSidebar").locator("input[type=file]").set_input_files(given)
    chat.button("chat.import_do").click()


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_file_that_is_none_of_ours_is_refused_whole(world: World, language: str) -> None:
    world.serve()
    chat = world.open(language)
    bring(chat, "other.json", b'{"messages": [{"role": "user", "content": "hello"}]}')
    chat.shows("chat.import_refused")
    chat.reload()
    chat.page.get_by_role("tab", name=chat.t("chat.history")).click()
    chat.shows("chat.none")


@pytest.mark.parametrize("language", LANGUAGES)
def test_earlier_conversations_are_found_renamed_and_deleted(world: World, language: str) -> None:
    world.serve("sim/tokens=5")
    chat = world.open(language)
    chat.ask("A question about whales")
    chat.button("chat.new").click()
    expect(chat.messages).to_have_count(0)
    chat.ask("A question about prices")
    chat.page.get_by_role("tab", name=chat.t("chat.history")).click()
    search = chat.page.get_by_role("textbox", name=chat.t("chat.search"))
    search.fill("whales")
    search.press("Enter")
    chat.settle()
    expect(chat.page.get_by_test_id("stSidebar").get_by_text("prices")).to_have_count(0)
    chat.page.get_by_test_id("stSidebar").get_by_role("button", name="A question about whales").click()
    expect(chat.messages.first).to_contain_text("A question about whales")
    chat.button("chat.conversation").click()
    title = chat.page.get_by_role("textbox", name=chat.t("chat.title"))
    title.fill("Balene <b>e</b> $5")
    chat.button("chat.rename").click()
    expect(chat.page.get_by_text("Balene <b>e</b> $5").first).to_be_visible()
    chat.settle()
    chat.page.keyboard.press("Escape")
    expect(title).to_be_hidden()
    chat.button("chat.conversation").click()
    chat.page.get_by_text(chat.t("chat.delete_sure")).click()
    chat.button("chat.delete").click()
    expect(chat.messages).to_have_count(0)
    chat.shows("chat.begin")
    assert "c=" not in chat.page.url


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_temporary_chat_is_not_written_to_disk(world: World, language: str) -> None:
    world.serve("sim/echo")
    chat = world.open(language)
    chat.button("chat.temporary").click()
    chat.shows("chat.temporary_here")
    chat.ask("a very private question")
    chat.reload()
    expect(chat.messages).to_have_count(2)
    chat.shows("chat.temporary_here")
    chat.page.close()
    world.end()
    assert world.home.exists()
    assert not [path for path in world.home.rglob("*") if path.is_file() and b"very private" in path.read_bytes()]


def test_what_was_sent_and_came_is_shown_without_the_key(world: World) -> None:
    world.serve("sim/tokens=5")
    chat = world.open()
    chat.ask("hello")
    chat.button("chat.details").click()
    dialog = chat.page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    for tab in dialog.get_by_role("tab").all():
        tab.click()
    expect(dialog).to_contain_text("chat/completions")
    chat.page.keyboard.press("Escape")
