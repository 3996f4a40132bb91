"""The words of the pages: the same ones in every language, with the same places for values."""

from __future__ import annotations

import re
from pathlib import Path
from string import Formatter

import pytest

import tramite.workbench
from tramite.workbench.language import LANGUAGES, catalogue, preferred, words

CODE = Path(tramite.workbench.__file__).parent
OTHERS = [language for language in LANGUAGES if language != "en"]


def places(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


@pytest.mark.parametrize("language", OTHERS)
def test_every_text_is_there_in_every_language_with_the_same_values(language: str) -> None:
    english, other = catalogue("en"), catalogue(language)  # type: ignore[arg-type]
    assert english.keys() == other.keys()
    assert {key: places(text) for key, text in english.items()} == {key: places(text) for key, text in other.items()}


def test_every_text_that_the_code_asks_for_is_there() -> None:
    asked = {
        key for path in CODE.rglob("*.py") for key in re.findall(r"""\bt\(\s*["']([a-z_.]+)["']""", path.read_text())
    }
    assert asked <= catalogue("en").keys()


def test_the_browser_chooses_the_language_and_english_stands_in_for_those_we_do_not_have() -> None:
    assert [preferred(one) for one in ("it-IT", "IT", "en-GB", "de-DE", "", None)] == [
        "it",
        "it",
        "en",
        "en",
        "en",
        "en",
    ]


def test_a_text_takes_its_values() -> None:
    assert words("it")("answer.tokens", input=3, output="?") == "3 → ? token"
