"""Limits in a Redis that is not there, wrongly named, or whose client is not installed."""

from __future__ import annotations

import sys

import pytest

from tramite.errors import ConfigError, LimitExceeded, MissingExtra, TramiteError
from tramite.pipeline.limits.records import Want
from tramite.pipeline.limits.redis import RedisState

NOBODY = "redis://:hush@127.0.0.1:9/0"
WANTS = (Want("openai", slots=2),)


async def test_without_a_redis_requests_are_refused_and_nothing_else_fails() -> None:
    state = RedisState(NOBODY)
    with pytest.raises(LimitExceeded, match="cannot be reached"):
        await state.take(WANTS, 1)
    state.give_back(WANTS, 0, unsent=False)
    state.learn("openai", [])
    state.close("openai", 1.0)
    state.renew(["openai"])
    with pytest.raises(TramiteError, match="cannot be reached"):
        await state.read()
    await state.aclose()
    await state.aclose()


async def test_without_a_redis_each_process_counts_alone_where_that_is_wanted() -> None:
    state = RedisState(NOBODY, "local")
    verdicts = [await state.take(WANTS, 1) for _ in range(3)]
    assert [verdict.granted for verdict in verdicts] == [True, True, False]
    state.give_back(WANTS, 0, unsent=False)
    assert (await state.take(WANTS, 1)).granted
    state.close("openai", 5)
    assert not (await state.take(WANTS, 1)).granted
    await state.aclose()


@pytest.mark.parametrize(
    "url", ["redis://:hush/hush@127.0.0.1/0", "redis://:hush@127.0.0.1:hush/0", "redis://:hush@127.0.0.1?db=hush"]
)
def test_an_address_that_is_none_is_told_at_once_and_without_the_password_in_it(url: str) -> None:
    with pytest.raises(ConfigError, match="percent-encoded") as told:
        RedisState(url)
    assert "hush" not in str(told.value)


def test_without_the_package_the_error_names_what_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "redis.asyncio", None)
    with pytest.raises(MissingExtra, match=r"pip install 'tramite\[redis\]'"):
        RedisState(NOBODY)
