"""The chat page without a browser, in both languages: what is drawn, what is asked, and what is told when it fails."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

import tramite.workbench
from tests.cli.world import provider
from tests.client.world import words as counted
from tests.workbench.world import PATIENCE_S
from tramite.messages import assistant, user
from tramite.store.conversations import Node
from tramite.workbench import house as houses
from tramite.workbench.language import LANGUAGES, words

APP = Path(tramite.workbench.__file__).with_name("app.py")
LOCALES = {"en": "en-GB", "it": "it-IT"}

pytestmark = pytest.mark.parametrize("language", LANGUAGES)


@pytest.fixture(autouse=True)
def _own_house() -> Iterator[None]:
    yield
    houses.leave()


def page(language: str, address: str | None = None) -> AppTest:
    """The page, drawn once."""
    app = AppTest.from_file(str(APP), default_timeout=PATIENCE_S)
    app.context["locale"] = LOCALES[language]
    if address is not None:
        app.query_params["c"] = address
    return drawn(app.run())


def drawn(app: AppTest) -> AppTest:
    assert not app.exception
    return app


def say(app: AppTest, text: str) -> AppTest:
    """Send, and stay until the answer is over."""
    return drawn(app.chat_input[0].set_value(text).run())


def shown(app: AppTest) -> str:
    """All that is written on the page."""
    elements = [*app.markdown, *app.caption, *app.error, *app.warning, *app.code, *app.subheader]
    return "\n".join(str(element.value) for element in elements)


def test_an_empty_page_says_where_to_begin(language: str) -> None:
    with provider():
        app, t = page(language), words(language)  # type: ignore[arg-type]
        assert t("chat.begin") in shown(app)
        assert app.chat_input[0].placeholder == t("chat.say")
        assert t("chat.new") in [button.label for button in app.button]


def test_an_answer_is_shown_under_its_question_with_its_facts(language: str) -> None:
    with provider("sim/tokens=5"):
        app = say(page(language), "What is **this**?")
        assert [message.name for message in app.chat_message] == ["user", "assistant"]
        assert counted(5) in shown(app)
        assert "What is \\*\\*this\\*\\*?" in shown(app)
        assert "sim/tokens\\=5" in shown(app)
        (kept,) = houses.house().stored.latest("chat")
        assert (kept.title, app.query_params["c"]) == ("What is **this**?", kept.id)


def test_a_conversation_is_found_again_by_its_address(language: str) -> None:
    with provider("sim/tokens=5"):
        say(page(language), "hello")
        (kept,) = houses.house().stored.latest("chat")
        app = page(language, kept.id)
        assert counted(5) in shown(app)
        say(app, "and more")
        assert len(houses.house().stored.links(kept.id)) == 4


@pytest.mark.parametrize("address", ["nobody", "", "' OR 1=1", "a\x00b", "x" * 5000])
def test_an_address_of_nothing_is_an_empty_page(language: str, address: str) -> None:
    with provider():
        app = page(language, address)
        assert words(language)("chat.begin") in shown(app)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("model", "kind"),
    [("auth", "AuthenticationFailed"), ("notfound", "ModelNotFound"), ("cut@5", None), ("html", "BadReply")],
)
def test_a_failure_is_told_in_the_readers_language(language: str, model: str, kind: str | None) -> None:
    with provider(f"sim/{model}"):
        app, t = say(page(language), "a question"), words(language)  # type: ignore[arg-type]
        (told,) = app.error
        assert told.value == t(f"errors.{kind or 'ConnectionBroken'}") or told.value == t("errors.IncompleteStream")
        assert "a question" in shown(app)
        assert "Traceback" not in shown(app)


def test_a_setting_that_cannot_be_sent_gives_the_text_back(language: str) -> None:
    with provider() as simulator:
        app = page(language)
        app.text_area(key="chat.schema").set_value("no JSON").run()
        say(app, "a question")
        t = words(language)  # type: ignore[arg-type]
        assert app.error[0].value == t("errors.InvalidCall")
        assert t("chat.not_sent") in shown(app)
        assert "a question" in shown(app)
        assert (simulator.stats().streams.started, houses.house().stored.count()) == (0, (0, 0))
        app.text_area(key="chat.schema").set_value("").run()
        say(app, "a question")
        assert not app.error


@pytest.mark.parametrize("status", ["stopped", "failed", "interrupted"])
def test_an_answer_that_is_not_whole_says_so(language: str, status: str) -> None:
    with provider():
        store = houses.house().stored
        made = store.create()
        question = Node(id="q", conversation_id=made.id, message=user("hello"))
        answer = Node(id="a", conversation_id=made.id, parent_id="q", message=assistant("half"), status=status)  # type: ignore[arg-type]
        answer.facts = {"error": {"kind": "TimedOut", "text": "silent for 30 s"}} if status == "failed" else {}
        store.add(question, answer, leaf="a")
        app, t = page(language, made.id), words(language)  # type: ignore[arg-type]
        assert "half" in shown(app)
        assert t("errors.TimedOut" if status == "failed" else f"answer.{status}") in shown(app)


def test_a_thousand_messages_are_a_page_of_the_last_ones(language: str) -> None:
    with provider():
        store = houses.house().stored
        made = store.create()
        nodes = [
            Node(
                id=f"n{at}",
                conversation_id=made.id,
                parent_id=f"n{at - 1}" if at else None,
                message=assistant(f"answer {at}") if at % 2 else user(f"question {at}"),
            )
            for at in range(1000)
        ]
        store.add(*nodes, leaf="n999")
        app = page(language, made.id)
        assert len(app.chat_message) == 40
        assert "answer 999" in shown(app)
        earlier = next(one for one in app.button if "960" in one.label)
        drawn(earlier.click().run())
        assert len(app.chat_message) > 40
