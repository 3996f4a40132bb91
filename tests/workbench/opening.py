"""A house with a simulated provider `sim` in it, and its pages as a browser would have them, without one."""

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
from tramite.workbench.language import Language

APP = Path(tramite.workbench.__file__).with_name("app.py")
BOTH: tuple[Language, ...] = ("en", "it")
KEY = "sk-sim-0123456789-wxyz"
PATIENCE_S = 30.0
_LOCALES: dict[Language, str] = {"en": "en-GB", "it": "it-IT"}


@contextmanager
def housed(monkeypatch: pytest.MonkeyPatch, more: str = "", **options: Any) -> Iterator[Simulator]:
    """The simulator wants a key, which is configured; `wrong` is the same one, whose model refuses it. No local server
    answers, whatever runs on this machine."""
    with Simulator.in_thread(**{"key": KEY, "tokens": 5, **options}) as simulator:
        file = Path("workbench.toml").absolute()
        file.write_text(
            f'[providers.sim]\nbase_url = "{simulator.base_url}"\napi_key = "env:SIM_KEY"\n'
            f'[providers.wrong]\nbase_url = "{simulator.base_url}"\napi_key = "env:SIM_KEY"\ndefault_model = "401"\n'
            '[providers.lmstudio]\nbase_url = "http://127.0.0.1:9/v1"\n'
            '[providers.ollama]\nbase_url = "http://127.0.0.1:9/v1"\n'
            f"[retry]\nattempts = 2\nbase_s = 0.001\nmax_s = 0.001\n{more}"
        )
        monkeypatch.setenv("TRAMITE_CONFIG", str(file))
        monkeypatch.setenv("SIM_KEY", KEY)
        try:
            yield simulator
        finally:
            leave()


def visit(page: str, language: Language = "en") -> AppTest:
    """A new session that has this page open."""
    at = AppTest.from_file(str(APP), default_timeout=PATIENCE_S)
    at.context["locale"] = _LOCALES[language]
    at.run()
    at.switch_page(f"screens/{page}.py")
    return sound(at.run())


def sound(at: AppTest) -> AppTest:
    """No exception reached the page, and no key did."""
    assert not at.exception, at.exception
    assert KEY not in text_of(at)
    return at


def text_of(at: AppTest) -> str:
    """Every text of the page."""
    kinds = ("title", "markdown", "caption", "code", "error", "warning", "info", "subheader", "metric")
    return "\n".join(str(one.value) for kind in kinds for one in getattr(at, kind))
