"""The prompt page for LM Studio: what it sends, what it shows, and what it says when something is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from streamlit.testing.v1 import AppTest

from tests.cli.world import variables
from tests.examples.world import QUICK, Provider, checked, labelled, opened, provider, words


@contextmanager
def page(**options: object) -> Iterator[tuple[AppTest, Provider]]:
    """The page, and the LM Studio that it finds."""
    with provider(**options) as studio, variables(LMSTUDIO_URL=f"{studio.url}/v1", **QUICK):
        yield opened("lmstudio_stream.py"), studio


def generate(app: AppTest, prompt: str, model: str = "") -> AppTest:
    app.text_area[0].set_value(prompt)
    app.text_input[0].set_value(model)
    labelled(app.button, "Genera").click()
    return checked(app.run())


def answer(app: AppTest) -> str:
    return "".join(element.value for element in app.markdown)


def test_its_settings_have_the_ranges_and_defaults_that_they_should_have() -> None:
    with page() as (app, _):
        temperature, tokens = labelled(app.slider, "Temperatura"), labelled(app.slider, "Token")
    assert (temperature.min, temperature.max, temperature.value) == (0.0, 1.5, 0.2)
    assert (tokens.min, tokens.max, tokens.value) == (16, 4096, 512)
    assert app.text_input[0].label == "Modello (facoltativo)"
    assert app.text_input[0].value == ""


@pytest.mark.parametrize("prompt", ["", "  \n "])
def test_an_empty_prompt_gets_a_warning_and_nothing_is_sent(prompt: str) -> None:
    with page() as (app, studio):
        generate(app, prompt)
    assert "prompt è vuoto" in app.warning[0].value
    assert not studio.sent


def test_the_answer_is_shown_and_stays_there() -> None:
    with page() as (app, studio):
        generate(app, "ciao", "tokens=5")
        assert answer(app) == words(5)
        assert answer(checked(app.run())) == words(5)
    assert len(studio.sent) == 1


def test_prompt_and_settings_are_sent() -> None:
    with page() as (app, studio):
        labelled(app.slider, "Temperatura").set_value(1.5)
        labelled(app.slider, "Token").set_value(16)
        generate(app, "ciao", "tokens=5")
    assert studio.messages == [("user", "ciao")]
    assert (studio.body["temperature"], studio.body["max_tokens"]) == (1.5, 16)
    assert studio.body["stream"] is True


def test_without_a_model_the_one_that_is_loaded_answers() -> None:
    with page(tokens=3) as (app, studio):
        generate(app, "ciao")
        assert [request.path for request in studio.sent[-2:]] == ["/v1/models", "/v1/chat/completions"]
        assert studio.body["model"] == "ok"  # the simulator's first
        assert answer(app) == words(3)
        generate(app, "ciao", " tokens=4 ")
        assert studio.body["model"] == "tokens=4"


def test_an_error_is_shown_with_its_status_and_body() -> None:
    with page() as (app, _):
        generate(app, "ciao", "notfound")
    assert "stato 404" in app.error[0].value
    assert '"model_not_found"' in app.code[0].value
    assert answer(app) == ""


def test_where_lm_studio_does_not_run_it_says_how_to_start_it() -> None:
    with page() as (app, _):
        pass
    with variables(LMSTUDIO_URL="http://127.0.0.1:9/v1"):
        generate(app, "ciao")
    assert "non è in esecuzione" in app.error[0].value
    assert "lms server start" in app.error[0].value
    assert app.text_area[0].value == "ciao"


def test_an_address_that_is_none_is_a_message_too() -> None:
    with page() as (app, _), variables(LMSTUDIO_URL="http://nobody@somewhere/v1"):
        generate(app, "ciao")
    assert app.error[0].value == "Richiesta non riuscita."
    assert "LMSTUDIO_URL" in app.code[0].value


def test_a_broken_stream_keeps_what_came_marked_as_incomplete() -> None:
    with page() as (app, _):
        generate(app, "ciao", "cut@5")
        assert "si è interrotta" in app.error[0].value
        for _ in range(2):
            assert answer(app) == f"{words(5)}\n\n:gray[Risposta incompleta.]"
            checked(app.run())


def test_an_answer_that_filled_its_tokens_says_so() -> None:
    with page() as (app, _):
        labelled(app.slider, "Token").set_value(16)
        generate(app, "ciao", "tokens=50")
    assert answer(app) == f"{words(16)}\n\n:gray[Fermata al numero di token richiesto.]"


def test_an_image_in_an_answer_is_not_fetched() -> None:
    with page() as (app, _):
        generate(app, "vedi ![foto](https://example.org/x.png)", "echo")
    assert answer(app) == "vedi ! [foto](https://example.org/x.png)"
