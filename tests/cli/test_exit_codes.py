"""How a command ends: its exit code, and what it says."""

from __future__ import annotations

import inspect

import pytest

from tests.cli.world import call, configured, nobody, provider, variables
from tramite import errors
from tramite.cli import failures
from tramite.errors import TramiteError

BY_MODEL = {
    "ok": 0,
    "auth": 3,
    "quota": 4,
    "429": 4,
    "notfound": 5,
    "context": 5,
    "filter": 5,
    "503": 5,
    "html": 5,
    "empty": 5,
    "reset": 5,
    "cut@3": 5,
    "malformed@3": 5,
    "error@3": 5,
    "no-finish": 0,
    "refusal": 1,
    "nonsense": 5,
}


@pytest.mark.parametrize("model", BY_MODEL)
def test_what_the_provider_does_decides_the_exit_code(model: str) -> None:
    with provider():
        done = call("ask", "hello", "-m", f"sim/{model}", "-o", "max_tokens=5")
    assert done.exit_code == BY_MODEL[model], done.stderr
    assert "Traceback" not in done.output
    if BY_MODEL[model] > 1:
        assert done.stderr.count("tramite: ") == 1
        assert f"sim/{model}" in done.stderr


BY_ARGUMENTS: dict[tuple[str, ...], int] = {
    ("ask",): 2,
    ("ask", "hi", "--nope"): 2,
    ("nope",): 2,
    ("ask", "hi", "-o", "temperature=9"): 2,
    ("ask", "hi", "-o", "temperatur=1"): 2,
    ("ask", "hi", "-o", "temperature"): 2,
    ("ask", "hi", "-o", "max_tokens=many"): 2,
    ("ask", "hi", "-o", "response_format=xml"): 2,
    ("ask", "hi", "--extra", "top_k=x"): 2,
    ("chat", "-o", "n=2"): 2,
    ("ask", "hi", "--schema", "no.json"): 2,
    ("ask", "hi", "-a", "no.png"): 2,
    ("ask", "hi", "--json", "--jsonl"): 2,
    ("ask", "hi", "--jsonl", "--no-stream"): 2,
    ("ask", "hi", "-m", "simm/ok"): 1,
    ("ask", "hi", "-m", "openai/gpt-4o-mini"): 3,
    ("chat", "-m", "openai/gpt-4o-mini"): 3,
    ("embed", "hi", "-m", "nowhere/x"): 1,
    ("embed", "hi", "-m", "sim/ok", "--format", "xml"): 2,
    ("simulate", "--port", "many"): 2,
    ("complete", "hi", "-m", "sim-chat/ok"): 2,
    ("embed", "one", "--similarity", "-m", "sim/ok"): 2,
    ("embed", "one"): 1,
    ("models", "simm"): 1,
    ("models", "--prices", "--features"): 2,
    ("compare", "hi"): 2,
    ("complete", "--file", "no.py", "--line", "1"): 2,
    ("prices", "update", "--from", "no.json"): 2,
    ("secrets", "remove", "NONE"): 1,
}


@pytest.mark.parametrize("arguments", BY_ARGUMENTS)
def test_what_is_asked_decides_the_exit_code(arguments: tuple[str, ...]) -> None:
    chat_alone = '[providers.sim-chat]\nbase_url = "http://127.0.0.1:9/v1"\nkinds = ["chat"]\n'
    with configured("http://127.0.0.1:9/v1", more=chat_alone):
        done = call(*arguments)
    assert done.exit_code == BY_ARGUMENTS[arguments], done.stderr
    assert done.stdout == ""


def test_a_provider_that_cannot_be_reached_is_named_with_what_to_do() -> None:
    with configured("http://127.0.0.1:9/v1"):
        done = call("ask", "hi")
    assert done.exit_code == 5
    assert "127.0.0.1:9" in done.stderr
    assert "tramite doctor" in done.stderr


def test_without_a_model_and_without_a_terminal_nothing_is_made_up() -> None:
    with nobody():
        done = call("ask", "hi")
    assert (done.exit_code, done.stdout) == (1, "")
    assert "OPENAI_API_KEY" in done.stderr


def test_a_missing_secret_names_its_variable() -> None:
    with provider(), variables(SIM_KEY=""):
        done = call("ask", "hi")
    assert done.exit_code == 3
    assert "SIM_KEY" in done.stderr


def test_an_unknown_setting_is_answered_with_all_that_there_are() -> None:
    done = call("ask", "hi", "-o", "temperatur=1")
    assert "did you mean temperature?" in done.stderr
    assert "frequency_penalty" in done.stderr
    assert "deadline_s" in done.stderr


@pytest.mark.parametrize("words", ["ak", "modles", "tell me a joke"])
def test_an_unknown_command_gets_the_nearest_one(words: str) -> None:
    done = call(words)
    assert done.exit_code == 2
    assert {"ak": "ask", "modles": "models"}.get(words, 'tramite ask "tell me a joke"') in done.stderr


def test_a_fault_in_the_configuration_is_told_with_file_and_key() -> None:
    with configured("http://127.0.0.1:9/v1", more="attempts_ = 3\n"):
        done = call("ask", "hi")
    assert done.exit_code == 1
    assert "sim.toml" in done.stderr
    assert "attempts_" in done.stderr


def every_error() -> list[type[TramiteError]]:
    return [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, TramiteError)]


@pytest.mark.parametrize("kind", every_error(), ids=lambda kind: kind.__name__)
def test_every_error_has_an_exit_code_and_a_message(kind: type[TramiteError]) -> None:
    error = kind.__new__(kind)
    Exception.__init__(error, "it broke")
    error.__dict__.update(message="it broke", provider=None, status=None, code=None, type=None, request_id=None)
    assert failures.code_of(error) in (1, 2, 3, 4, 5)
    assert failures.message_of(error).startswith("it broke")
