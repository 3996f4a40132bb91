"""The chat with Azure OpenAI: its settings, its conversation, what it sends, and what a failure leaves behind."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from tests.cli.world import variables
from tests.examples.world import KEY, QUICK, Provider, checked, labelled, opened, provider, words

VERSION = "2024-12-01-preview"
ANOTHER_KEY = "fedcba9876543210"


@contextmanager
def azure(deployment: str = "tokens=3", **options: Any) -> Iterator[Provider]:
    """A resource of Azure's, and the variables that name it."""
    with provider(**{"key": KEY, **options}) as resource, environment(resource.url, deployment):
        yield resource


def environment(endpoint: str, deployment: str = "ok") -> Any:
    return variables(
        AZURE_OPENAI_ENDPOINT=endpoint,
        AZURE_OPENAI_API_VERSION=VERSION,
        AZURE_OPENAI_KEY=KEY,
        AZURE_OPENAI_DEPLOYMENT=deployment,
        **QUICK,
    )


def opened_chat() -> AppTest:
    return opened("azure_chat.py")


def say(app: AppTest, text: str, deployment: str = "") -> AppTest:
    """A message; and from now on another deployment, if one is named."""
    if deployment:
        set_text(app, "Deployment", deployment)
    app.chat_input[0].set_value(text)
    return checked(app.run())


def set_text(app: AppTest, label: str, value: str) -> None:
    labelled([*app.text_input, *app.text_area], label).set_value(value)


def click(app: AppTest, label: str) -> None:
    labelled(app.button, label).click()
    checked(app.run())


def shown(app: AppTest) -> list[tuple[str, str]]:
    """The messages in the page: who says what."""
    return [(each.name, "".join(part.value for part in each.markdown)) for each in app.chat_message]


# --- The sidebar


def test_the_sidebar_begins_with_what_the_environment_says() -> None:
    with environment("https://contoso.openai.azure.com", "my-deployment"):
        app = opened_chat()
    values = {field.label: field.value for field in app.sidebar.text_input}
    assert values == {
        "Endpoint": "https://contoso.openai.azure.com",
        "Versione API": VERSION,
        "Chiave": "",
        "Deployment": "my-deployment",
    }


def test_the_settings_have_the_ranges_and_defaults_that_they_should_have() -> None:
    app = opened_chat()
    temperature, top_p = labelled(app.slider, "Temperatura"), labelled(app.slider, "Top p")
    assert (temperature.min, temperature.max, temperature.value) == (0.0, 2.0, 0.7)
    assert (top_p.min, top_p.max, top_p.value) == (0.0, 1.0, 1.0)
    assert labelled(app.number_input, "Token al massimo").value == 800


@pytest.mark.parametrize(("variables_", "word"), [({"AZURE_OPENAI_KEY": KEY}, "c'è"), ({}, "non c'è")])
def test_the_key_is_a_password_field_that_says_whether_the_environment_has_one(
    variables_: dict[str, str], word: str
) -> None:
    with variables(**variables_):
        field = labelled(opened_chat().text_input, "Chiave")
    assert field.proto.type == field.proto.PASSWORD
    assert f"AZURE_OPENAI_KEY, che {word}" in field.help


def test_without_endpoint_key_or_deployment_nothing_can_be_sent() -> None:
    app = opened_chat()
    assert app.chat_input[0].disabled
    assert "completa la barra laterale" in app.chat_input[0].placeholder
    for label, value in {"Endpoint": "https://contoso.openai.azure.com", "Chiave": "k", "Deployment": "d"}.items():
        assert app.chat_input[0].disabled
        set_text(app, label, value)
        checked(app.run())
    assert not app.chat_input[0].disabled


# --- The key


def test_the_environments_key_reaches_the_provider_and_never_the_browser() -> None:
    with azure() as resource:  # `checked` looks for the key in all that is sent to the browser, after every run
        say(opened_chat(), "ciao")
    assert resource.sent[-1].headers["api-key"] == KEY


