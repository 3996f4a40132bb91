"""The first start: who has no model is told how to have one, and is offered those that run on this machine."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from streamlit.testing.v1 import AppTest

from tests.workbench.settled import KEY, LOCALES, at_home, shown, texts, toml, until
from tramite.simulator import Simulator
from tramite.workbench.ui import welcome

SIM = '[providers.sim]\nbase_url = "http://127.0.0.1:9/v1"\n'


def script() -> None:
    import streamlit as st

    from tramite.workbench.ui import frame, welcome

    t = frame.words()
    st.selectbox("provider", ["demo", "openai", "lmstudio"], key=frame.kept("chat.provider", "demo"))
    st.text_input("model", key=frame.kept("chat.model.lmstudio", ""))
    welcome.draw(frame.home(), t)


def chat(locale: str) -> AppTest:
    app = AppTest.from_function(script, default_timeout=20)
    app.context = {"locale": locale}
    app.run()
    assert not app.exception
    return app


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator.in_thread() as running:
        yield running


@pytest.mark.parametrize(
    ("more", "chosen", "typed", "needed"),
    [
        ("", None, "", True),
        ("", "demo", "", True),
        ("", "openai", "", True),
        ("", "openai", "openai", False),
        ("", "openai", "groq", True),
        ("", "lmstudio", "", False),
        ("", "gone-since", "", True),
        ('default_model = "demo/demo"\n', "demo", "", False),
        (SIM, "demo", "", False),
        ('[providers.groq]\napi_key = "env:SIM_KEY"\n', "demo", "", False),
    ],
)
def test_it_is_there_until_something_real_is_configured_or_chosen(
    more: str, chosen: str | None, typed: str, needed: bool
) -> None:
    with at_home(toml(more)) as (house, _):
        assert welcome.needed(house.config, chosen, frozenset({typed} - {""})) is needed


@pytest.mark.parametrize("locale", LOCALES)
def test_it_says_what_answers_how_to_add_a_key_and_who_does_not_run(locale: str) -> None:
    t = texts(locale)
    with at_home(toml()):
        app = chat(locale)
        until(app, lambda: any(button.key == "welcome.again" for button in app.button))
        said = shown(app)
        app.button(key="welcome.again").click()
        app.run()
        assert not app.exception
    assert t("welcome.demo") in said
    assert "tramite secrets set OPENAI_API_KEY" in said
    assert ".env" in said
    for name in ("LM Studio", "Ollama"):
        assert t("welcome.not_running", provider=name, address="http://127.0.0.1:9/v1") in said


@pytest.mark.parametrize("locale", LOCALES)
def test_a_local_server_that_runs_is_found_and_one_click_chooses_its_model(locale: str, simulator: Simulator) -> None:
    t = texts(locale)
    with at_home(toml(lmstudio=simulator.base_url)):
        app = chat(locale)
        until(app, lambda: t("welcome.found", provider="LM Studio", count=11) in shown(app))
        assert len([button for button in app.button if str(button.key).startswith("welcome.")]) == welcome.SHOWN
        app.button(key="welcome.lmstudio.echo").click()
        app.run()
        assert app.selectbox[0].value == "lmstudio"
        assert app.text_input[0].value == "echo"
        assert t("welcome.demo") not in shown(app)


@pytest.mark.parametrize("locale", LOCALES)
def test_a_key_that_was_typed_is_enough(locale: str) -> None:
    with at_home(toml()):
        app = chat(locale)
        app.session_state["secrets"] = {"openai": KEY}
        app.selectbox[0].set_value("openai")
        app.run()
        assert texts(locale)("welcome.demo") not in shown(app)
        assert KEY not in shown(app)


@pytest.mark.parametrize("locale", LOCALES)
def test_a_server_that_does_not_answer_keeps_nobody_waiting(locale: str) -> None:
    t = texts(locale)
    with Simulator.in_thread(latency_s=60) as slow, at_home(toml(lmstudio=slow.base_url)):
        app = chat(locale)
        assert t("welcome.looking", provider="LM Studio") in shown(app)
