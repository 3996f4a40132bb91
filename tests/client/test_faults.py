"""What the client makes of each fault of the simulator: for whole replies and for streams."""

from __future__ import annotations

from typing import Any

import pytest

from tests.client.world import in_process, words
from tramite import Loading, ModelLoading, Reply, TramiteError
from tramite.simulator import fast_forward

TWO = "token-1 token-2"


async def ask(model: str, stream: bool) -> tuple[Reply | TramiteError, int]:
    """What the caller gets, and how often the provider was asked."""
    llm, provider = in_process()
    try:
        if not stream:
            return await llm.chat("x", model=f"sim/{model}", stall_s=20, deadline_s=300), provider.stats().requests
        async with llm.stream("x", model=f"sim/{model}", first_token_s=10, stall_s=20) as streamed:
            async for _ in streamed:
                pass
        return streamed.reply, provider.stats().requests
    except TramiteError as error:
        return error, provider.stats().requests


# fault, error for a whole reply (None: answered), tries, error for a stream, tries, text that the stream's error keeps
FAILS: list[tuple[str, str | None, int, str | None, int, str]] = [
    # A throttle costs no try: 0.5, 1, 2, 4 and 8 s are waited for, and 16 more would pass max_wait_s.
    ("429", "Throttled", 6, "Throttled", 6, ""),
    ("503", "Overloaded", 3, "Overloaded", 3, ""),
    ("529", "Overloaded", 3, "Overloaded", 3, ""),
    ("reset", "ConnectionBroken", 3, "ConnectionBroken", 3, ""),
    ("silent", "DeadlineExceeded", 1, "TimedOut", 3, ""),
    ("slow-first-token:20s", None, 1, "TimedOut", 3, ""),
    ("cut@2", "ConnectionBroken", 3, "IncompleteStream", 1, TWO),
    ("cut@0", "ConnectionBroken", 3, "IncompleteStream", 3, ""),
    ("stall@2:30s", "TimedOut", 3, "TimedOut", 1, TWO),
    ("malformed@2", "BadReply", 3, "BadReply", 1, TWO),
    ("malformed@0", "BadReply", 3, "BadReply", 3, ""),
    ("badutf8@2", "BadReply", 3, "BadReply", 1, TWO),
    ("error@2", "Overloaded", 3, "Overloaded", 1, TWO),
    ("error@0", "Overloaded", 3, "Overloaded", 3, ""),
    ("html", "BadReply", 3, "BadReply", 3, ""),
    ("html:502", "Overloaded", 3, "Overloaded", 3, ""),
    ("empty", "BadReply", 3, "BadReply", 3, ""),
    ("wrongtype", "BadReply", 3, "BadReply", 3, ""),
    ("context", "ContextTooLong", 1, "ContextTooLong", 1, ""),
    ("filter", "ContentFiltered", 1, "ContentFiltered", 1, ""),
    ("quota", "QuotaExhausted", 1, "QuotaExhausted", 1, ""),
    ("auth", "AuthenticationFailed", 1, "AuthenticationFailed", 1, ""),
    ("notfound", "ModelNotFound", 1, "ModelNotFound", 1, ""),
]


@pytest.mark.parametrize(("model", "whole", "tries", "_stream", "_tries", "_partial"), FAILS)
def test_a_whole_reply_that_fails_says_how(
    model: str, whole: str | None, tries: int, _stream: Any, _tries: Any, _partial: Any
) -> None:
    got, asked = fast_forward(ask(f"{model},tokens=4", stream=False))
    assert asked == tries
    if whole is None:
        assert isinstance(got, Reply)
        assert got.text == words(4)
    else:
        assert type(got).__name__ == whole
        assert len(got.attempts) == tries
        assert all(attempt.error for attempt in got.attempts)


@pytest.mark.parametrize(("model", "_whole", "_tries", "stream", "tries", "partial"), FAILS)
def test_a_stream_that_fails_says_how_and_keeps_its_text(
    model: str, _whole: Any, _tries: Any, stream: str, tries: int, partial: str
) -> None:
    got, asked = fast_forward(ask(f"{model},tokens=4", stream=True))
    assert type(got).__name__ == stream
    assert asked == tries
    assert getattr(got, "partial", None) == partial
    assert isinstance(got, TramiteError)
    assert len(got.attempts) == tries


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("model", "tries"),
    [("ok", 1), ("no-done", 1), ("500:times=1", 2), ("429:retry-after=2:times=1", 2), ("cut@0:times=2", 3)],
)
def test_what_passes_ends_in_one_whole_answer(model: str, tries: int, stream: bool) -> None:
    got, asked = fast_forward(ask(f"{model},tokens=4", stream))
    assert isinstance(got, Reply)
    assert (got.text, got.finish, got.usage.output_tokens) == (words(4), "stop", 4)
    assert asked == tries == len(got.attempts)


def test_an_end_without_a_reason_is_taken_only_with_usage_and_says_so() -> None:
    got, _ = fast_forward(ask("no-finish,tokens=4", stream=True))
    assert isinstance(got, Reply)
    assert got.finish == "unknown"
    assert "no finish reason" in got.notices[0]


@pytest.mark.parametrize(("model", "finish"), [("length", "length"), ("filter@2", "content_filter")])
def test_a_finish_that_is_no_stop_is_told(model: str, finish: str) -> None:
    for stream in (False, True):
        got, _ = fast_forward(ask(f"{model},tokens=4", stream))
        assert isinstance(got, Reply)
        assert got.finish == finish


def test_retry_after_is_waited_for() -> None:
    async def main() -> float:
        llm, _ = in_process()
        return (await llm.chat("x", model="sim/429:retry-after=2:times=1")).timings.waited_s

    assert 2 <= fast_forward(main()) < 3


def test_a_cold_start_is_waited_for_without_counting_tries() -> None:
    async def main() -> tuple[str, int, list[Loading]]:
        llm, provider = in_process(cold_start_s=100.0)
        stream = llm.stream("x", model="sim/tokens=4")
        loading = [event async for event in stream if isinstance(event, Loading)]
        return stream.reply.text, provider.stats().requests, loading

    text, asked, loading = fast_forward(main())
    assert text == words(4)
    assert len(loading) == asked - 1 >= 3
    assert loading[0].estimated_s is not None


def test_a_cold_start_longer_than_start_timeout_is_told() -> None:
    async def main() -> int:
        llm, provider = in_process(cold_start_s=1000.0)
        with pytest.raises(ModelLoading):
            await llm.chat("x", start_timeout_s=60)
        return provider.stats().requests

    assert fast_forward(main()) == 2  # asked again after 30 s; another 30 would end just past the minute


def test_the_deadline_covers_tries_waits_and_streams() -> None:
    async def main() -> list[float]:
        llm, provider = in_process()
        ends = []
        for model, options in (("silent", {}), ("503:loading=20", {}), ("stall@2", {"stall_s": 100})):
            began = provider.clock.now()
            with pytest.raises(TramiteError):
                async for _ in llm.stream("x", model=f"sim/{model}", deadline_s=30, **options):  # type: ignore[misc]
                    pass
            ends.append(provider.clock.now() - began)
        return ends

    assert all(seconds < 31 for seconds in fast_forward(main()))