def test_a_typed_key_goes_before_the_environments_and_is_not_sent_back() -> None:
    with azure(key=None) as resource:
        app = opened_chat()
        set_text(app, "Chiave", ANOTHER_KEY)
        say(app, "ciao")
        assert resource.sent[-1].headers["api-key"] == ANOTHER_KEY
        assert not any(ANOTHER_KEY in str(getattr(node, "proto", "")) for node in app)
        set_text(app, "Chiave", "")
        say(app, "ciao")
        assert resource.sent[-1].headers["api-key"] == KEY


def test_the_environments_key_is_not_sent_to_an_endpoint_that_a_visitor_names() -> None:
    with azure(), provider() as elsewhere:
        app = opened_chat()
        set_text(app, "Endpoint", elsewhere.url)
        checked(app.run())
        assert app.chat_input[0].disabled
        set_text(app, "Chiave", ANOTHER_KEY)
        say(checked(app.run()), "ciao")
    assert [request.headers["api-key"] for request in elsewhere.sent] == [ANOTHER_KEY]


class Repeats(BaseHTTPRequestHandler):
    """A provider that repeats the key it refuses."""

    def do_POST(self) -> None:
        body = json.dumps({"error": {"message": f"wrong key: {self.headers['api-key']}"}}).encode()
        self.send_response(401)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *said: object) -> None:
        """Nothing."""


def test_a_key_that_the_provider_repeats_does_not_reach_the_browser() -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Repeats) as server:
        Thread(target=server.serve_forever).start()
        with environment(f"http://127.0.0.1:{server.server_address[1]}"):
            app = say(opened_chat(), "ciao")
            app.session_state.client.close()
        server.shutdown()
    assert f"wrong key: …{KEY[-4:]}" in app.error[0].value


# --- The conversation


def test_the_settings_are_sent() -> None:
    with azure() as resource:
        app = opened_chat()
        labelled(app.slider, "Temperatura").set_value(2.0)
        labelled(app.slider, "Top p").set_value(0.5)
        labelled(app.number_input, "Token al massimo").set_value(16)
        say(app, "ciao")
    sent = resource.body
    assert (sent["temperature"], sent["top_p"], sent["max_completion_tokens"]) == (2.0, 0.5, 16)
    assert resource.sent[-1].path == "/openai/deployments/tokens=3/chat/completions"


def test_turns_are_remembered_and_shown_without_the_system_message() -> None:
    with azure() as resource:
        app = opened_chat()
        say(app, "uno")
        say(app, "due", "tokens=2")
    assert shown(app) == [("user", "uno"), ("assistant", words(3)), ("user", "due"), ("assistant", words(2))]
    assert resource.messages == [
        ("system", "Sei un assistente conciso."),
        ("user", "uno"),
        ("assistant", words(3)),
        ("user", "due"),
    ]


def test_an_edited_system_prompt_takes_effect_at_the_next_turn_and_the_conversation_goes_on() -> None:
    with azure() as resource:
        app = opened_chat()
        say(app, "uno")
        set_text(app, "Prompt di sistema", "Rispondi in rima.")
        say(app, "due")
        assert resource.messages[:2] == [("system", "Rispondi in rima."), ("user", "uno")]
        set_text(app, "Prompt di sistema", "")
        say(app, "tre")
        assert resource.messages[0] == ("user", "uno")


def test_reset_forgets_the_conversation() -> None:
    with azure() as resource:
        app = opened_chat()
        say(app, "uno")
        click(app, "Nuova conversazione")
        assert shown(app) == []
        say(app, "due")
    assert [role for role, _ in resource.messages] == ["system", "user"]


def test_reset_forgets_an_unanswered_question_too() -> None:
    with azure("503"):
        app = say(opened_chat(), "uno")
        click(app, "Nuova conversazione")
    assert shown(app) == []
    assert not app.error


def test_an_answer_that_filled_its_tokens_says_so() -> None:
    with azure("length"):
        app = say(opened_chat(), "ciao")
    assert shown(app)[1][1].endswith(":gray[Fermata al numero massimo di token.]")


