"""The words of the pages, in English and Italian. A page's are in the files of its name. Knows no Streamlit."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

Language: TypeAlias = Literal["en", "it"]
LANGUAGES: tuple[Language, ...] = get_args(Language)
NAMES: dict[Language, str] = {"en": "English", "it": "Italiano"}

PREFERENCE = "language"
"""The name under which a choice is kept; nothing is the browser's."""

Words: TypeAlias = Callable[..., str]
"""`t("chat.say")`, `t("answer.speed", speed=3)`."""

_FOLDER = Path(__file__).with_name("words")


@cache
def catalogue(language: Language) -> dict[str, str]:
    """All words of a language, as `file.key`."""
    words: dict[str, str] = {}
    for path in sorted((_FOLDER / language).glob("*.toml")):
        words |= _flat(path.stem, tomllib.loads(path.read_text("utf-8")))
    return words


def words(language: Language) -> Words:
    """A function that gives a text by its key, filled in. Raises KeyError for one that does not exist."""
    known = catalogue(language)

    def text(key: str, **values: object) -> str:
        return known[key].format(**values) if values else known[key]

    return text


def preferred(locale: str | None) -> Language:
    """The language for a browser that prefers this one (BCP 47); English where we do not have it."""
    wanted = (locale or "").partition("-")[0].lower()
    return next((one for one in LANGUAGES if one == wanted), "en")


def _flat(prefix: str, table: dict[str, Any]) -> dict[str, str]:
    flat: dict[str, str] = {}
    for key, value in table.items():
        flat |= _flat(f"{prefix}.{key}", value) if isinstance(value, dict) else {f"{prefix}.{key}": value}
    return flat
