"""A world for the settings page: configurations, and the pages without a browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from streamlit.testing.v1 import AppTest

import tramite.workbench
from tests.cli.world import eventually, variables
from tramite.providers.catalogue import CATALOGUE
from tramite.workbench.house import House, house, leave
from tramite.workbench.language import Words, words

APP = Path(tramite.workbench.__file__).with_name("app.py")
LOCALES = ("en-GB", "it-IT")
KEY = "sk-test-0123456789-wxyz"
WRONG = "sk-wrong-0123456789-abcd"


def toml(more: str = "", lmstudio: str = "http://127.0.0.1:9/v1") -> str:
    """A configuration in which no local server answers, but for this one."""
    local = {name: "http://127.0.0.1:9/v1" for name, row in CATALOGUE.items() if row.local and not row.in_process}
    local["lmstudio"] = lmstudio
    return more + "".join(f'[providers."{name}"]\nbase_url = "{url}"\n' for name, url in local.items())


@contextmanager
def at_home(text: str) -> Iterator[tuple[House, Path]]:
    """The house of this process, standing on this configuration; and the file that it is in."""
    file = Path("settled.toml").absolute()
    file.write_text(text)
    with variables(TRAMITE_CONFIG=str(file), SIM_KEY=KEY, WRONG_KEY=WRONG):
        try:
            yield house(), file
        finally:
            leave()


def texts(locale: str) -> Words:
    """The texts for this browser."""
    return words("it" if locale.startswith("it") else "en")


def page(locale: str, name: str = "settings") -> AppTest:
    """A page, as it is drawn for this browser."""
    app = AppTest.from_file(str(APP), default_timeout=20)
    app.context = {"locale": locale}
    app.run()
    if name != "chat":
        app.switch_page(f"screens/{name}.py").run()
    assert not app.exception
    return app


def shown(app: AppTest) -> str:
    """All that is written on it."""
    kinds = ("markdown", "caption", "success", "warning", "error", "info", "code", "header", "subheader")
    return "\n".join(element.value for kind in kinds for element in getattr(app, kind))


def until(app: AppTest, true: Callable[[], bool]) -> None:
    """Have it run until this is so: it looks again, as a browser has it look."""
    eventually(lambda: not app.run().exception and true())
