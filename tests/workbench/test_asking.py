"""What is sent of a branch, and what settings become: every turn has its answer, and what was not set is not sent."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tramite.calls import ChatCall
from tramite.errors import InvalidCall
from tramite.messages import Message, Reasoning, ToolCall, assistant, check_order, system, tool_result, user
from tramite.store.conversations import Node, Status
from tramite.workbench.chat import settings as kept
from tramite.workbench.chat.asking import title_of, to_send
from tramite.workbench.chat.settings import Settings

CALLS = [ToolCall(f"call_{number}", "look", "{}") for number in (1, 2)]


def branch(*messages: Message, status: Status = "complete") -> list[Node]:
    """Each behind the one before; `status` is the last answer's."""
    nodes = [Node(id=str(at), conversation_id="c", message=message) for at, message in enumerate(messages)]
    answers = [node for node in nodes if node.message.role == "assistant"]
    if answers:
        answers[-1].status = status
    return nodes


def test_the_system_text_comes_first_and_none_where_there_is_none() -> None:
    said = branch(user("a"), assistant("b"), user("c"))
    assert to_send(said, "be kind") == [system("be kind"), user("a"), assistant("b"), user("c")]
    assert to_send(said, "  \n") == [user("a"), assistant("b"), user("c")]


@pytest.mark.parametrize("status", ["failed", "stopped", "interrupted", "running"])
def test_a_turn_that_got_no_answer_is_not_sent_again(status: Status) -> None:
    said = [*branch(user("a"), assistant("b"), user("lost"), assistant(""), status=status), *branch(user("c"))]
    assert to_send(said, "") == [user("a"), assistant("b"), user("c")]
    several = [*branch(user("lost"), assistant(""), status=status)] * 3
    assert to_send([*several, *branch(user("c"))], "") == [user("c")]


@pytest.mark.parametrize("status", ["failed", "stopped", "interrupted"])
def test_what_had_come_of_an_answer_is_sent_but_half_a_call_is_not(status: Status) -> None:
    said = branch(user("a"), assistant("half", CALLS[0]), status=status)
    sent = to_send([*said, *branch(user("c"))], "")
    assert [(message.text, message.tool_calls) for message in sent] == [("a", []), ("half", []), ("c", [])]
    only_a_call = branch(user("a"), assistant(CALLS[0]), status=status)
    assert to_send([*only_a_call, *branch(user("c"))], "") == [user("c")]


def test_calls_that_nobody_allowed_are_answered_so() -> None:
    said = branch(user("a"), assistant(*CALLS), tool_result(CALLS[0], "found"), user("c"))
    sent = to_send(said, "")
    assert [message.role for message in sent] == ["user", "assistant", "tool", "tool", "user"]
    assert {message.tool_call_id for message in sent if message.role == "tool"} == {"call_1", "call_2"}
    check_order(sent)


MESSAGES = st.sampled_from(
    [
        user("a"),
        assistant(""),
        assistant("b"),
        assistant(*CALLS),
        assistant("b", CALLS[0]),
        assistant(Reasoning("hm")),
        tool_result(CALLS[0], "x"),
        tool_result(CALLS[1], "y"),
    ]
)
STATUSES: st.SearchStrategy[Status] = st.sampled_from(["complete", "stopped", "failed", "interrupted"])


@st.composite
def chats(draw: st.DrawFn) -> list[Node]:
    """Turns as a page makes them: a question, an answer of any kind and end, results where it asked for tools."""
    nodes: list[Node] = []
    for at in range(draw(st.integers(0, 6))):
        nodes.append(Node(id=f"q{at}", conversation_id="c", message=user(f"question {at}")))
        for _ in range(draw(st.integers(1, 2))):
            said = draw(MESSAGES.filter(lambda message: message.role == "assistant"))
            status = draw(STATUSES)
            nodes.append(Node(id=f"a{len(nodes)}", conversation_id="c", message=said, status=status))
            if status != "complete" or not said.tool_calls:
                break
            results = [tool_result(call, "x") for call in said.tool_calls if draw(st.booleans())]
            nodes += [Node(id=f"t{len(nodes)}", conversation_id="c", message=one) for one in results]
            if len(results) < len(said.tool_calls):
                break
    nodes.append(Node(id="last", conversation_id="c", message=user("last")))
    return nodes


@given(chats())
def test_whatever_went_wrong_before_what_is_sent_is_in_order_and_ends_with_the_question(nodes: list[Node]) -> None:
    sent = to_send(nodes, "be kind")
    check_order(sent)
    assert sent[-1] == user("last")
    assert all(message.content for message in sent)
    asked = [message for message in sent if message.role == "user"]
    assert len(asked) <= len([message for message in sent if message.role == "assistant"]) + 1


def test_a_title_is_the_first_words_in_one_line() -> None:
    assert title_of("  What\nis\t a token?  ") == "What is a token?"
    assert title_of("") == ""
    long = title_of("word " * 100)
    assert (len(long) <= 60, long[-1]) == (True, "…")


@given(st.text(), st.integers(1, 80))
def test_a_title_is_never_longer_than_it_may_be(text: str, most: int) -> None:
    assert len(title_of(text, most)) <= most
    assert "\n" not in title_of(text, most)


def test_what_was_not_set_is_not_sent() -> None:
    assert Settings().options() == {"model": None}
    assert Settings(provider="demo", model="demo", temperature=0.0, seed=0).options() == {
        "model": "demo/demo",
        "temperature": 0.0,
        "seed": 0,
    }


def test_everything_that_was_set_is_sent() -> None:
    given = Settings(
        model="fast",
        top_p=0.5,
        max_tokens=7,
        presence_penalty=-1.0,
        frequency_penalty=1.0,
        stop=("a", "\n"),
        reasoning_effort="low",
        schema='{"type": "object"}',
    ).options()
    form = given.pop("response_format")
    assert (form.type, form.schema) == ("json_schema", {"type": "object"})
    model = given.pop("model")
    assert model == "fast"
    assert ChatCall(messages=(user("a"),), model=model, **given).stop == ("a", "\n")


@pytest.mark.parametrize("schema", ["no JSON", "[]", "null", "1", "{", "[" * 100_000, '{"a": NaN'])
def test_a_schema_that_is_none_is_refused(schema: str) -> None:
    with pytest.raises(InvalidCall) as refused:
        Settings(schema=schema).options()
    assert refused.value.field == "schema"


@given(
    st.builds(
        Settings,
        provider=st.text(),
        temperature=st.none() | st.floats(0, 2),
        seed=st.none() | st.integers(-(2**53) + 1, 2**53 - 1),
        stop=st.lists(st.text()).map(tuple),
        system=st.text(),
        tools=st.lists(st.text()).map(tuple),
    )
)
def test_settings_are_read_as_they_were_written(given: Settings) -> None:
    assert kept.read(kept.written(given)) == given


@pytest.mark.parametrize("written", [{"seed": "x"}, {"temperature": []}, {"stop": 1}, {"reasoning_effort": "very"}])
def test_settings_that_are_not_as_they_should_be_are_the_defaults(written: dict[str, object]) -> None:
    assert kept.read(written) == Settings()
