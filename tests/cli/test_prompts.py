"""Prompts with names on the command line: listed, shown, asked and completed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.world import call, configured, provider, screen


def body_of(*arguments: str, stdin: str = "") -> dict[str, Any]:
    """The body that would be sent."""
    with configured("http://127.0.0.1:9/v1"):
        done = call(*arguments, "--dry-run", stdin=stdin)
    assert done.exit_code == 0, done.stderr
    body: dict[str, Any] = json.loads(done.stdout)["body"]
    return body


def refused(*arguments: str, stdin: str = "") -> str:
    with configured("http://127.0.0.1:9/v1"):
        done = call(*arguments, "--dry-run", stdin=stdin)
    assert (done.exit_code, done.stdout) == (2, "")
    return done.stderr


def project(name: str, text: str) -> None:
    Path("prompts").mkdir(exist_ok=True)
    Path(f"prompts/{name}.toml").write_text(text)


def test_a_template_is_asked_with_its_values_and_settings() -> None:
    body = body_of("ask", "-t", "titolo-seo", "-p", "luogo=Firenze", "-o", "temperature=0.1")
    assert [message["role"] for message in body["messages"]] == ["system", "user"]
    assert "una pagina su Firenze" in body["messages"][1]["content"]
    assert (body["temperature"], body["max_tokens"]) == (0.1, 60)


def test_a_template_answers_like_any_question_and_is_named_on_stderr() -> None:
    with provider():
        done = call("ask", "-t", "seo-title", "-p", "place=Florence", "-o", "max_tokens=2")
    assert done.stdout == "token-1 token-2"
    assert "template: seo-title (" in done.stderr


def test_the_only_value_that_is_left_is_the_prompt_or_what_is_piped_in() -> None:
    by_words = body_of("ask", "-t", "sentiment", "So-so.")
    assert by_words["messages"][-1]["content"] == "So-so."
    assert [message["role"] for message in by_words["messages"][1:4]] == ["user", "assistant", "user"]
    assert body_of("ask", "-t", "sentiment", stdin="So-so.\n") == by_words
    assert body_of("ask", "-t", "sentiment", "-p", "text=-", stdin="So-so.\n") == by_words
    assert body_of("ask", "-t", "sentiment", "-p", "text=So-so.") == by_words


def test_a_system_text_of_the_command_line_replaces_the_templates() -> None:
    body = body_of("ask", "-t", "sentiment", "-p", "text=x", "-s", "Be brief")
    assert [one["content"] for one in body["messages"] if one["role"] == "system"] == ["Be brief"]


def test_files_go_along_with_a_template() -> None:
    Path("notes.txt").write_text("some notes")
    body = body_of("ask", "-t", "seo-title", "-p", "place=Rome", "-a", "notes.txt")
    assert body["messages"][-1]["content"].endswith("notes.txt:\n```\nsome notes\n```")


def test_a_completion_has_the_examples_in_its_text() -> None:
    body = body_of("complete", "-t", "sentiment", "-p", "text=So-so.")
    assert body["prompt"].startswith("Classify")
    assert body["prompt"].endswith("Text: So-so.\nSentiment:")
    assert body["temperature"] == 0


def test_the_model_that_a_template_names_is_asked_where_none_is_given() -> None:
    project("mine", 'prompt = "hi"\nmodel = "sim/json"')
    with configured("http://127.0.0.1:9/v1"):
        done = call("ask", "-t", "mine", "--dry-run")
        named = call("ask", "-t", "mine", "-m", "sim/ok", "--dry-run")
    assert json.loads(done.stdout)["body"]["model"] == "json"
    assert "model: sim/json (the template mine)" in done.stderr
    assert json.loads(named.stdout)["body"]["model"] == "ok"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("ask", "-t", "seo-titl"), "did you mean seo-title?"),
        (("ask", "-t", "product-description"), "needs product=…, facts=…"),
        (("ask", "-t", "product-description", "words"), "give its variables their values with -p"),
        (("ask", "-t", "seo-title", "-p", "place=x", "-p", "plce=y"), "no variable 'plce'"),
        (("ask", "-t", "seo-title", "-p", "place"), "-p takes NAME=VALUE"),
        (("ask", "hi", "-p", "a=b"), "name the template with -t"),
        (("complete", "--file", "x.py", "--line", "1", "-t", "sentiment"), "leave out -t"),
    ],
)
def test_what_cannot_be_filled_in_is_refused_with_what_to_do(arguments: tuple[str, ...], told: str) -> None:
    assert told in refused(*arguments)


def test_the_list_has_all_that_can_be_used_and_tells_of_the_others() -> None:
    project("mine", 'description = "Of mine"\nprompt = "{a} {b}"\n[variables]\nb = 1')
    project("broken", "prompt = 1")
    done = call("prompts")
    lines = [line.split("\t") for line in done.stdout.splitlines()]
    assert ["mine", "a [b]", "Of mine", str(Path("prompts/mine.toml").absolute())] in lines
    assert ["sentiment", "text"] in [line[:2] for line in lines]
    assert "broken.toml" in done.stderr
    assert call("prompts", "list").stdout == done.stdout
    assert {one["name"] for one in json.loads(call("prompts", "--json").stdout)} == {line[0] for line in lines}


def test_a_template_is_shown_as_it_is_written() -> None:
    text = 'prompt = "{a}"  # mine\n'
    project("mine", text)
    assert call("prompts", "show", "mine").stdout == text
    assert json.loads(call("prompts", "show", "mine", "--json").stdout)["needs"] == ["a"]
    assert call("prompts", "show", "mien").exit_code == 2


def test_on_a_terminal_the_list_is_a_table() -> None:
    with screen("prompts") as shown:
        shown.until("prompt", "variables", "where", "seo-title", "comes along")
        assert shown.end() == 0
