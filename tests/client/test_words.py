"""What people write in calls and messages: brought to one form where it is clear, refused with a reason where not."""

from __future__ import annotations

import copy
import inspect
import pickle
from enum import Enum, StrEnum
from typing import Any

import msgspec
import pytest

import tramite
from tests.client.world import in_process
from tramite import (
    Attempt,
    Audio,
    ChatCall,
    Choice,
    CompletionCall,
    EmbeddingCall,
    Image,
    InvalidCall,
    Message,
    Reply,
    RerankCall,
    ResponseFormat,
    Text,
    Tool,
    ToolCall,
    TramiteError,
    assistant,
    errors,
    system,
    tool_result,
    user,
)

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 8


class Own(str):
    """As numpy's, or a template engine's."""


class Tone(StrEnum):
    KIND = "kind"


class Name(str, Enum):  # noqa: UP042 - what people have
    ONE = "one"


class Share(float):
    pass


X = (user("x"),)
TOOL = Tool("t")


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        (ChatCall(messages="hello"), ChatCall(messages=(user("hello"),))),  # type: ignore[arg-type]
        (ChatCall(messages=[user("a"), user("b")]), ChatCall(messages=(user("a"), user("b")))),  # type: ignore[arg-type]
        (ChatCall(messages=user("a")), ChatCall(messages=(user("a"),))),  # type: ignore[arg-type]
        (ChatCall(messages=[{"role": "user", "content": "x"}]), ChatCall(messages=X)),  # type: ignore[arg-type, list-item]
        (ChatCall(messages=(one for one in X)), ChatCall(messages=X)),  # type: ignore[arg-type]
        (ChatCall(messages=X, stop="end"), ChatCall(messages=X, stop=("end",))),  # type: ignore[arg-type]
        (ChatCall(messages=X, stop=["a", Own("b")]), ChatCall(messages=X, stop=("a", "b"))),  # type: ignore[arg-type]
        (ChatCall(messages=X, tools=[TOOL]), ChatCall(messages=X, tools=(TOOL,))),  # type: ignore[arg-type]
        (ChatCall(messages=X, temperature=Share(0.5)), ChatCall(messages=X, temperature=0.5)),
        (CompletionCall(prompt=Own("x")), CompletionCall(prompt="x")),
        (EmbeddingCall(inputs="abc"), EmbeddingCall(inputs=("abc",))),  # type: ignore[arg-type]
        (EmbeddingCall(inputs=["a", Own("b")]), EmbeddingCall(inputs=("a", "b"))),  # type: ignore[arg-type]
        (EmbeddingCall(inputs=(text for text in "ab")), EmbeddingCall(inputs=("a", "b"))),  # type: ignore[arg-type]
        (RerankCall(query="q", texts=["a"]), RerankCall(query="q", texts=("a",))),  # type: ignore[arg-type]
        (RerankCall(query="q", texts="abc"), RerankCall(query="q", texts=("abc",))),  # type: ignore[arg-type]
        (Message("user", ["hello"]), user("hello")),  # type: ignore[arg-type]
        (Message("user", ["a", Image(data=PNG)]), user("a", Image(data=PNG))),  # type: ignore[arg-type]
        (Message("user", Text("x")), Message("user", (Text("x"),))),  # type: ignore[arg-type]
        (user(Own("x")), user("x")),
        (user(Tone.KIND, Name.ONE), user("kind", "one")),
        (Image(data=bytearray(PNG)), Image(data=PNG)),  # type: ignore[arg-type]
    ],
)
def test_what_is_clear_is_brought_to_one_form(given: msgspec.Struct, meant: msgspec.Struct) -> None:
    assert given == meant
    assert msgspec.json.encode(given) == msgspec.json.encode(meant)
    for value in msgspec.structs.astuple(given):
        assert type(value) not in (Own, Share, list)


def chat(**settings: Any) -> ChatCall:
    return ChatCall(**{"messages": X, **settings})


