"""What the ledger knows of requests that went through the pipeline: one entry for each try, whatever became of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.client.world import in_process
from tramite import AsyncClient, Retry, TramiteError
from tramite.simulator import InProcess
from tramite.store import Entry, Texts, open_store
from tramite.store.rows import COLUMNS, from_row

ONCE = Retry(attempts=2, strategy="fixed", base_s=0.01)


def world(more: str = "", **options: object) -> tuple[AsyncClient, InProcess]:
    """A client with a ledger in the current folder, and its provider."""
    return in_process(ONCE, f'[store]\nurl = "sqlite:///{Path.cwd()}/ledger.sqlite"\n{more}', **options)


def store_more(line: str) -> tuple[AsyncClient, InProcess]:
    return in_process(ONCE, f'[store]\nurl = "sqlite:///{Path.cwd()}/ledger.sqlite"\n{line}\n')


async def entries(llm: AsyncClient) -> list[Entry]:
    """All of them, in the order in which they were written."""
    await llm.aclose()
    database = open_store(llm.config.store.url).connect()
    try:
        return [from_row(row) for row in database.execute(f"SELECT {', '.join(COLUMNS)} FROM attempts ORDER BY seq")]
    finally:
        database.close()


async def test_a_whole_reply_is_one_entry_with_what_it_used_and_cost() -> None:
    llm, _ = world('[models."sim/ok"]\ninput_per_million = 0.15\noutput_per_million = 0.6\n')
    reply = await llm.chat("hello", key="alice")
    [entry] = await entries(llm)
    assert (entry.state, entry.outcome, entry.status, entry.finish) == ("recorded", "ok", 200, "stop")
    assert (entry.provider, entry.model, entry.asked, entry.key, entry.kind) == ("sim", "ok", None, "alice", "chat")
    assert (entry.input_tokens, entry.output_tokens) == (reply.usage.input_tokens, reply.usage.output_tokens)
    assert entry.cost_nanousd == reply.cost_nanousd
    assert entry.request_id == reply.request_id
    assert not entry.maybe_billed


async def test_every_try_has_its_entry_and_they_belong_together() -> None:
    llm, _ = world()
    await llm.chat("hello", model="sim/503:times=1")
    first, second = await entries(llm)
    assert first.call_id == second.call_id
    assert (first.number, second.number) == (1, 2)
    assert (first.outcome, first.status, first.cost_nanousd) == ("Overloaded", 503, 0)
    assert second.outcome == "ok"


async def test_a_stream_tells_when_its_first_token_came() -> None:
    llm, _ = world(latency_s=0.01)
    stream = llm.stream("hello")
    async for _ in stream:
        pass
    [entry] = await entries(llm)
    assert entry.stream
    assert entry.first_token_s is not None
    assert entry.total_s is not None
    assert 0.01 <= entry.first_token_s <= entry.total_s
    assert entry.output_tokens == stream.reply.usage.output_tokens


async def test_a_stream_that_is_left_may_have_been_billed() -> None:
    llm, _ = world(token_interval_s=0.001)
    async with llm.stream("hello") as stream:
        async for _ in stream.text:
            break
    [entry] = await entries(llm)
    assert (entry.outcome, entry.maybe_billed, entry.cost_nanousd) == ("left", True, None)


async def test_a_stream_that_breaks_off_says_why() -> None:
    llm, _ = world()
    with pytest.raises(TramiteError):
        [event async for event in llm.stream("hello", model="sim/cut@3")]
    [entry] = await entries(llm)
    assert (entry.outcome, entry.maybe_billed) == ("IncompleteStream", True)
    assert "broke off" in (entry.error or "")


async def test_what_was_never_sent_cost_nothing() -> None:
    llm, provider = world()
    with pytest.raises(TramiteError):
        await llm.chat("hello", model="openai/gpt-4o")
    [entry] = await entries(llm)
    assert (entry.outcome, entry.cost_nanousd, entry.maybe_billed) == ("MissingSecret", 0, False)
    assert provider.stats().requests == 0


async def texts_of(llm: AsyncClient) -> list[Texts]:
    await llm.aclose()
    database = open_store(llm.config.store.url).connect()
    try:
        return [Texts(*row) for row in database.execute("SELECT prompt, answer FROM texts")]
    finally:
        database.close()


async def test_texts_are_kept_only_where_that_was_asked_for() -> None:
    llm, _ = world()
    await llm.chat("hello")
    assert await texts_of(llm) == []


async def test_kept_texts_hold_no_secrets() -> None:
    llm, _ = store_more("keep_text = true")
    await llm.chat("my key is sk-abcdefghijklmnopqrstuvwxyz0123", model="sim/echo")
    stream = llm.stream("and a stream", model="sim/echo")
    async for _ in stream:
        pass
    whole, streamed = await texts_of(llm)
    assert (whole.prompt or "").startswith("user: my key is █")
    assert "sk-abc" not in f"{whole.prompt}{whole.answer}"
    assert (streamed.prompt, streamed.answer) == ("user: and a stream", stream.reply.text)


async def test_the_text_of_a_stream_is_kept_also_where_a_budget_says_its_largest_output() -> None:
    price = '[models."sim/ok"]\ninput_per_million = 0.15\noutput_per_million = 0.6\n'
    llm, _ = store_more(f'keep_text = true\n[budgets.global]\nlimit = "1/total"\n{price}')
    stream = llm.stream("hello")
    async for _ in stream:
        pass
    assert [texts.answer for texts in await texts_of(llm)] == [stream.reply.text]


async def test_the_library_writes_nothing_to_disk_unless_a_store_is_configured(tmp_path: Path) -> None:
    llm, _ = in_process()
    await llm.chat("hello")
    await llm.aclose()
    assert [path.name for path in Path.cwd().rglob("*") if path.is_file()] == ["world.toml"]
