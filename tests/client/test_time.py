"""What the limits of time cover, and what is said when one is over."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from tests.client.world import config, in_process, words
from tramite import AsyncClient, DeadlineExceeded, ModelLoading, Reply, Retry, TimedOut, TramiteError
from tramite.simulator import InProcess, fast_forward
from tramite.simulator.clock import Clock
from tramite.simulator.inprocess import InProcessResponse

LOCAL = '[providers.lmstudio]\nbase_url = "http://127.0.0.1:9/v1"\n'


async def asked(llm: AsyncClient, stream: bool, **options: Any) -> None:
    if not stream:
        await llm.chat("x", **options)
    else:
        async for _ in llm.stream("x", **options):
            pass


class Slow(InProcess):
    """Takes ten seconds before it even looks at a request."""

    async def send(self, request: Any) -> Any:
        await self.clock.sleep_until(self.clock.now() + 10)
        return await super().send(request)


def test_the_deadline_covers_the_search_for_a_server_s_model() -> None:
    async def main(stream: bool) -> str:
        llm = AsyncClient(config(more=LOCAL), transport=Slow())
        with pytest.raises(DeadlineExceeded) as caught:
            await asked(llm, stream, model="lmstudio/", deadline_s=3)
        return str(caught.value)

    for stream in (False, True):
        assert fast_forward(main(stream)) == "deadline_s (3 s) is over: finding a target"


def test_the_deadline_does_not_wait_for_a_callback() -> None:
    release = threading.Event()

    async def main() -> DeadlineExceeded:
        retry = Retry(attempts=3, before_sleep=lambda state: release.wait(30))
        llm, _ = in_process(retry=retry)
        with pytest.raises(DeadlineExceeded, match="in a function of the retry policy") as caught:
            await llm.chat("x", model="sim/500", deadline_s=5)
        return caught.value

    error = fast_forward(main(), grace_s=0.01)
    release.set()
    assert [attempt.status for attempt in error.attempts] == [500]


@pytest.mark.parametrize(("model", "error"), [("silent", DeadlineExceeded), ("503:loading=20", ModelLoading)])
def test_on_give_up_is_asked_whatever_the_last_failure_was(model: str, error: type[TramiteError]) -> None:
    seen: list[Any] = []

    def sorry(state: Any) -> str:
        seen.append(state.outcome.exception())
        return "sorry"

    async def main() -> Reply:
        llm, _ = in_process(retry=Retry(attempts=2, on_give_up=sorry))
        return await llm.chat("x", model=f"sim/{model}", deadline_s=30, start_timeout_s=1)

    reply = fast_forward(main(), grace_s=0.01)
    assert reply.text == "sorry"
    assert [type(failure) for failure in seen] == [error]


@pytest.mark.parametrize(
    ("model", "stream", "says"),
    [
        ("silent", False, "sim/silent: no answer within 7 s (first_token_s)"),
        ("silent", True, "sim/silent: no answer within 7 s (first_token_s)"),
        ("slow-first-token:20s", True, "sim/slow-first-token:20s: no token within 7 s (first_token_s) (request sim-1)"),
        ("stall@2", True, "sim/stall@2: silent for 8 s in the middle of the stream (stall_s) (request sim-1)"),
    ],
)
def test_a_silence_is_told_with_the_limit_that_it_passed(model: str, stream: bool, says: str) -> None:
    async def main() -> str:
        llm, _ = in_process(retry=Retry(attempts=1))
        with pytest.raises(TimedOut) as caught:
            await asked(llm, stream, model=f"sim/{model}", first_token_s=7, stall_s=8)
        return str(caught.value)

    assert fast_forward(main()) == says


def test_a_deadline_that_is_over_names_the_target_that_was_waited_for() -> None:
    async def main() -> str:
        llm, _ = in_process()
        with pytest.raises(DeadlineExceeded) as caught:
            await llm.chat("x", model="sim/silent", deadline_s=4)
        return str(caught.value)

    assert fast_forward(main()) == "deadline_s (4 s) is over: waiting for sim/silent"


class LateBody:
    """A response whose headers came at once, and whose body takes a minute and a half."""

    def __init__(self, response: InProcessResponse, clock: Clock) -> None:
        self.status, self.headers, self.close = response.status, response.headers, response.close
        self._body, self._clock, self._due = response.rest, clock, clock.now() + 90

    def rest(self) -> None:
        return None

    async def __anext__(self) -> bytes:
        await self._clock.sleep_until(self._due)
        body = self._body()
        if body is None:
            raise StopAsyncIteration
        return body


class HeadersFirst(InProcess):
    async def send(self, request: Any) -> Any:
        return LateBody(await super().send(request), self.clock)


def test_a_whole_reply_may_be_silent_after_its_headers_as_long_as_before_them() -> None:
    async def main() -> str:
        llm = AsyncClient(config(), transport=HeadersFirst())
        return (await llm.chat("x", model="sim/tokens=2")).text

    assert fast_forward(main()) == words(2)


async def test_functions_of_the_user_s_do_not_wait_for_one_another() -> None:
    everyone = threading.Barrier(20)

    def tool(city: str) -> str:
        everyone.wait(20)
        return city

    llm, _ = in_process()
    calls = [llm.chat("x", model="sim/tools", tools=[tool]) for _ in range(20)]
    assert len(await asyncio.gather(*calls)) == 20