@pytest.mark.parametrize(
    ("build", "complaint"),
    [
        (lambda: chat(messages=None), "expected messages, got NoneType"),
        (lambda: chat(messages=3), "expected messages, got int"),
        (lambda: chat(messages=b"hello"), "expected messages, got bytes"),
        (lambda: chat(messages=[None]), "expected messages, got NoneType"),
        (lambda: chat(messages={"content": "x"}), "needs role"),
        (lambda: chat(messages={"role": "user", "content": "x", 3: 4}), "needs role"),
        (lambda: chat(model=3), "model must be a string, got 3"),
        (lambda: chat(temperature=True), "temperature must be a number"),
        (lambda: chat(temperature="0.5"), "temperature must be a number"),
        (lambda: chat(temperature=float("nan")), "temperature must be a number"),
        (lambda: chat(temperature=10**400), "temperature must be a number"),
        (lambda: chat(max_tokens=True), "max_tokens must be a whole number"),
        (lambda: chat(max_tokens=5.0), "max_tokens must be a whole number"),
        (lambda: chat(seed=2**63), "seed must be a whole number"),
        (lambda: chat(stop=[""]), "stop sequences must be non-empty"),
        (lambda: chat(stop=3), "stop must be a string or a list"),
        (lambda: chat(extra=[1]), "extra must be a mapping"),
        (lambda: chat(extra={1: 2}), "extra must be a mapping"),
        (lambda: chat(tools=[print]), "plain functions"),
        (lambda: chat(tools=TOOL), "tools must be a list"),
        (lambda: chat(tool_choice={"type": "function"}), "tool_choice"),
        (lambda: chat(response_format={"type": "json_object"}), "ResponseFormat"),
        (lambda: chat(reasoning_effort="much"), "reasoning_effort must be one of"),
        (lambda: CompletionCall(prompt=["x"]), "prompt must be a string"),  # type: ignore[arg-type]
        (lambda: CompletionCall(prompt="x", suffix=5), "suffix must be a string"),  # type: ignore[arg-type]
        (lambda: EmbeddingCall(inputs=None), "inputs must be"),  # type: ignore[arg-type]
        (lambda: EmbeddingCall(inputs=[1]), r"inputs\[0\] must be a string, got int"),  # type: ignore[arg-type, list-item]
        (lambda: EmbeddingCall(inputs=b"ab"), "inputs must be"),  # type: ignore[arg-type]
        (lambda: RerankCall(query=1, texts=("a",)), "query must be a string"),  # type: ignore[arg-type]
        (lambda: RerankCall(query="q", texts=("a",), top_n=float("inf")), "top_n must be a whole number"),  # type: ignore[arg-type]
        (lambda: RerankCall(query="q", texts=("a",), top_n=True), "top_n must be a whole number"),
        (lambda: Message("assistant", None), "content"),  # type: ignore[arg-type]
        (lambda: Message("user", 5), "content"),  # type: ignore[arg-type]
        (lambda: Message("user", [5]), "made of strings and parts, got int"),  # type: ignore[arg-type]
        (lambda: Message("user", {"type": "text"}), "content"),  # type: ignore[arg-type]
        (lambda: user(["x"]), "made of strings and parts, got list"),  # type: ignore[arg-type]
        (lambda: user(Text(5)), "text must be a string"),  # type: ignore[arg-type]
        (lambda: system(5), "content"),  # type: ignore[arg-type]
        (lambda: tool_result("id", {"a": 1}), "content"),  # type: ignore[arg-type]
        (lambda: ToolCall("id", "f", {"a": 1}), "raw"),  # type: ignore[arg-type]
        (lambda: Image(url=5), "url must be a string"),  # type: ignore[arg-type]
        (lambda: Image(data="x"), "data must be bytes"),  # type: ignore[arg-type]
        (lambda: Image(url="data:image/png;base64,AAAA"), "from_data_url"),
        (lambda: Image(data=b"%PDF", media_type="application/pdf"), "media type of an image"),
        (lambda: Image(data=PNG, detail="most"), "detail must be"),  # type: ignore[arg-type]
        (lambda: Audio("x"), "data must be bytes"),  # type: ignore[arg-type]
        (lambda: Audio(b"x", "ogg"), "format must be"),  # type: ignore[arg-type]
        (lambda: Tool(5), "a tool's name"),  # type: ignore[arg-type]
        (lambda: Tool(""), "a tool's name"),
        (lambda: Tool("t", parameters=[]), "parameters"),  # type: ignore[arg-type]
        (lambda: Tool("t", function=5), "function"),  # type: ignore[arg-type]
        (lambda: ResponseFormat("yaml"), "type must be one of"),  # type: ignore[arg-type]
    ],
)
def test_what_is_not_clear_is_refused_with_a_reason(build: Any, complaint: str) -> None:
    with pytest.raises(InvalidCall, match=complaint):
        build()


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"retry": "often"}, "retry must be"),
        ({"deadline_s": 10**400}, "deadline_s must be a number of seconds"),
        ({"deadline_s": float("nan")}, "deadline_s must be a number of seconds"),
        ({"stall_s": "3"}, "stall_s must be a number of seconds"),
        ({"tools": [TOOL], "max_tool_rounds": "8"}, "max_tool_rounds must be a whole number"),
        ({"tools": [TOOL], "max_tool_rounds": True}, "max_tool_rounds must be a whole number"),
    ],
)
async def test_how_a_call_is_carried_out_is_checked_before_anything_is_sent(options: Any, complaint: str) -> None:
    llm, provider = in_process()
    with pytest.raises(InvalidCall, match=complaint):
        await llm.chat("x", **options)
    assert provider.stats().requests == 0


