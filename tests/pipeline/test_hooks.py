from __future__ import annotations

import asyncio
import logging
import os
import subprocess
import sys
import threading
from contextvars import ContextVar
from typing import Any

import pytest

from tests.pipeline.facts import beginning, ending, failed, one_request, outcome
from tramite.errors import ConfigError, Throttled
from tramite.pipeline import hooks as module
from tramite.pipeline.hooks import HookRunner, Hooks

WHO: ContextVar[str] = ContextVar("WHO", default="nobody")


async def test_the_hooks_of_a_request_are_told_in_the_order_of_what_happened() -> None:
    told: list[tuple[str, Any]] = []

    async def after(ending: Any) -> None:
        await asyncio.sleep(0)
        told.append(("after", ending.beginning.call_id))

    runner = HookRunner(
        Hooks(
            before_attempt=lambda fact: told.append(("before", fact.call_id)),
            after_attempt=after,
            on_reply=lambda fact: told.append(("reply", fact.call_id)),
        )
    )
    calls = [one_request(runner).call_id for _ in range(20)]
    await runner.aclose()
    assert told == [(what, call) for call in calls for what in ("before", "after", "reply")]


async def test_a_plain_hook_runs_off_the_loop_and_a_coroutine_on_it_both_with_the_caller_s_context() -> None:
    seen: list[tuple[str, threading.Thread]] = []

    async def here(_: object) -> None:
        seen.append((WHO.get(), threading.current_thread()))

    def there(_: object) -> None:
        seen.append((WHO.get(), threading.current_thread()))

    runner = HookRunner(Hooks(before_attempt=there, after_attempt=here))
    WHO.set("me")
    one_request(runner)
    WHO.set("somebody else")
    await runner.aclose()
    assert [who for who, _ in seen] == ["me", "me"]
    assert seen[0][1] is not threading.current_thread()
    assert seen[1][1] is threading.current_thread()


async def test_only_an_answer_is_a_reply() -> None:
    told: list[str] = []
    runner = HookRunner(Hooks(on_reply=lambda fact: told.append(fact.call_id)))
    answered = one_request(runner)
    runner.request_ended(outcome(beginning(), error=Throttled("no")))
    runner.request_ended(outcome(beginning(), left=True))
    await runner.aclose()
    assert told == [answered.call_id]


async def test_a_failed_try_is_told_with_its_error() -> None:
    told: list[Any] = []
    runner = HookRunner(Hooks(after_attempt=told.append))
    error = Throttled("slow down", status=429)
    runner.attempt_ended(failed(beginning(), error))
    await runner.aclose()
    assert told[0].error is error


async def test_an_exception_is_logged_loudly_once_for_each_hook_and_kind(caplog: pytest.LogCaptureFixture) -> None:
    def broken(_: object) -> None:
        raise ValueError("a hook's own trouble")

    told: list[object] = []
    runner = HookRunner(Hooks(before_attempt=broken, after_attempt=told.append, on_reply=broken))
    with caplog.at_level(logging.DEBUG, "tramite.hooks"):
        one_request(runner)
        one_request(runner)
        await runner.aclose()
    assert [record.levelname for record in caplog.records] == ["ERROR", "ERROR", "DEBUG", "DEBUG"]
    assert "before_attempt" in caplog.messages[0]
    assert caplog.records[0].exc_info is not None
    assert len(told) == 2


async def test_a_hook_that_exits_ends_nothing() -> None:
    def leaving(_: object) -> None:
        sys.exit("this is only a hook")

    told: list[object] = []
    runner = HookRunner(Hooks(before_attempt=leaving, on_reply=told.append))
    one_request(runner)
    await runner.aclose()
    assert len(told) == 1


async def test_a_slow_hook_delays_nobody_and_what_is_too_much_is_dropped_and_said(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_WAITING", 3)
    go_on, begun = threading.Event(), threading.Event()
    told: list[object] = []

    def slow(fact: object) -> None:
        begun.set()
        go_on.wait(30)
        told.append(fact)

    runner = HookRunner(Hooks(before_attempt=slow))
    runner.attempt_begins(beginning())
    begun.wait(30)
    for _ in range(8):
        runner.attempt_begins(beginning())
    assert repr(runner) == "<HookRunner: 3 due, 5 dropped>"
    go_on.set()
    await runner.aclose()
    assert len(told) == 4
    assert [message.split(":")[1] for message in caplog.messages] == [
        f" {count} calls dropped so far, now of before_attempt" for count in (1, 2, 4)
    ]


async def test_closing_waits_only_for_a_moment() -> None:
    stuck = threading.Event()
    runner = HookRunner(Hooks(before_attempt=lambda _: stuck.wait(30)))
    runner.attempt_begins(beginning())
    await runner.aclose(within_s=0.01)
    assert not stuck.is_set()
    stuck.set()


async def test_one_without_hooks_starts_no_thread() -> None:
    runner, before = HookRunner(Hooks()), set(threading.enumerate())
    one_request(runner)
    await runner.aclose()
    assert set(threading.enumerate()) <= before


async def test_the_thread_ends_when_there_is_nothing_to_do_and_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_IDLE_S", 0.001)
    threads: list[threading.Thread] = []
    runner = HookRunner(Hooks(before_attempt=lambda _: threads.append(threading.current_thread())))
    for _ in range(2):
        runner.attempt_begins(beginning())
        await runner.aclose()
        await asyncio.to_thread(threads[-1].join, 30)
    assert threads[0] is not threads[1]


def test_a_coroutine_hook_of_a_loop_that_is_gone_keeps_nobody(caplog: pytest.LogCaptureFixture) -> None:
    told: list[object] = []

    async def never(_: object) -> None:
        await asyncio.Event().wait()

    runner = HookRunner(Hooks(before_attempt=never, on_reply=told.append))

    async def main() -> None:
        one_request(runner)
        await asyncio.sleep(0)

    asyncio.run(main())
    runner.close(within_s=30)
    assert len(told) == 1


def test_what_is_due_is_told_before_the_interpreter_exits() -> None:
    program = """
import asyncio, time
from tests.pipeline.facts import one_request
from tramite.pipeline.hooks import HookRunner, Hooks

def slow(fact):
    time.sleep(0.05)
    print("told", flush=True)

runner = HookRunner(Hooks(on_reply=slow))

async def main():
    one_request(runner)
    one_request(runner)

asyncio.run(main())
"""
    folder = os.path.dirname(os.path.dirname(os.path.dirname(__file__)))
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=folder, check=True)
    assert run.stdout == "told\ntold\n"
    assert not run.stderr


def test_a_hook_must_be_a_function() -> None:
    with pytest.raises(ConfigError, match=r"hooks\.on_reply must be a function"):
        Hooks(on_reply="print")  # type: ignore[arg-type]  # what a user may do


async def test_one_runner_serves_several_loops() -> None:
    told: list[str] = []

    async def hook(fact: Any) -> None:
        told.append(fact.beginning.call_id)

    runner = HookRunner(Hooks(after_attempt=hook))

    async def elsewhere() -> None:
        runner.attempt_ended(ending(beginning(call_id="there")))
        await runner.aclose()

    runner.attempt_ended(ending(beginning(call_id="here")))
    await asyncio.to_thread(asyncio.run, elsewhere())
    await runner.aclose()
    assert sorted(told) == ["here", "there"]
