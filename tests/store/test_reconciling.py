"""Providers' invoices: their forms are read, and held against the ledger."""

from __future__ import annotations

import io
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.store.ledgers import NOON, answered, failed, ledger
from tramite.errors import InvalidCall
from tramite.store import invoices
from tramite.store.invoices import Amounts, Invoice
from tramite.store.reconciling import Line, compare, plain
from tramite.store.rows import Entry

OPENAI_USAGE = """\
start_time,end_time,start_time_iso,end_time_iso,project_id,num_model_requests,user_id,api_key_id,model,batch,input_tokens,output_tokens,input_cached_tokens
1793491200,1793577600,2026-11-01T00:00:00+00:00,2026-11-02T00:00:00+00:00,proj_1,2,,,gpt-4o-mini-2024-07-18,false,100,40,30
1793491200,1793577600,2026-11-01T00:00:00+00:00,2026-11-02T00:00:00+00:00,proj_2,1,,,gpt-4o-mini-2024-07-18,false,10,2,0
1793577600,1793664000,2026-11-02T00:00:00+00:00,2026-11-03T00:00:00+00:00,,,,,,,,,
"""
OPENAI_COSTS = """\
start_time,end_time,start_time_iso,end_time_iso,amount_value,amount_currency,line_item,project_id
1793491200,1793577600,2026-11-01T00:00:00+00:00,2026-11-02T00:00:00+00:00,0.000015,usd,"gpt-4o-mini-2024-07-18, input",
1793491200,1793577600,2026-11-01T00:00:00+00:00,2026-11-02T00:00:00+00:00,0.000024,usd,"gpt-4o-mini-2024-07-18, output",
"""
ANTHROPIC_USAGE = """\
usage_date_utc,model_version,api_key,workspace,usage_type,context_window,usage_input_tokens_no_cache,\
usage_input_tokens_cache_write_5m,usage_input_tokens_cache_write_1h,usage_input_tokens_cache_read,usage_output_tokens,web_search_count
2026-11-01,claude-sonnet-4-20250514,key,Default,standard,≤ 200k,100,20,3,1000,50,0
"""
ANTHROPIC_COSTS = """\
usage_date_utc,model,workspace,api_key,usage_type,context_window,token_type,cost_usd,cost_type
2026-11-01,Claude Haiku 4.5,Default,key,message,≤ 200k,input_no_cache,0.05,token
2026-11-01,Claude Haiku 4.5,Default,key,message,≤ 200k,output,0.25,token
"""


def read(text: str) -> Invoice:
    return invoices.read(io.StringIO(text, newline=""), "invoice.csv")


@pytest.mark.parametrize(
    ("text", "provider", "expected"),
    [
        (OPENAI_USAGE, "openai", {("2026-11-01", "gpt-4o-mini-2024-07-18"): Amounts(110, 42)}),
        (OPENAI_COSTS, "openai", {("2026-11-01", "gpt-4o-mini-2024-07-18"): Amounts(cost_nanousd=39_000)}),
        (ANTHROPIC_USAGE, "anthropic", {("2026-11-01", "claude-sonnet-4-20250514"): Amounts(1_123, 50)}),
        (ANTHROPIC_COSTS, "anthropic", {("2026-11-01", "Claude Haiku 4.5"): Amounts(cost_nanousd=300_000_000)}),
        (
            "\ufeffDate;Model;Input_Tokens;Output_Tokens;Cost\r\n2026-11-01;m;1,000;2;$0.5\r\n",
            None,
            {("2026-11-01", "m"): Amounts(1_000, 2, 500_000_000)},
        ),
        (
            "timestamp\tcost\n1793491200\t1\n2026-11-01T23:30:00-02:00\t2\n2026-11-01T10:00:00\t4\n",
            None,
            {("2026-11-01", ""): Amounts(cost_nanousd=5 * 10**9), ("2026-11-02", ""): Amounts(cost_nanousd=2 * 10**9)},
        ),
    ],
)
def test_known_forms_are_read(text: str, provider: str | None, expected: dict[tuple[str, str], Amounts]) -> None:
    invoice = read(text)
    assert (invoice.amounts, invoice.provider) == (expected, provider)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "no usage or cost export that is known: its first line names nothing"),
        ("a,b\n1,2\n", "its first line names a, b"),
        ("date,model\n2026-11-01,m\n", "tokens (input_tokens"),
        ("date,cost\n2026-11-01,1\n01/11/2026,1\n", "invoice.csv, line 3: '01/11/2026' is no day"),
        ("date,cost\n2026-11-01,much\n", "invoice.csv, line 2: 'much' is no number"),
        ("date,cost\n2026-11-01,nan\n", "'nan' is no amount"),
        ("date,cost\n2026-11-01,1e999999999\n", "is no amount"),
        ("date,cost\n9999999999999999999,1\n", "invoice.csv, line 2"),
        ("date,cost,currency\n2026-11-01,1,EUR\n", "the amount is in EUR"),
        ("date,cost\n2026-11-01,\n", "says of no day what was used"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_line(text: str, told: str) -> None:
    with pytest.raises(InvalidCall) as refused:
        read(text)
    assert told in str(refused.value)


@given(st.text() | st.text(alphabet="date,cost\n2026-11-0;\"'\t\0 .e").map("date,cost\n{}".format))
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(InvalidCall):
        assert read(text).amounts


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("gpt-4o-mini", "gpt-4o-mini-2024-07-18"),
        ("claude-sonnet-4", "claude-sonnet-4-20250514"),
        ("Claude Haiku 4.5", "claude-haiku-4-5-20251001"),
        ("mistral-small", "mistral-small-latest"),
    ],
)
def test_versions_of_a_model_have_one_name(one: str, other: str) -> None:
    assert plain(one) == plain(other)


def lines(*entries: Entry, invoice: Invoice) -> list[Line]:
    with ledger(*entries) as found:
        return compare(found.usage("day", "model"), invoice.amounts)


def test_what_both_sides_know_is_compared() -> None:
    entries = [
        answered(1, provider="openai", model="gpt-4o-mini", input_tokens=100, output_tokens=40),
        answered(2, provider="openai-responses", model="gpt-4o-mini-2024-07-18", input_tokens=11, output_tokens=2),
        failed(3, provider="openai", model="gpt-9"),
    ]
    [line] = lines(*entries, invoice=read(OPENAI_USAGE))
    assert (line.day, line.model, line.side) == ("2026-11-01", "gpt-4o-mini", "both")
    assert line.ledger == Amounts(111, 42, 2_000)
    assert line.invoice == Amounts(110, 42)
    assert line.difference == pytest.approx(1 / 110)


def test_what_is_on_one_side_only_differs_wholly() -> None:
    ours, theirs = lines(answered(1, at_ns=NOON + 86_400 * 10**9), invoice=read("date,model,cost\n2026-11-01,ok,1\n"))
    assert (ours.side, ours.difference) == ("invoice", 1.0)
    assert (theirs.side, theirs.difference) == ("ledger", 1.0)


def test_costs_that_the_ledger_does_not_know_are_counted_and_not_compared() -> None:
    entries = [answered(1), answered(2, cost_nanousd=None)]
    [line] = lines(*entries, invoice=read("date,model,output_tokens,cost\n2026-11-01,sim/ok,40,7\n"))
    assert (line.unknown_cost, line.difference) == (1, 0.0)


def test_an_invoice_without_models_is_held_against_all_of_a_day() -> None:
    entries = [answered(1, model="a"), answered(2, model="b")]
    [line] = lines(*entries, invoice=read("date,cost\n2026-11-01,0.000002\n"))
    assert (line.model, line.difference) == ("", 0.0)
