"""A page as a browser would have it, without one: the real frame, the real house, simulated providers on a port."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

import tramite.workbench
from tramite.simulator import Simulator
from tramite.workbench.house import leave
from tramite.workbench.language import Language, Words, words

APP = Path(tramite.workbench.__file__).with_name("app.py")
LOCALES: dict[Language, str] = {"en": "en-GB", "it": "it-IT"}
PATIENCE_S = 30.0

CONFIG = """
default_model = "sim/ok"
[providers.sim]
base_url = "{url}"
auth = "none"
[providers.chats]
base_url = "{url}"
auth = "none"
kinds = ["chat", "models"]
[providers.refuses]
base_url = "{url}"
auth = "none"
default_model = "auth"
[providers.echoes]
base_url = "{url}"
auth = "none"
default_model = "echo"
[models."sim/ok"]
input_per_million = 0.15
output_per_million = 0.60
[retry]
attempts = 1
"""


@contextmanager
def provider(monkeypatch: pytest.MonkeyPatch, **options: Any) -> Iterator[Simulator]:
    """A house with a simulated provider, `sim`; `chats` is the same one without completions, `refuses` takes no key,
    `echoes` says what it was asked."""
    with Simulator.in_thread(**{"tokens": 5, **options}) as simulator:
        file = Path("workbench.toml")
        file.write_text(CONFIG.format(url=simulator.base_url))
        monkeypatch.setenv("TRAMITE_CONFIG", str(file.resolve()))
        try:
            yield simulator
        finally:
            leave()


def visit(page: str, language: Language = "en", query: dict[str, str] | None = None) -> AppTest:
    """A new session that has this page open."""
    at = AppTest.from_file(str(APP), default_timeout=PATIENCE_S)
    at.context["locale"] = LOCALES[language]
    at.run()
    at.switch_page(f"screens/{page}.py")
    for name, value in (query or {}).items():
        at.query_params[name] = value
    return settled(at.run())


def settled(at: AppTest) -> AppTest:
    """No exception reached the page."""
    assert not at.exception, at.exception
    return at


def press(at: AppTest, key: str) -> AppTest:
    """Click the button of this key, and wait until the page is drawn and nothing is being written any more."""
    return settled(at.button(key=key).click().run())


def shown(at: AppTest) -> str:
    """Every text of the page, for what must be somewhere on it."""
    kinds = ("markdown", "caption", "code", "error", "warning", "info", "subheader")
    return "\n".join(element.value for kind in kinds for element in getattr(at, kind))


def said(language: Language) -> Words:
    """The texts in this language."""
    return words(language)


def asked(simulator: Simulator) -> list[str]:
    """The kinds of what was asked of a model."""
    return sorted(entry.kind for entry in simulator.log() if entry.kind != "models")
