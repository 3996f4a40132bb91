"""Limits in windows of their own: what is refused, with which words and headers, and what a cold start says."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.simulator.raw import Answer, chat, in_process
from tramite.errors import ConfigError
from tramite.simulator import Engine, InProcess, Options, VirtualClock
from tramite.simulator.limits import Limits
from tramite.wire.rate_limits import go_duration


class World:
    """A provider with limits, and the time in one's hand."""

    def __init__(self, **options: Any) -> None:
        self.clock = VirtualClock(start=600.0)
        self.provider = InProcess(Engine(Options(**options)), self.clock)

    async def ask(self, model: str = "tokens=1", **fields: Any) -> Answer:
        return await in_process(self.provider, chat(model, **fields))

    async def statuses(self, times: int) -> list[int]:
        return [(await self.ask()).status for _ in range(times)]


async def test_requests_per_minute_are_kept_in_windows_of_one_second() -> None:
    world = World(rpm=120)
    assert await world.statuses(3) == [200, 200, 429]
    world.clock.advance(1)
    assert await world.statuses(3) == [200, 200, 429]
    assert world.provider.stats().refused == {"rpm": 2}


async def test_requests_per_minute_are_kept_over_the_minute_and_refused_ones_count() -> None:
    world = World(rpm=90)  # two in a second, though ninety in a minute are 1.5
    seen: list[int] = []
    for _ in range(60):
        seen += await world.statuses(2)
        world.clock.advance(1)
    assert seen == [200] * 90 + [429] * 30
    assert await world.statuses(1) == [200]


async def test_windows_may_be_longer_as_azures_are() -> None:
    world = World(rpm=60, window_s=10.0)
    assert await world.statuses(11) == [200] * 10 + [429]


async def test_requests_per_second() -> None:
    world = World(rps=2)
    assert await world.statuses(3) == [200, 200, 429]
    world.clock.advance(1)
    assert await world.statuses(1) == [200]


async def test_tokens_per_minute_count_the_input_and_max_tokens_when_a_request_comes_in() -> None:
    world = World(tpm=250)
    assert (await world.ask("tokens=1", max_tokens=100)).status == 200  # 10 + 100
    assert (await world.ask("tokens=1", max_tokens=100)).status == 200
    refused = await world.ask("tokens=1", max_tokens=100)
    assert (refused.status, refused.json["error"]["code"]) == (429, "rate_limit_exceeded")
    assert "tokens per min (TPM): Limit 250, Used 220, Requested 110" in refused.json["error"]["message"]
    assert (await world.ask("tokens=1", max_tokens=20)).status == 200  # what was refused used nothing up
    world.clock.advance(60)
    assert (await world.ask("tokens=1", max_tokens=100)).status == 200


async def test_a_request_that_never_fits_is_told_so() -> None:
    message = (await World(tpm=50).ask(max_tokens=100)).json["error"]["message"]
    assert message.startswith("Request too large")


async def test_headers_tell_the_limits_as_openai_does() -> None:
    world = World(rpm=600, tpm=60_000)
    headers = (await world.ask(max_tokens=590)).headers
    shown = {name: value for name, value in headers.items() if name.startswith("x-ratelimit")}
    assert shown == {
        "x-ratelimit-limit-requests": "600",
        "x-ratelimit-remaining-requests": "599",
        "x-ratelimit-reset-requests": "100ms",
        "x-ratelimit-limit-tokens": "60000",
        "x-ratelimit-remaining-tokens": "59400",
        "x-ratelimit-reset-tokens": "600ms",
    }


async def test_a_refusal_says_when_to_come_back() -> None:
    world = World(rpm=60)
    world.clock.advance(0.25)
    await world.ask()
    headers = (await world.ask()).headers
    assert (headers["retry-after"], headers["retry-after-ms"]) == ("1", "750")
    world.clock.advance(0.75)
    assert await world.statuses(1) == [200]


async def test_requests_that_fail_count_too() -> None:
    world = World(rps=1)
    assert (await world.ask("500")).status == 500
    assert (await world.ask("ok")).status == 429


async def test_a_cold_start_answers_loading_until_the_model_is_there_and_again_after_idleness() -> None:
    world = World(cold_start_s=20.0, idle_s=300.0)
    first = await world.ask()
    assert (first.status, first.json["error"]["code"]) == (503, "model_loading")
    assert first.headers["retry-after"] == "20"
    world.clock.advance(15)
    assert (await world.ask()).headers["retry-after"] == "5"
    world.clock.advance(5)
    assert await world.statuses(1) == [200]
    world.clock.advance(299)
    assert await world.statuses(1) == [200]
    world.clock.advance(301)
    assert await world.statuses(1) == [503]


@pytest.mark.parametrize(
    ("seconds", "written"),
    [
        (0, "0s"),
        (0.009, "9ms"),
        (1, "1s"),
        (1.5, "1.5s"),
        (60, "1m0s"),
        (90.25, "1m30.25s"),
        (3723, "1h2m3s"),
    ],
)
def test_durations_are_written_as_go_writes_them(seconds: float, written: str) -> None:
    assert go_duration(seconds) == written


@given(st.floats(0, 100_000))
def test_every_duration_can_be_read_back(seconds: float) -> None:
    units = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
    found = re.findall(r"([\d.]+)(ms|h|m|s)", go_duration(seconds))
    assert sum(float(number) * units[unit] for number, unit in found) == pytest.approx(seconds, abs=0.00101)


@given(
    st.integers(1, 300),
    st.lists(st.floats(0, 5), max_size=200),
)
def test_no_second_and_no_minute_ever_admits_more_than_its_limit(rpm: int, pauses: list[float]) -> None:
    limits, now = Limits(Options(rpm=rpm)), 0.0
    admitted: list[float] = []
    for pause in pauses:
        now += pause
        if limits.admit("m", 1, now).refused is None:
            admitted.append(now)
    for length, most in ((1, -(-rpm // 60)), (60, rpm)):
        windows = [int(at // length) for at in admitted]
        assert all(windows.count(window) <= most for window in set(windows))


@pytest.mark.parametrize("options", [{"rpm": 0}, {"tpm": -1}, {"latency_s": -0.1}, {"idle_s": 0.0}, {"tokens": -1}])
def test_options_that_cannot_be_are_refused_by_name(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=f"{next(iter(options))} must be"):
        Options(**options)
