"""Files that go along with a message."""

from __future__ import annotations

import pytest

from tramite.errors import InvalidCall
from tramite.messages import Image, Text, user
from tramite.workbench.chat import files
from tramite.workbench.chat.files import File

PNG = b"\x89PNG\r\n\x1a\n" + bytes(16)


def test_a_picture_goes_as_a_picture_and_a_text_between_fences_longer_than_its_own() -> None:
    made = files.message("Look", [File("a.PNG", PNG), File("b.md", "```\nè\n```".encode())])
    assert made.parts == (Text("Look"), Image(data=PNG), Text("b.md:\n````\n```\nè\n```\n````"))
    assert (files.typed(made), files.attached(made)) == ("Look", ["b.md:\n````\n```\nè\n```\n````"])


def test_a_text_with_a_byte_order_mark_is_read() -> None:
    for data in ("però".encode("utf-8-sig"), "però".encode("utf-16")):
        assert files.attached(files.message("", [File("x.txt", data)])) == ["x.txt:\n```\nperò\n```"]


@pytest.mark.parametrize("file", [File("a.png", b"no picture"), File("b.txt", b"\xff\x00"), File("c.txt", b"a\0b")])
def test_what_is_neither_a_picture_nor_a_text_is_refused_by_its_name(file: File) -> None:
    with pytest.raises(InvalidCall, match=file.name):
        files.message("x", [file])


def test_a_text_that_fits_in_no_model_is_refused() -> None:
    with pytest.raises(InvalidCall, match="the most is"):
        files.message("x", [File("big.txt", b"x" * (files.MOST_CHARACTERS + 1))])


def test_another_text_keeps_the_files() -> None:
    made = files.message("one", [File("a.png", PNG), File("b.txt", b"b")])
    assert files.retyped(made, "two") == files.message("two", [File("a.png", PNG), File("b.txt", b"b")])
    assert files.retyped(user("one"), "two") == user("two")
