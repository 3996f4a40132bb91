"""Tools in a chat: nothing runs by itself, and ours do no more than they say."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tramite.errors import InvalidCall
from tramite.messages import ToolCall, tool_result
from tramite.workbench.chat import tools


def call(name: str, raw: str) -> ToolCall:
    return ToolCall("id", name, raw)


@pytest.mark.parametrize(
    ("expression", "value"), [("(3 + 4) * 2 ** 3", "56"), ("-7 // 2", "-4"), ("1 / 4", "0.25"), ("7 % 4", "3")]
)
def test_arithmetic_is_calculated(expression: str, value: str) -> None:
    assert tools.calculate(expression) == value


@pytest.mark.parametrize(
    "expression",
    ["__import__('os')", "9**9**9", "1/0", "'a'*3", "x", "(1).real", "[1]", "True", "(-8)**0.5", "1e308*1e308*10", ""],
)
def test_anything_else_is_not(expression: str) -> None:
    assert tools.calculate(expression).startswith("this cannot be calculated")


@given(st.text(max_size=60))
def test_no_expression_can_break_it(expression: str) -> None:
    assert isinstance(tools.calculate(expression), str)


def test_the_time_is_told_in_a_zone_or_the_zone_is_said_not_to_be() -> None:
    assert tools.current_time().endswith("UTC")
    assert tools.current_time("Europe/Rome").endswith(("CET", "CEST"))
    assert "no time zone" in tools.current_time("../etc/passwd")


def test_arguments_that_do_not_fit_are_told_to_the_model() -> None:
    assert tools.run(call("calculate", '{"expression": "2*3"}')) == "6"
    assert tools.run(call("calculate", '{"what": 1}')).startswith("error: the arguments do not fit")
    assert tools.run(call("calculate", "broken")).startswith("error: the arguments do not fit")


def test_a_result_that_was_not_written_is_a_refusal() -> None:
    asked = [call("mine", "{}"), call("mine", "{}")]
    assert tools.results(asked, ["", "ok"]) == [tool_result(asked[0], tools.REFUSED), tool_result(asked[1], "ok")]


def test_tools_are_described_as_openai_does_or_in_short() -> None:
    short = '{"name": "look", "parameters": {"type": "object"}}'
    assert (
        tools.described(f'[{short}, {{"type": "function", "function": {short.replace("look", "see")}}}]')[1].name
        == "see"
    )
    assert [tool.name for tool in tools.offered(["calculate"], short)] == ["calculate", "look"]
    assert tools.described("  ") == ()


@pytest.mark.parametrize("text", ["{", "3", '["x"]', '{"name": 3}', "[" * 100_000])
def test_a_description_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(InvalidCall):
        tools.described(text)
