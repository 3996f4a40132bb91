"""Templates: where they are found, what becomes of them, and what is wrong with those that are refused."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tramite import prompts
from tramite.calls import ChatCall, CompletionCall
from tramite.errors import ConfigError, InvalidCall
from tramite.prompts.folders import LIBRARY

SHIPPED = sorted(path.stem for path in LIBRARY.glob("*.toml"))


def project(name: str, text: str) -> Path:
    """A template in the folder where the test stands."""
    return _written(Path("prompts"), name, text)


def own(name: str, text: str) -> Path:
    """One of the user's own."""
    return _written(Path(os.environ["TRAMITE_HOME"]) / "prompts", name, text)


def _written(folder: Path, name: str, text: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.toml"
    path.write_text(text)
    return path


def turns(template: prompts.Template, **values: prompts.Value) -> list[tuple[str, str]]:
    return [(message.role, message.text) for message in template.messages(**values)]


def test_a_template_becomes_messages_with_its_examples_as_turns() -> None:
    project(
        "mood",
        'system = "You are {who}."\nprompt = """\nText: {text}\n"""\n[variables]\nwho = "a judge"\n'
        '[[examples]]\ninput = "{sun}"\noutput = "{}"\n',
    )
    assert turns(prompts.load("mood"), text="rain") == [
        ("system", "You are a judge."),
        ("user", "{sun}"),
        ("assistant", "{}"),
        ("user", "Text: rain"),
    ]


def test_for_a_completion_it_is_one_text_that_ends_where_the_answer_begins() -> None:
    project(
        "mood",
        'system = "Judge."\nprompt = "{text}"\nlabels = {input = "T", output = "M"}\n'
        '[[examples]]\ninput = "sun"\noutput = "good"\n',
    )
    assert prompts.load("mood").text(text="rain") == "Judge.\n\nT: sun\nM: good\n\nT: rain\nM:"
    project("plain", 'prompt = "Once upon {when}"')
    assert prompts.load("plain").text(when="a time") == "Once upon a time"


def test_braces_in_a_value_are_data() -> None:
    project("echo", 'prompt = "{a} {b}"')
    assert turns(prompts.load("echo"), a="{b}", b="{{a}} {0.__class__}") == [("user", "{b} {{a}} {0.__class__}")]


def test_numbers_are_values_too_and_what_is_given_comes_before_the_default() -> None:
    project("count", 'prompt = "{n} of {all}, {self}"\n[variables]\nn = 1\nall = 2.5\nself = "me"\n')
    assert turns(prompts.load("count")) == [("user", "1 of 2.5, me")]
    assert turns(prompts.load("count"), n=3, self="you") == [("user", "3 of 2.5, you")]


def test_the_projects_hides_the_users_own_and_that_the_one_that_comes_along() -> None:
    assert prompts.load("sentiment").origin == str(LIBRARY / "sentiment.toml")
    mine = own("sentiment", 'prompt = "mine"')
    assert prompts.load("sentiment").origin == str(mine)
    near = project("sentiment", 'prompt = "near"')
    assert prompts.load("sentiment").origin == str(near.absolute())
    own("extra", 'prompt = "x"')
    assert prompts.names() == sorted([*SHIPPED, "extra"])


@pytest.mark.parametrize("name", ["sentimnt", "../secrets", "", "a/b"])
def test_an_unknown_name_is_answered_with_those_there_are_and_no_file_elsewhere_is_looked_at(name: str) -> None:
    Path("secrets.toml").write_text('prompt = "no"')
    Path("prompts").mkdir()
    with pytest.raises(InvalidCall, match="there is no template") as refused:
        prompts.load(name)
    assert "sentimento" in str(refused.value)
    if name == "sentimnt":
        assert "did you mean sentiment" in str(refused.value)


def test_a_value_that_is_missing_or_unknown_is_named() -> None:
    template = prompts.load("product-description")
    with pytest.raises(InvalidCall, match=r"'product-description' needs product=…, facts=…") as missing:
        template.messages()
    assert missing.value.field == "product"
    with pytest.raises(InvalidCall, match=r"no variable 'prodct'; did you mean product\?") as unknown:
        template.text(prodct="x", facts="y")
    assert unknown.value.field == "prodct"
    with pytest.raises(InvalidCall, match="facts must be a string or a number"):
        template.messages(product="x", facts=["y"])  # type: ignore[arg-type]  # what an untyped caller may do


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("prompt = ", "not valid TOML"),
        ('system = "x"', "prompt"),
        ('prompt = ""', "prompt is empty"),
        ("prompt = 3", "prompt"),
        ('promt = "x"', "no key 'promt'; did you mean prompt?"),
        ('prompt = "{"', "prompt: the { in line 1, column 1"),
        ('prompt = "x"\nsystem = "a }"', "system: the } in line 1, column 3"),
        ('prompt = "{a}"\n[variables]\nb = "x"', "variables.b is in no text"),
        ('prompt = "{a}"\n[variables]\na = []', "variables"),
        ('prompt = "x"\n[[examples]]\ninput = "a"', "examples[0]"),
        ('prompt = "x"\n[settings]\ntemperatur = 1', "settings.temperatur; did you mean temperature?"),
        ('prompt = "x"\n[settings]\ntemperature = 3', "settings.temperature: temperature must be"),
        ('prompt = "x"\n[settings]\nextra = {a = 1}', "settings.extra"),
        ('prompt = "x"\n[settings]\nretry = 1', "settings.retry"),
    ],
)
def test_a_broken_file_is_named_with_the_key(text: str, told: str) -> None:
    path = project("broken", text).absolute()
    with pytest.raises(ConfigError) as refused:
        prompts.load("broken")
    assert str(refused.value).startswith(str(path))
    assert told in str(refused.value)


def test_what_is_no_plain_file_of_text_is_refused() -> None:
    Path("prompts").mkdir()
    os.mkfifo("prompts/pipe.toml")
    Path("prompts/latin.toml").write_bytes(b'prompt = "caf\xe9"')
    for name in ("pipe", "latin"):
        with pytest.raises(ConfigError, match=name):
            prompts.load(name)


@pytest.mark.parametrize("name", SHIPPED)
def test_every_template_that_comes_along_makes_a_call(name: str) -> None:
    template = prompts.load(name)
    values = dict.fromkeys(template.needs, "{x} Perché no?")
    chat = ChatCall(messages=tuple(template.messages(**values)), **template.settings)
    completion = CompletionCall(prompt=template.text(**values), **template.settings)
    assert template.description
    assert template.needs
    assert "{x} Perché no?" in chat.messages[-1].text
    assert "{x} Perché no?" in completion.prompt


def test_the_file_in_the_documentation_is_one() -> None:
    page = (Path(__file__).parents[2] / "docs" / "prompts.md").read_text()
    project("review", page.partition("```toml\n")[2].partition("```")[0])
    template = prompts.load("review")
    assert template.needs == ("diff",)
    assert '{"file": "…"' in template.text(diff="")
