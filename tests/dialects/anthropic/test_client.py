"""Our own client and the simulator, with this dialect between them: what each fault makes of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from tests.client.world import QUICK, config, in_process, words
from tramite import AsyncClient, Reply, TramiteError
from tramite.simulator import InProcess, Simulator, fast_forward

DIALECT = 'dialect = "anthropic"\nauth = "x-api-key"\napi_key = "sk-right"\n'
TWO = "token-1 token-2"


def _world() -> tuple[AsyncClient, InProcess]:
    return in_process(more=DIALECT, key="sk-right")


async def _ask(model: str, stream: bool) -> tuple[Reply | TramiteError, int]:
    """What the caller gets, and how often the provider was asked."""
    llm, provider = _world()
    settings: dict[str, Any] = {"model": f"sim/{model},tokens=4", "max_tokens": 99, "stall_s": 20, "deadline_s": 300}
    try:
        if not stream:
            return await llm.chat("x", **settings), provider.stats().requests
        async with llm.stream("x", **settings, first_token_s=10) as streamed:
            async for _ in streamed:
                pass
        return streamed.reply, provider.stats().requests
    except TramiteError as error:
        return error, provider.stats().requests


# fault, error of a whole reply and how often it was tried, error of a stream, tries, the text that it keeps
FAILS: list[tuple[str, str, int, str, int, str]] = [
    ("429", "Throttled", 6, "Throttled", 6, ""),
    ("529", "Overloaded", 3, "Overloaded", 3, ""),
    ("cut@2", "ConnectionBroken", 3, "IncompleteStream", 1, TWO),
    ("cut@0", "ConnectionBroken", 3, "IncompleteStream", 3, ""),
    ("malformed@2", "BadReply", 3, "BadReply", 1, TWO),
    ("malformed@0", "BadReply", 3, "BadReply", 3, ""),
    ("badutf8@2", "BadReply", 3, "BadReply", 1, TWO),
    ("error@2", "Overloaded", 3, "Overloaded", 1, TWO),
    ("error@0", "Overloaded", 3, "Overloaded", 3, ""),
    ("html", "BadReply", 3, "BadReply", 3, ""),
    ("empty", "BadReply", 3, "BadReply", 3, ""),
    ("context", "ContextTooLong", 1, "ContextTooLong", 1, ""),
    ("filter", "ContentFiltered", 1, "ContentFiltered", 1, ""),
    ("quota", "QuotaExhausted", 1, "QuotaExhausted", 1, ""),
    ("auth", "AuthenticationFailed", 1, "AuthenticationFailed", 1, ""),
    ("notfound", "ModelNotFound", 1, "ModelNotFound", 1, ""),
]


@pytest.mark.parametrize(("model", "whole", "tries", "_stream", "_tries", "_partial"), FAILS)
def test_a_whole_reply_that_fails_says_how(
    model: str, whole: str, tries: int, _stream: Any, _tries: Any, _partial: Any
) -> None:
    got, asked = fast_forward(_ask(model, stream=False))
    assert (type(got).__name__, asked) == (whole, tries)


@pytest.mark.parametrize(("model", "_whole", "_tries", "stream", "tries", "partial"), FAILS)
def test_a_stream_that_fails_says_how_and_keeps_its_text(
    model: str, _whole: Any, _tries: Any, stream: str, tries: int, partial: str
) -> None:
    got, asked = fast_forward(_ask(model, stream=True))
    assert (type(got).__name__, asked) == (stream, tries)
    assert getattr(got, "partial", None) == partial


def test_a_stream_without_message_stop_is_not_sold_as_whole() -> None:
    got, _ = fast_forward(_ask("no-done", stream=True))
    assert type(got).__name__ == "IncompleteStream"
    assert getattr(got, "partial", None) == words(4)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("model", "tries"), [("ok", 1), ("500:times=1", 2), ("429:retry-after=2:times=1", 2)])
def test_what_passes_ends_in_one_whole_answer(model: str, tries: int, stream: bool) -> None:
    got, asked = fast_forward(_ask(model, stream))
    assert isinstance(got, Reply)
    assert (got.text, got.finish, got.usage.output_tokens) == (words(4), "stop", 4)
    assert (got.usage.input_tokens or 0) > 0
    assert asked == tries == len(got.attempts)


def test_a_cold_start_is_waited_for() -> None:
    got, asked = fast_forward(_ask("503:loading=20:times=1", stream=False))
    assert isinstance(got, Reply)
    assert asked == 2


def weather(city: str) -> str:
    """The weather in a city."""
    return f"sunny in {city}"


@dataclass
class Place:
    city: str


async def test_tools_schemas_and_thinking_over_a_socket() -> None:
    async with Simulator.running(key="sk-right") as simulator:
        llm = AsyncClient(config(simulator.base_url, more=DIALECT), retry=QUICK)
        async with llm:
            asked: dict[str, Any] = {"max_tokens": 9000}
            reply = await llm.chat("Weather?", model="sim/tools,reasoning=2", tools=[weather], **asked)
            assert reply.text == "The tool answered: sunny in text"
            place = await llm.chat("Where?", model="sim/json", schema=Place, **asked)
            assert place.parsed == Place("text")
            thought = await llm.chat("?", model="sim/reasoning=2,tokens=1", reasoning_effort="low", **asked)
            assert thought.reasoning
            noticed = await llm.chat("?", model="sim/ok", seed=7)
            assert len(noticed.notices) == 2