async def test_limits_may_be_lifted() -> None:
    llm, _ = in_process()
    assert (await llm.chat("x", model="sim/echo", deadline_s=float("inf"), stall_s=float("inf"))).text == "x"


def test_a_call_does_not_change_with_what_it_was_made_of() -> None:
    extra, parameters, messages = {"user": 1}, {"type": "object"}, [user("x")]
    call = ChatCall(messages=messages, extra=extra, tools=(Tool("t", parameters=parameters),))  # type: ignore[arg-type]
    extra["user"], parameters["type"] = 2, "array"
    messages.append(user("y"))
    assert (call.extra, call.tools[0].parameters, call.messages) == ({"user": 1}, {"type": "object"}, X)


def test_calls_and_replies_can_be_copied_and_pickled() -> None:
    call = chat(tools=(TOOL,), extra={"a": {"b": 1}}, stop=("x",))
    reply = Reply(choices=(Choice(assistant("x")),), parsed={"a": 1})
    for one in (call, reply, user("x", Image(data=PNG)), EmbeddingCall(inputs=("a",))):
        for other in (copy.copy(one), copy.deepcopy(one), pickle.loads(pickle.dumps(one))):
            assert other == one
    assert len({user("x"), user("x"), assistant("x")}) == 2


ERRORS = [
    kind
    for _, kind in inspect.getmembers(errors, inspect.isclass)
    if issubclass(kind, TramiteError) and not kind.__name__.startswith("_")
]


@pytest.mark.parametrize("kind", ERRORS)
def test_an_error_keeps_its_facts_when_it_travels(kind: Any) -> None:
    reply = Reply(choices=(Choice(assistant("x")),))
    error = kind("what happened", *([reply] if issubclass(kind, errors._WithReply) else []))
    error.attempts = (Attempt("a/b", 1.0),)
    error.partial = "half"
    if isinstance(error, tramite.ProviderError):
        error.at("a", "b", "req-1").status = 500
    for other in (copy.copy(error), copy.deepcopy(error), pickle.loads(pickle.dumps(error))):
        assert type(other) is kind
        assert (str(other), vars(other)) == (str(error), vars(error))


def test_arguments_that_are_no_object_are_a_value_error_however_deep() -> None:
    for raw in ("[1]", "{", "\ud800", '{"a":' + "[" * 100_000 + "]" * 100_000 + "}"):
        with pytest.raises(ValueError, match="arguments of f"):
            _ = ToolCall("1", "f", raw).arguments
    assert ToolCall("1", "f", "").arguments == {}


async def test_the_tokens_of_any_prompt_can_be_counted() -> None:
    llm, _ = in_process()
    assert (await llm.count_tokens("")).tokens == 0
    assert (await llm.count_tokens([system("be kind")])).tokens > 0


async def test_a_comparison_takes_a_list_of_targets() -> None:
    llm, _ = in_process()
    with pytest.raises(InvalidCall, match="list of the targets"):
        await llm.compare("x", "sim/ok")
