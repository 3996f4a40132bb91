from __future__ import annotations

import asyncio
import logging
import threading
from typing import Any

import pytest
import tenacity
from hypothesis import given
from hypothesis import strategies as st

from tramite.errors import AuthenticationFailed, ConfigError, ConnectionBroken, Overloaded, ReplyRefused, Throttled
from tramite.pipeline.retry import STRATEGIES, Retrier, Retry


def retrier(policy: Retry, max_wait_s: float = 30, left_s: float = 600) -> Retrier:
    return Retrier(policy, max_wait_s, lambda: left_s)


async def delays(policy: Retry, error: Any, **limits: float) -> list[float]:
    """The waits until it gives up."""
    decider, waits = retrier(policy, **limits), []
    while (delay := await decider.after_error(error)) is not None:
        waits.append(delay)
    return waits


async def test_a_fixed_wait_is_the_same_each_time_and_the_first_try_counts() -> None:
    assert await delays(Retry(attempts=4, strategy="fixed", base_s=1.5), Overloaded("x")) == [1.5, 1.5, 1.5]


async def test_an_exponential_wait_doubles_up_to_its_cap() -> None:
    waits = await delays(Retry(attempts=6, strategy="exponential", base_s=0.5, max_s=3), Overloaded("x"))
    assert waits == [0.5, 1, 2, 3, 3]


@given(st.sampled_from(STRATEGIES), st.floats(0, 1e6), st.floats(0, 1e6), st.integers(1, 10_000))
def test_no_strategy_waits_less_than_nothing_or_longer_than_it_says(
    strategy: Any, base_s: float, max_s: float, failures: int
) -> None:
    delay = Retry(strategy=strategy, base_s=base_s, max_s=max_s).delay_s(failures)
    assert 0 <= delay <= (base_s if strategy == "fixed" else max_s)


async def test_retry_after_is_never_undercut() -> None:
    policy = Retry(attempts=3, strategy="fixed", base_s=0.1)
    assert await delays(policy, Throttled("x", retry_after_s=2)) == [2, 2]


async def test_a_retry_after_beyond_max_wait_or_the_deadline_gives_up_at_once() -> None:
    assert await delays(Retry(), Throttled("x", retry_after_s=31), max_wait_s=30) == []
    assert await delays(Retry(), Throttled("x", retry_after_s=10), left_s=9) == []


async def test_what_cannot_pass_is_not_tried_again() -> None:
    assert await delays(Retry(), AuthenticationFailed("x")) == []


async def test_tries_that_may_each_be_billed_are_at_most_three() -> None:
    assert len(await delays(Retry(attempts=9, base_s=0), ConnectionBroken("x"))) == 2


async def test_tenacity_s_own_objects_decide_in_place_of_ours() -> None:
    policy = Retry(
        wait=tenacity.wait_fixed(7),
        stop=tenacity.stop_after_attempt(3),
        retry=tenacity.retry_if_exception_type(AuthenticationFailed),
    )
    assert await delays(policy, AuthenticationFailed("x")) == [7, 7]
    assert await delays(policy, Overloaded("x")) == []


async def test_a_predicate_on_the_reply_asks_again_and_at_last_refuses_it() -> None:
    decider = retrier(Retry(attempts=2, strategy="fixed", base_s=1, if_reply=lambda reply: reply == "no"))
    assert await decider.after_reply("no") == 1
    with pytest.raises(ReplyRefused) as caught:
        await decider.after_reply("no")
    assert caught.value.reply == "no"
    assert await retrier(Retry(if_reply=lambda reply: reply == "no")).after_reply("yes") is None


async def test_user_s_functions_run_off_the_loop_and_coroutines_on_it() -> None:
    threads: list[Any] = []

    async def giving_up(state: tenacity.RetryCallState) -> str:
        threads.append(threading.current_thread())
        return f"after {state.attempt_number}"

    policy = Retry(
        attempts=2,
        strategy="fixed",
        base_s=0,
        before_sleep=lambda state: threads.append(threading.current_thread()),
        on_give_up=giving_up,
    )
    decider = retrier(policy)
    assert await decider.after_error(Overloaded("x")) == 0
    assert await decider.after_error(Overloaded("x")) is None
    assert await decider.fallback(Overloaded("x")) == "after 2"
    assert threads[0] is not threading.main_thread()
    assert threads[1] is threading.main_thread()


async def test_each_retry_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "tramite.retry"):
        await delays(Retry(attempts=3, strategy="fixed", base_s=0.25), Throttled("slow down", status=429))
    assert [record.getMessage() for record in caplog.records] == [
        "try 1 failed: slow down (status 429); next in 0.25 s",
        "try 2 failed: slow down (status 429); next in 0.25 s",
    ]


@pytest.mark.parametrize(
    "settings",
    [
        {"attempts": 0},
        {"attempts": "3"},
        {"attempts": 2.5},
        {"attempts": True},
        {"strategy": "linear"},
        {"base_s": -1},
        {"base_s": "1"},
        {"max_s": -0.1},
        {"max_s": float("nan")},
    ],
)
def test_a_policy_that_makes_no_sense_is_refused(settings: Any) -> None:
    with pytest.raises(ConfigError, match=next(iter(settings))):
        Retry(**settings)


def test_deciding_needs_no_running_clock() -> None:
    assert asyncio.run(delays(Retry(attempts=2, strategy="fixed", base_s=3600), Overloaded("x"), left_s=1e9)) == [3600]
