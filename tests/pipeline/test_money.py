"""Budgets through the whole pipeline: the simulator's own bill is the judge."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Awaitable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.client.world import in_process
from tramite import (
    AsyncClient,
    BudgetExceeded,
    ChatCall,
    ConfigError,
    DeadlineExceeded,
    Image,
    Tool,
    TramiteError,
    user,
)
from tramite.config import Budget, Cap
from tramite.pipeline.observing import NOBODY, Caller
from tramite.simulator import InProcess, fast_forward
from tramite.store import Allowance, Store

PRICE = "input_per_million = 0.15\noutput_per_million = 0.60\n"
MODELS = "".join(f'[models."sim/{model}"]\n{PRICE}' for model in ("ok", "tokens=50", "cut@2", "503", "429:times=1"))
PNG = b"\x89PNG\r\n\x1a\n" + bytes(3000)


def world(limit: str, **options: object) -> tuple[AsyncClient, InProcess]:
    """A client that may spend so much, and its provider."""
    store = f'[store]\nurl = "sqlite:///{Path.cwd()}/ledger.sqlite"\n'
    return in_process(more=f'{MODELS}{store}[budgets.global]\nlimit = "{limit}"\n', **options)


def ledger(llm: AsyncClient) -> Store:
    found = llm._core.governor.ledger
    assert found is not None
    return found.store


async def spent_and_held(llm: AsyncClient) -> tuple[int, int]:
    await ledger(llm).flush()
    allowance = Allowance("global", llm.config.budgets["global"].limit)
    [standing] = ledger(llm).budgets([allowance])
    return standing.spent_nanousd, standing.held_nanousd


async def refused_by(asking: Awaitable[object]) -> BudgetExceeded | None:
    try:
        await asking
    except BudgetExceeded as error:
        return error
    return None


async def test_what_is_spent_is_what_the_provider_bills() -> None:
    llm, provider = world("1/total")
    reply = await llm.chat("hello", model="sim/tokens=50", max_tokens=100)
    assert reply.cost_nanousd == provider.stats().billed_nanousd
    assert await spent_and_held(llm) == (reply.cost_nanousd, 0)
    await llm.aclose()


async def test_many_at_once_never_pass_the_budget_and_it_is_all_to_be_had() -> None:
    llm, provider = world("0.001/total", latency_s=0.001)
    outcomes = await asyncio.gather(
        *[llm.chat("hello", model="sim/tokens=50", max_tokens=60) for _ in range(200)], return_exceptions=True
    )
    refused = [outcome for outcome in outcomes if isinstance(outcome, BudgetExceeded)]
    assert 0 < len(refused) < 200
    spent, held = await spent_and_held(llm)
    assert held == 0
    assert spent == provider.stats().billed_nanousd <= 1_000_000
    refusal = None
    while refusal is None:  # what is left can be spent to the last request that fits
        refusal = await refused_by(llm.chat("hello", model="sim/tokens=50", max_tokens=60))
    assert refusal.budget == "global"
    spent, held = await spent_and_held(llm)
    assert 1_000_000 - 100_000 < spent <= 1_000_000
    await llm.aclose()


async def test_a_request_without_max_tokens_is_sent_with_one_and_says_so() -> None:
    llm, _ = world("1/total")
    reply = await llm.chat("hello", model="sim/tokens=50")
    assert any("max_tokens=4096 was sent along" in notice for notice in reply.notices)
    stream = llm.stream("hello", model="sim/tokens=50")
    async for _ in stream:
        pass
    assert any("max_tokens=4096" in notice for notice in stream.reply.notices)
    await llm.aclose()


async def test_a_small_budget_admits_a_first_request_that_fits() -> None:
    llm, _ = world("0.0001/total")  # 166 output tokens
    await llm.chat("hello", model="sim/tokens=50", max_tokens=60)
    with pytest.raises(BudgetExceeded, match="global"):
        await llm.chat("hello", model="sim/tokens=50", max_tokens=160)
    await llm.aclose()


async def test_nothing_is_sent_that_does_not_fit() -> None:
    llm, provider = world("0.0001/total")
    with pytest.raises(BudgetExceeded):
        await llm.chat("hello", max_tokens=4000)
    with pytest.raises(BudgetExceeded):
        await llm.stream("hello", max_tokens=4000).fill()
    assert provider.stats().requests == 0
    await llm.aclose()


async def test_a_target_of_unknown_price_is_refused_and_says_how_to_set_one() -> None:
    llm, provider = world("1/total")
    with pytest.raises(ConfigError, match=r'input_per_million .* under \[models."sim/tokens=7"\]'):
        await llm.chat("hello", model="sim/tokens=7")
    assert provider.stats().requests == 0
    await llm.aclose()


async def test_what_costs_nothing_gives_its_hold_back() -> None:
    llm, _ = world("0.01/total")
    with pytest.raises(TramiteError):
        await llm.chat("hello", model="sim/503", max_tokens=1000)
    assert await spent_and_held(llm) == (0, 0)
    await llm.aclose()


async def test_what_may_have_been_billed_is_charged_in_full() -> None:
    llm, provider = world("0.01/total")
    stream = llm.stream("hello", model="sim/cut@2", max_tokens=100)
    with pytest.raises(TramiteError):
        async for _ in stream:
            pass
    spent, held = await spent_and_held(llm)
    assert held == 0
    assert spent > provider.stats().billed_nanousd > 0
    await llm.aclose()


async def test_a_reader_that_leaves_is_charged_what_may_have_been_billed() -> None:
    llm, _ = world("0.01/total", token_interval_s=0.001)
    async with llm.stream("hello", model="sim/tokens=50", max_tokens=60) as stream:
        async for _ in stream.text:
            break
    spent, held = await spent_and_held(llm)
    assert held == 0
    assert spent > 0
    await llm.aclose()


async def test_a_picture_is_held_by_the_table_and_not_by_its_bytes() -> None:
    llm, _ = world("0.01/total")  # 66,666 input tokens
    await llm.chat([user("What is this?", Image(data=PNG))], max_tokens=10)
    with pytest.raises(BudgetExceeded):
        await llm.chat([user("What is this?", Image(data=PNG), Image(data=PNG))], max_tokens=10)
    await llm.aclose()


async def test_a_key_has_to_keep_to_its_own_budget_and_to_the_one_for_all() -> None:
    llm, _ = in_process(more=f'{MODELS}[budgets.global]\nlimit = "1/total"\n[budgets.alice]\nlimit = "0.00001/total"\n')
    await llm.chat("hello", max_tokens=60)
    await llm.chat("hello", max_tokens=60, key="bob")
    with pytest.raises(BudgetExceeded, match="alice"):
        await llm.chat("hello", max_tokens=60, key="alice")
    await llm.aclose()


async def test_the_budget_that_a_key_was_made_with_holds_beside_the_one_for_all() -> None:
    llm, provider = world("1/total")
    core = llm._core
    budget = Budget(limit=(Cap(100_000, "total"),), max_output_tokens=50)
    asking = Caller(key="alice", budget=budget)

    async def ask(who: Caller) -> object:
        envelope = core.envelope(ChatCall(messages=(user("hello"),), model="sim/tokens=50"), {})
        return await core.pipeline.whole(msgspec.structs.replace(envelope, caller=who))

    outcomes = await asyncio.gather(*[ask(asking) for _ in range(20)], return_exceptions=True)
    refused = [outcome for outcome in outcomes if isinstance(outcome, BudgetExceeded)]
    assert 0 < len(refused) < 20
    assert {error.budget for error in refused} == {"key:alice"}
    assert (await ask(NOBODY)) is not None
    await ledger(llm).flush()
    names = [Allowance("global", llm.config.budgets["global"].limit), Allowance("key:alice", budget.limit)]
    everything, alices = (standing.spent_nanousd for standing in ledger(llm).budgets(names))
    assert alices <= 100_000
    assert everything == provider.stats().billed_nanousd > alices
    await llm.aclose()


def test_what_was_sent_and_had_brought_nothing_at_the_deadline_is_charged_in_full() -> None:
    async def main() -> tuple[DeadlineExceeded, tuple[int, int]]:
        llm, _ = world("0.01/total", latency_s=20.0)
        with pytest.raises(DeadlineExceeded) as late:
            await llm.chat("hello", max_tokens=100, deadline_s=1)
        found = await spent_and_held(llm)
        await llm.aclose()
        return late.value, found

    late, (spent, held) = fast_forward(main())
    assert late.attempts[0].maybe_billed
    assert held == 0
    assert spent > 100 * 600


async def test_who_sets_no_deadline_may_have_a_budget() -> None:
    llm, provider = world("0.01/total")
    reply = await llm.chat("hello", max_tokens=100, deadline_s=math.inf)
    assert await spent_and_held(llm) == (reply.cost_nanousd, 0) == (provider.stats().billed_nanousd, 0)
    await llm.aclose()


async def test_what_has_no_output_is_sent_without_a_largest_one() -> None:
    llm, _ = world("1/total")
    reply = await llm.embed("hello", model="sim/ok")
    assert reply.notices == ()
    await llm.aclose()


async def test_answers_that_are_thrown_away_are_held_for_too() -> None:
    llm, provider = world("0.001/total")
    with pytest.raises(BudgetExceeded):
        await llm.complete("hello", max_tokens=100, extra={"best_of": 20})
    assert provider.stats().requests == 0
    await llm.aclose()


async def test_a_list_of_models_needs_no_price() -> None:
    llm, _ = world("1/total")
    assert await llm.models("sim")
    await llm.aclose()


async def test_what_a_provider_writes_around_tools_is_held_for_too() -> None:
    llm, provider = world("0.0001/total")  # 666 input tokens
    tool = Tool(name="f", description="", parameters={"type": "object", "properties": {}})
    await llm.chat("hello", max_tokens=10)
    with pytest.raises(BudgetExceeded):
        await llm.chat("hello", max_tokens=10, tools=[tool])
    assert provider.stats().requests == 1
    await llm.aclose()


@pytest.mark.parametrize(
    "extra",
    [{"previous_response_id": "resp_1"}, {"prompt": {"id": "pmpt_1"}}, {"x": {"type": "file"}}],
)
async def test_what_only_the_provider_has_may_fill_the_model_s_window(extra: dict[str, Any]) -> None:
    llm, provider = world("0.1/total")  # 666,666 input tokens, of the 2,000,000 that a model may take
    with pytest.raises(BudgetExceeded):
        await llm.complete("hello", max_tokens=10, extra={"metadata": extra})
    assert provider.stats().requests == 0
    await llm.complete(f'the text "{json.dumps(extra)}"', max_tokens=10)
    await llm.aclose()


async def test_vectors_cost_what_their_texts_do_where_output_is_free() -> None:
    price = '[models."sim/ok"]\ninput_per_million = 0.02\noutput_per_million = 0\n'
    llm, _ = in_process(more=f'{price}[budgets.global]\nlimit = "1/total"\n')
    reply = await llm.embed("hello, world", model="sim/ok")
    assert reply.cost_nanousd == (reply.usage.input_tokens or 0) * 20
    assert await spent_and_held(llm) == (reply.cost_nanousd, 0)
    await llm.aclose()
