from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.dialects.strategies import calls, replies
from tests.dialects.support import MATRIX
from tramite.assembly import Assembler
from tramite.calls import Call, ChatCall, CompletionCall, EmbeddingCall, ModelsCall, RerankCall, ResponseFormat, Tool
from tramite.config import Cache
from tramite.messages import Image, assistant, user
from tramite.pipeline import caching
from tramite.pipeline.caching import as_events, cache_key, packed, unpacked
from tramite.replies import Attempt, Choice, EmbeddingReply, Finish, Reply, RerankReply, Timings, TokenLogprob, Usage

ON = Cache(enabled=True)
OPENAI = MATRIX["openai", "chat"]
_PNG = b"\x89PNG\r\n\x1a\n"


def chat(text: str = "ciao", **settings: Any) -> ChatCall:
    return ChatCall(**{"messages": (user(text),), "temperature": 0} | settings)


def key(call: Call, cache: Cache = ON, asked: str = "fast", **who: Any) -> str | None:
    return cache_key(call, cache, asked, **who)


def test_the_very_same_call_has_the_very_same_key() -> None:
    assert key(chat(extra={"a": 1, "b": 2})) == key(chat(extra={"b": 2, "a": 1}))
    assert key(chat()) is not None


DIFFERENT = (
    chat(),
    chat("salve"),
    chat(seed=1),
    chat(n=2),
    chat(max_tokens=5),
    chat(stop=("x",)),
    chat(extra={"top_k": 1}),
    chat(response_format=ResponseFormat("json_object")),
    chat(messages=(user("ciao", Image(data=_PNG)),)),
    chat(messages=(user("ciao", Image(data=_PNG + b"x")),)),
    chat(messages=(user("ciao"), assistant("salve"), user("ciao"))),
    CompletionCall(prompt="ciao", temperature=0),
    EmbeddingCall(inputs=("ciao",)),
    EmbeddingCall(inputs=("ciao",), dimensions=8),
    RerankCall(query="ciao", texts=("a",)),
)


def test_calls_that_differ_in_anything_have_different_keys() -> None:
    keys = {key(call) for call in DIFFERENT}
    assert None not in keys
    assert len(keys) == len(DIFFERENT)


@given(calls("chat", OPENAI), calls("chat", OPENAI))
def test_two_calls_share_a_key_only_if_they_are_equal(one: ChatCall, other: ChatCall) -> None:
    one, other = replace(one, model=None), replace(other, model=None)
    assert (key(one, wanted=True) == key(other, wanted=True)) is (one == other)


def test_who_asks_and_for_what_is_part_of_the_key() -> None:
    assert key(chat(), key="mine") != key(chat(), key="yours")
    assert key(chat(), asked="a/b") != key(chat(), asked="a/c")
    assert key(chat(model="a/b"), asked="a/b") == key(chat(), asked="a/b")


def test_a_shared_cache_gives_one_key_s_answers_to_another() -> None:
    shared = Cache(enabled=True, shared=True)
    assert key(chat(), shared, key="mine") == key(chat(), shared, key="yours")


@pytest.mark.parametrize("temperature", [None, 0.1, 1.0])
def test_a_call_that_wants_to_be_surprised_is_answered_anew(temperature: float | None) -> None:
    assert key(chat(temperature=temperature)) is None
    assert key(CompletionCall(prompt="x", temperature=temperature)) is None
    assert key(chat(temperature=temperature), wanted=True) is not None


def test_the_highest_temperature_is_a_setting() -> None:
    warm = Cache(enabled=True, max_temperature=0.5)
    assert key(chat(temperature=0.5), warm) is not None
    assert key(chat(temperature=0.6), warm) is None


def test_tools_may_act_so_their_calls_are_kept_only_when_told_to() -> None:
    def weather(place: str) -> str:
        return place

    with_tools = chat(tools=(Tool("weather", function=weather),))
    assert key(with_tools) is None
    forced = key(with_tools, wanted=True)
    assert forced is not None
    assert forced == key(chat(tools=(Tool("weather"),)), wanted=True)
    assert forced != key(chat(tools=(Tool("weather", "Il tempo"),)), wanted=True)


def test_off_is_off_unless_the_call_says_otherwise_and_the_call_may_say_no() -> None:
    assert key(chat(), Cache()) is None
    assert key(chat(), Cache(), wanted=True) is not None
    assert key(chat(), wanted=False) is None
    assert key(ModelsCall(), wanted=True) is None


def test_what_has_no_json_is_not_kept_and_raises_nothing() -> None:
    assert key(chat(extra={"x": object()})) is None
    assert key(chat("\ud800")) is None


def reply(finish: Finish = "stop", text: str = "salve", **facts: Any) -> Reply:
    return Reply(choices=(Choice(assistant(text), finish),), **facts)


@given(replies("chat", OPENAI) | replies("chat", MATRIX["anthropic", "chat"]))
def test_an_answer_comes_back_as_it_was_at_no_cost_and_without_attempts(came: Reply) -> None:
    came = replace(came, attempts=(Attempt("a/b", 1.0),), timings=Timings(1.0), cost_nanousd=5, target="a/b")
    data = packed(came)
    assert (data is None) is any(choice.finish not in ("stop", "length", "tool_calls") for choice in came.choices)
    if data is not None:
        again = unpacked(data, Reply)
        assert again == replace(came, attempts=(), timings=Timings(), cost_nanousd=0, cached=True)


@given(replies("embedding", MATRIX["openai", "embedding"]))
def test_vectors_come_back_to_the_last_bit(came: EmbeddingReply) -> None:
    data = packed(came)
    assert data is not None
    assert unpacked(data, EmbeddingReply) == replace(came, cost_nanousd=0, cached=True)


@given(replies("rerank", MATRIX["huggingface", "rerank"]))
def test_a_ranking_comes_back_too(came: RerankReply) -> None:
    data = packed(came)
    assert data is not None
    assert unpacked(data, RerankReply) == replace(came, cost_nanousd=0, cached=True)


def test_a_probability_of_nothing_survives() -> None:
    choice = Choice(assistant("x"), "stop", (TokenLogprob("x", -math.inf),))
    data = packed(Reply(choices=(choice,)))
    assert data is not None
    again = unpacked(data, Reply)
    assert again is not None
    assert again.logprobs == choice.logprobs


@pytest.mark.parametrize("finish", ["stopped", "unknown", "content_filter"])
def test_only_a_whole_answer_is_kept(finish: Finish) -> None:
    assert packed(reply(finish)) is None
    assert packed(reply(usage=Usage(source="partial"))) is None


def test_a_huge_answer_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(caching, "MOST_BYTES", 1000)
    assert packed(reply(text="x" * 500)) is not None
    assert packed(reply(text="x" * 1000)) is None


def test_the_validated_object_is_made_anew_from_the_text() -> None:
    data = packed(reply(parsed=object()))
    assert data is not None
    assert unpacked(data, Reply) == reply(cost_nanousd=0, cached=True)


@given(st.binary(max_size=200))
def test_what_another_version_kept_is_not_found_rather_than_wrong(data: bytes) -> None:
    assert unpacked(data, Reply) is None
    assert unpacked(b"", EmbeddingReply) is None


@given(replies("chat", OPENAI) | replies("chat", MATRIX["anthropic", "chat"]))
def test_the_events_of_an_answer_make_the_same_answer(came: Reply) -> None:
    assembler = Assembler()
    assembler.feed(as_events(came))
    assert assembler.reply() == replace(came, request_id=None)
