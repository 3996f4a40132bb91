"""The settings page, without a browser, in both languages."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from streamlit import config
from streamlit.testing.v1 import AppTest

from tests.cli.world import eventually
from tests.workbench.settled import KEY, LOCALES, WRONG, at_home, page, shown, texts, toml, until
from tramite.messages import assistant, user
from tramite.simulator import Simulator
from tramite.store.conversations import Node, new_id
from tramite.workbench import appearance
from tramite.workbench.access import Access
from tramite.workbench.background import Generation
from tramite.workbench.house import House

pytestmark = pytest.mark.parametrize("locale", LOCALES)


@pytest.fixture(autouse=True)
def _undressed() -> Iterator[None]:
    yield
    for name in appearance.options("system"):
        config.set_option(name, None)


def begin(house: House, model: str) -> Generation:
    """An answer that is being written."""
    conversation = house.stored.create("chat", "one")
    node = Node(id=new_id(), conversation_id=conversation.id, message=assistant(""), status="running")
    house.stored.add(node, leaf=node.id)
    return house.generations.start(node, lambda: house.clients.of(Access()).stream("hi", model=model), house.stored)


def button(app: AppTest, key: str) -> AppTest:
    app.button(key=key).click()
    return app.run()


def test_it_says_who_answers_and_what_to_do_about_the_others(locale: str) -> None:
    t = texts(locale)
    with Simulator.in_thread(key=KEY) as simulator:
        own = (
            f'[providers.sim]\nbase_url = "{simulator.base_url}"\napi_key = "env:SIM_KEY"\n'
            f'[providers.wrong]\nbase_url = "{simulator.base_url}"\napi_key = "env:WRONG_KEY"\n'
        )
        with at_home(toml(own)):
            app = page(locale)
            assert app.header[0].value == t("frame.settings")
            until(app, lambda: t("errors.AuthenticationFailed") in shown(app))
            until(app, lambda: t("settings.asking") not in shown(app))
            said = shown(app)
            asked = simulator.stats().requests
            app.run()
            assert simulator.stats().requests == asked
            button(app, "settings.check_again")
            eventually(lambda: simulator.stats().requests == asked + 2)
    models = t("settings.answers", took="", count=11).rpartition(",")[2]
    assert models in said
    assert "`env:SIM_KEY`" in said
    assert "`tramite secrets set OPENAI_API_KEY`" in said
    assert t("settings.the_demo") in said
    assert not any(secret in said for secret in (KEY, WRONG, "wxyz", "abcd"))


def test_it_shows_settings_files_and_warnings(locale: str) -> None:
    t = texts(locale)
    written = '[providers.mine]\nbase_url = "http://127.0.0.1:9/v1"\napi_key = "sk-written-out-0123456789"\n'
    with at_home(toml(written)) as (_, file):
        app = page(locale)
        assert str(file) in shown(app)
        assert "written out" in app.warning[0].value.replace("\\", "")
        few = app.dataframe[0].value
        app.toggle(key="settings.defaults_too").set_value(True)
        app.run()
        every = app.dataframe[0].value
    assert list(few.columns) == [t("settings.key"), t("settings.value"), t("settings.origin")]
    assert "sk-written" not in every.to_string() + shown(app)
    assert len(every) > len(few)


def test_the_configuration_is_read_again_or_it_says_why_not(locale: str) -> None:
    t = texts(locale)
    with at_home(toml()) as (house, file):
        app = page(locale)
        file.write_text(toml('default_model = "demo/demo"\n'))
        button(app, "settings.read")
        assert t("settings.was_read") in shown(app)
        assert house.config.default_model == "demo/demo"
        file.write_text("[retry]\nattempts = 'many'\n")
        button(app, "settings.read")
        said = shown(app)
        assert t("errors.ConfigError") in said
        assert "retry.attempts" in said
        assert t("settings.nothing_changed") in said
        assert house.config.default_model == "demo/demo"
        assert not app.exception


def test_while_an_answer_is_written_nothing_is_read_again_or_deleted(locale: str) -> None:
    t = texts(locale)
    with (
        Simulator.in_thread(token_interval_s=0.01) as simulator,
        at_home(toml(f'[providers.sim]\nbase_url = "{simulator.base_url}"\n')) as (house, _),
    ):
        generation = begin(house, "sim/tokens=100000")
        app = page(locale)
        assert app.button(key="settings.read").disabled
        assert app.button(key="settings.delete").disabled
        assert t("settings.read_later", count=1) in shown(app)
        assert t("settings.delete_later", count=1) in shown(app)
        house.generations.stop(generation.node.id)
        eventually(lambda: not house.generations.running)
        app.run()
        assert not app.button(key="settings.read").disabled


def test_a_language_takes_effect_at_once_and_is_remembered(locale: str) -> None:
    other = "en" if locale.startswith("it") else "it"
    with at_home(toml()) as (house, _):
        app = page(locale)
        app.radio(key="settings.language_chosen").set_value(other)
        app.run()
        assert app.header[0].value == texts(other)("frame.settings")
        assert house.stored.preference("language") == other
        assert page(locale).header[0].value == texts(other)("frame.settings")
        app.radio(key="settings.language_chosen").set_value("")
        app.run()
        assert app.header[0].value == texts(locale)("frame.settings")


def test_an_appearance_takes_effect_at_once_and_is_remembered(locale: str) -> None:
    with at_home(toml()) as (house, _):
        app = page(locale)
        app.radio(key="settings.look_chosen").set_value("dark")
        app.run()
        assert config.get_option("theme.base") == "dark"
        assert house.stored.preference(appearance.PREFERENCE) == "dark"
        assert page(locale).radio(key="settings.look_chosen").value == "dark"
        app.radio(key="settings.look_chosen").set_value("system")
        app.run()
        assert config.get_option("theme.base") is None
        assert config.get_option("theme.dark.primaryColor")


def test_conversations_are_deleted_after_it_was_said_twice(locale: str) -> None:
    t = texts(locale)
    with at_home(toml()) as (house, _):
        conversation = house.stored.create("chat", "one")
        house.stored.add(Node(id=new_id(), conversation_id=conversation.id, message=user("hello")))
        app = page(locale)
        assert t("settings.conversations_say", conversations=1, messages=1, temporary=0) in shown(app)
        button(app, "settings.delete")
        assert house.stored.count() == (1, 1)
        assert app.button(key="settings.delete_now").disabled
        app.checkbox(key="settings.sure").check()
        app.run()
        assert not app.button(key="settings.delete_now").disabled
        button(app, "settings.delete_now")
        assert house.stored.count() == (0, 0)
        assert t("settings.deleted") in shown(app)
        assert app.button(key="settings.delete").disabled


def test_it_says_what_is_kept_and_what_never_is(locale: str) -> None:
    t = texts(locale)
    with at_home(toml("[store]\nkeep_days = 7\n")) as (house, _):
        said = shown(page(locale))
        assert house.config.store.url.removeprefix("sqlite:///") in said
    assert t("settings.ledger_say", count=0, days=7) in said
    assert t("settings.ledger_no_texts") in said
    assert t("settings.never_say") in said
