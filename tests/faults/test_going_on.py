"""A stream that one target began and others are to go on with: what its reader has seen is never contradicted."""

from __future__ import annotations

from pathlib import Path

from tests.client.world import words
from tests.faults.world import THRICE
from tramite import AsyncClient, Reply, Restarted, TramiteError
from tramite.config import load
from tramite.events import Event
from tramite.simulator import Engine, InProcess, Options, fast_forward

TOKENS = 60


def client(*targets: str) -> AsyncClient:
    """One whose route goes on at these targets, in this order; `taker` takes a prefill, `plain` does not."""
    file = Path("world.toml")
    named = [f"{target},tokens={TOKENS}" for target in targets]
    file.write_text(
        f"""
        [providers.plain]
        base_url = "http://127.0.0.1:1/v1"
        [providers.taker]
        base_url = "http://127.0.0.1:1/v1"
        prefill = true
        [routes.fast]
        targets = {named!r}
        on_stream_failure = "continue"
        """
    )
    return AsyncClient(load(file), retry=THRICE, transport=InProcess(Engine(Options())))


async def text(*targets: str) -> str | TramiteError:
    """What a reader of bare text gets."""
    stream = client(*targets).stream("hello", model="fast")
    try:
        return "".join([piece async for piece in stream.text])
    except TramiteError as error:
        return error


async def events(*targets: str) -> tuple[list[Event], Reply]:
    """What a reader of events gets."""
    stream = client(*targets).stream("hello", model="fast")
    return [event async for event in stream], stream.reply


def test_a_target_that_takes_no_prefill_is_not_given_one_when_the_one_before_it_fails() -> None:
    got = fast_forward(text("plain/cut@40", "taker/503", "plain/ok"))
    assert isinstance(got, TramiteError)
    assert getattr(got, "partial", "") == words(40)


def test_where_nobody_is_left_to_go_on_a_reader_that_takes_text_back_has_it_begun_anew() -> None:
    seen, reply = fast_forward(events("plain/cut@40", "taker/503", "plain/ok"))
    assert [type(event) for event in seen].count(Restarted) == 1
    assert reply.text == words(TOKENS)
    assert reply.usage.source == "provider"


def test_one_that_takes_a_prefill_is_found_behind_others() -> None:
    assert fast_forward(text("plain/cut@40", "taker/503", "plain/ok", "taker/prefill")) == words(TOKENS)


def test_an_answer_that_broke_twice_is_gone_on_with_twice() -> None:
    assert fast_forward(text("plain/cut@20", "taker/prefill,cut@10", "taker/prefill")) == words(TOKENS)


def test_an_answer_that_was_begun_anew_after_it_was_gone_on_with_is_whole() -> None:
    seen, reply = fast_forward(events("plain/cut@20", "taker/prefill,cut@10", "plain/ok"))
    assert [type(event) for event in seen].count(Restarted) == 1
    assert reply.text == words(TOKENS)
    assert reply.usage.source == "provider"
    assert not any("went on from there" in notice for notice in reply.notices)


def test_a_throttle_of_the_only_one_that_can_go_on_is_waited_for() -> None:
    got = fast_forward(text("plain/cut@40", "taker/prefill,429:retry-after=2:times=1", "plain/ok"))
    assert got == words(TOKENS)
