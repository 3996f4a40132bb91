"""What the prompt page does without a page: examples as text, tokens with their probabilities."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from tramite.messages import assistant
from tramite.prompts import Labels
from tramite.store.conversations import Node
from tramite.workbench.access import Access
from tramite.workbench.prompt import examples, tokens
from tramite.workbench.prompt.asking import Wanted, may_go_through_chat
from tramite.workbench.ui import sampling

NAMES = ("#", "token", "probability", "others")


def test_examples_stand_between_their_labels_and_empty_rows_are_left_out() -> None:
    text = examples.written_out("Do {it}.\n", [("a {b}", "c"), ("", " ")], Labels("Q", "A"), "d")
    assert text == "Do {it}.\n\nQ: a {b}\nA: c\n\nQ: d\nA:"
    assert examples.stop_before(Labels("Q", "A")) == "\nQ:"


@given(st.text(), st.text(), st.text())
def test_any_text_can_be_an_example(instruction: str, given: str, asked: str) -> None:
    assert asked in examples.written_out(instruction, [(given, "x")], Labels(), asked)


def test_tokens_are_shown_with_their_spaces_their_probability_and_the_others() -> None:
    found = tokens.read(
        [
            {"token": " a", "logprob": math.log(0.95), "top": [[" a", math.log(0.95)], ["\n", math.log(0.04)]]},
            {"token": "\t\n", "logprob": math.log(0.2)},
            {"token": "", "logprob": -9999.0, "top": []},
        ]
    )
    assert tokens.rows(found, NAMES) == [
        {"#": 1, "token": "␣a", "probability": 95.0, "others": "↵ 4.0%"},
        {"#": 2, "token": "⇥↵", "probability": 20.0, "others": ""},
        {"#": 3, "token": "∅", "probability": 0.0, "others": ""},
    ]
    assert tokens.coloured(found) == ":green-background[␣a]:orange-background[⇥↵]  \n:red-background[∅]"


def test_nothing_in_a_token_is_markdown() -> None:
    token = tokens.Token("](http://x) :red[b] `c` $d$ <e>", 0.6)
    assert tokens.coloured([token]) == (":blue-background[\\]\\(http\\://x\\)␣\\:red\\[b\\]␣\\`c\\`␣\\$d\\$␣\\<e\\>]")


def test_a_probability_is_told_as_precisely_as_it_takes() -> None:
    assert [tokens.percent(one) for one in (1.0, 0.0512, 0.00004, 0.0)] == ["100.0%", "5.1%", "0.004%", "0.0%"]


def test_settings_become_values_of_widgets_and_what_is_not_set_is_empty() -> None:
    values = sampling.values({"temperature": 0, "max_tokens": 7, "stop": ("\n", "END")})
    assert (values["temperature"], values["max_tokens"], values["seed"], values["stop"]) == (0.0, 7, None, "\\n\nEND")
    assert isinstance(values["temperature"], float)


def test_what_only_completions_have_is_left_out_of_a_chat() -> None:
    wanted = Wanted(access=Access(), target="a/b", settings={"suffix": "s", "echo": True, "seed": 1})
    assert wanted.through_chat() == Wanted(access=Access(), target="a/b", via="chat", settings={"seed": 1})


def test_a_chat_is_offered_only_where_completions_may_be_what_is_missing() -> None:
    def failed(kind: str, via: str | None = None) -> Node:
        facts = {"error": {"kind": kind}, "asked": {"via": via}}
        return Node(id="n", conversation_id="c", message=assistant(""), status="failed", facts=facts)

    assert may_go_through_chat(failed("Unsupported"))
    assert may_go_through_chat(failed("ModelNotFound"))
    assert not may_go_through_chat(failed("Throttled"))
    assert not may_go_through_chat(failed("ModelNotFound", "chat"))