def test_an_image_in_an_answer_is_not_fetched() -> None:
    with azure("echo"):
        app = say(opened_chat(), "vedi ![foto](https://example.org/x.png)")
    assert {text for _, text in shown(app)} == {"vedi ! [foto](https://example.org/x.png)"}


# --- The client


def test_the_same_parameters_use_the_same_client_again() -> None:
    with azure():
        app = say(opened_chat(), "uno")
        first = app.session_state.client
        labelled(app.slider, "Temperatura").set_value(1.0)
        say(app, "due")
        assert app.session_state.client is first


@pytest.mark.parametrize(
    ("label", "value"),
    [("Endpoint", None), ("Versione API", "2025-01-01-preview"), ("Chiave", ANOTHER_KEY), ("Deployment", "tokens=2")],
)
def test_another_parameter_makes_another_client_closes_the_old_one_and_keeps_the_conversation(
    label: str, value: str | None
) -> None:
    with azure(key=None), provider() as elsewhere:
        app = opened_chat()
        set_text(app, "Chiave", KEY)  # so that it may go to another endpoint
        say(app, "uno")
        first = app.session_state.client
        set_text(app, label, value or elsewhere.url)
        say(app, "due")
        assert app.session_state.client is not first
        assert first._portal.home is None  # its thread has ended
        assert len(shown(app)) == 4


def test_two_sessions_share_neither_client_nor_conversation() -> None:
    with azure():
        one, other = opened_chat(), opened_chat()
        say(one, "uno")
        say(other, "due")
        assert one.session_state.client is not other.session_state.client
    assert (shown(one)[0], shown(other)[0]) == (("user", "uno"), ("user", "due"))
    assert len(shown(one)) == len(shown(other)) == 2


# --- Failures


def test_a_failure_leaves_no_question_without_answer_in_what_is_sent_next() -> None:
    with azure("503") as resource:
        app = say(opened_chat(), "persa")
        assert app.error
        say(app, "nuova", "ok")
    assert [text for role, text in resource.messages if role == "user"] == ["nuova"]
    assert not app.error


def test_a_question_that_failed_is_shown_and_can_be_sent_again() -> None:
    with azure("503") as resource:
        app = say(opened_chat(), "quasi persa")
        assert shown(app)[0] == ("user", "quasi persa")
        set_text(app, "Deployment", "tokens=3")
        click(app, "Invia di nuovo")
        assert [text for role, text in resource.messages if role == "user"] == ["quasi persa"]
    assert shown(app) == [("user", "quasi persa"), ("assistant", words(3))]
    assert "Invia di nuovo" not in [button.label for button in app.button]


def test_a_broken_stream_keeps_what_came_marked_as_incomplete_and_out_of_the_conversation() -> None:
    with azure("cut@5") as resource:
        app = say(opened_chat(), "uno")
        assert shown(app)[1][1] == f"{words(5)}\n\n:gray[Risposta incompleta.]"
        assert shown(checked(app.run()))[1][1].startswith(words(5))
        say(app, "due", "ok")
    assert words(5) not in str(resource.messages)


@pytest.mark.parametrize(
    ("deployment", "word"),
    [
        ("auth", "status 401"),
        ("notfound", "status 404"),
        ("429:retry-after=100", "status 429"),
        ("filter", "status 400"),
        ("html", "azure/html"),
    ],
)
def test_an_error_is_a_message_and_no_stack_trace(deployment: str, word: str) -> None:
    with azure(deployment):
        app = say(opened_chat(), "ciao")
    assert app.error[0].value.startswith("La richiesta non è riuscita: ")
    assert word in app.error[0].value


@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:9", "http://contoso.example", "non è un indirizzo"])
def test_an_endpoint_that_cannot_be_asked_is_a_message_too(endpoint: str) -> None:
    with environment(endpoint):
        app = say(opened_chat(), "ciao")
    assert app.error[0].value.startswith("La richiesta non è riuscita: ")
    assert shown(app)[0] == ("user", "ciao")
