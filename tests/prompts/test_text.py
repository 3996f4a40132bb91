"""The syntax of texts with variables: what stands for a value, what for itself, what is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tramite.prompts.text import escape, fill, parse, variables

names = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True)


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("Hello {name}!", "Hello Anna!"),
        ("{name}{name}", "AnnaAnna"),
        ("{{name}}", "{name}"),
        ("{{{name}}}", "{Anna}"),
        ('{{"a": {{"b": "{name}"}}}}', '{"a": {"b": "Anna"}}'),
        ("", ""),
    ],
)
def test_a_variable_stands_for_its_value_and_a_double_brace_for_a_brace(source: str, shown: str) -> None:
    assert fill(parse(source), {"name": "Anna"}) == shown


@pytest.mark.parametrize(
    ("source", "place"),
    [
        ("a { b", "the { in line 1, column 3"),
        ("one\ntwo }", "the } in line 2, column 5"),
        ("{name.secret}", "line 1, column 1"),
        ("{name[0]}", "line 1, column 1"),
        ("{name!r}", "line 1, column 1"),
        ("{name:>10}", "line 1, column 1"),
        ("{}", "line 1, column 1"),
        ("{0}", "line 1, column 1"),
        ("{città}", "line 1, column 1"),
    ],
)
def test_anything_else_in_braces_is_refused_with_its_place(source: str, place: str) -> None:
    with pytest.raises(ValueError, match="begins or ends no variable") as refused:
        parse(source)
    assert place in str(refused.value)


@given(st.text(alphabet=st.sampled_from("{}ab_ \n1")))
def test_every_text_parses_or_is_refused(source: str) -> None:
    try:
        pieces = parse(source)
    except ValueError:
        return
    assert set(variables(pieces)) <= set(source.replace("{", " ").replace("}", " ").split())


@given(st.text())
def test_an_escaped_text_stands_for_itself(source: str) -> None:
    assert fill(parse(escape(source)), {}) == source


@given(st.lists(st.tuples(st.text(), names, st.text())))
def test_a_value_is_never_looked_into(parts: list[tuple[str, str, str]]) -> None:
    values = {name: value for _, name, value in parts}
    source = "".join(f"{escape(words)}{{{name}}}" for words, name, _ in parts)
    assert fill(parse(source), values) == "".join(f"{words}{values[name]}" for words, name, _ in parts)
