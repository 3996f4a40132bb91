from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.client.world import in_process
from tramite.providers.prices.lookup import FREE, Price, find, in_use, shipped
from tramite.providers.prices.tables import NANO, Rates, compile_table
from tramite.replies import Usage

DOLLAR = NANO

UPSTREAM = [
    {
        "id": "acme",
        "models": [
            {
                "id": "big",
                "match": {"or": [{"starts_with": "big-"}, {"and": [{"contains": "huge"}, {"ends_with": "-x"}]}]},
                "context_window": 1000,
                "prices": [
                    {"prices": {"input_mtok": 1, "output_mtok": "0.1"}},
                    {
                        "constraint": {"start_date": "2026-06-01"},
                        "prices": {
                            "input_mtok": {"base": 2, "tiers": [{"start": 100, "price": 4}]},
                            "output_mtok": 8,
                            "cache_read_mtok": 0.2,
                            "cache_write_mtok": 2.5,
                            "output_reasoning_mtok": 3,
                        },
                    },
                    {
                        "constraint": {"start_time": "00:00", "end_time": "06:00"},
                        "prices": {"input_mtok": 0, "output_mtok": 0},
                    },
                ],
            },
            {"id": "vectors", "match": {"equals": "vectors"}, "prices": {"input_mtok": 0.02}},
        ],
    },
    {"id": "unwanted", "models": []},
]


@pytest.fixture
def newer(tmp_path: Path) -> Path:
    file = tmp_path / "prices.json"
    file.write_bytes(compile_table(UPSTREAM, frozenset({"acme"}), "2999-01-01", "a test"))
    return file


def cost(newer: Path, model: str, today: str = "2026-07-01", **tokens: int) -> int | None:
    price = find("acme", model, newer, today)
    assert price is not None
    return price.cost_nanousd(Usage(**tokens))  # type: ignore[arg-type]  # counts alone


def test_each_kind_of_token_has_its_own_price(newer: Path) -> None:
    tokens = {
        "input_tokens": 100,
        "cached_tokens": 40,
        "cache_write_tokens": 10,
        "output_tokens": 20,
        "reasoning_tokens": 5,
    }
    expected = 50 * Decimal(2) + 40 * Decimal("0.2") + 10 * Decimal("2.5") + 15 * 8 + 5 * 3
    assert cost(newer, "big-1", **tokens) == expected * 1000


def test_crossing_a_step_puts_all_tokens_on_it(newer: Path) -> None:
    assert cost(newer, "big-1", input_tokens=100, output_tokens=0) == 100 * 2 * 1000
    assert cost(newer, "big-1", input_tokens=101, output_tokens=0) == 101 * 4 * 1000


def test_prices_hold_from_their_date_and_names_match_as_their_rules_say(newer: Path) -> None:
    assert cost(newer, "BIG-1", "2026-05-31", input_tokens=1, output_tokens=1) == 1100
    assert cost(newer, "some-huge-x", "2026-06-01", input_tokens=1, output_tokens=1) == 10_000
    assert find("acme", "huge", newer) is None
    assert find("unwanted", "x", newer) is None


def test_what_is_not_known_costs_none_not_zero(newer: Path) -> None:
    assert cost(newer, "big-1", input_tokens=5) is None
    assert cost(newer, "big-1", output_tokens=5) is None
    assert cost(newer, "vectors", input_tokens=1_000_000) == DOLLAR * 2 // 100
    assert cost(newer, "vectors", input_tokens=1, output_tokens=1) is None
    assert FREE.cost_nanousd(Usage(input_tokens=10, output_tokens=10)) == 0


@given(st.integers(0, 10**9), st.integers(0, 10**9), st.integers(0, 10**12), st.integers(0, 10**12))
def test_costs_are_rounded_up_once(size: int, written: int, input_rate: int, output_rate: int) -> None:
    price = Price(rates=Rates(input=[(0, input_rate)], output=[(0, output_rate)]))
    found = price.cost_nanousd(Usage(input_tokens=size, output_tokens=written))
    exact = Decimal(size * input_rate + written * output_rate) / 10**6
    assert found is not None
    assert exact <= found < exact + 1


def test_a_file_that_is_older_or_broken_is_not_used(newer: Path) -> None:
    assert (in_use(newer).source, in_use(newer).date) == ("a test", "2999-01-01")
    broken, older, wrong = (newer.with_name(name) for name in ("broken.json", "older.json", "wrong.json"))
    broken.write_text("{")
    older.write_bytes(compile_table(UPSTREAM, frozenset({"acme"}), "1999-01-01", "a test"))
    wrong.write_text('{"date":"2999-01-01","source":"a test","providers":{"openai":[{"id":1}]}}')
    missing = newer.with_name("missing.json")
    assert all(in_use(file) is shipped() for file in (broken, older, wrong, missing))


def test_a_file_of_the_same_day_as_ours_is_used_and_a_change_in_it_is_seen(newer: Path) -> None:
    newer.write_bytes(compile_table(UPSTREAM, frozenset({"acme"}), shipped().date, "a test"))
    assert find("acme", "big-1", newer) is not None
    replaced = newer.with_name("replaced.json")
    replaced.write_bytes(compile_table([], frozenset(), shipped().date, "a test"))
    replaced.replace(newer)
    assert find("acme", "big-1", newer) is None


def test_models_are_listed_by_a_name_that_finds_them(newer: Path) -> None:
    assert in_use(newer).models("acme") == ["big-", "vectors"]
    for provider in ("openai", "azure", "fireworks", "mistral"):
        names = shipped().models(provider)
        assert names
        assert all(shipped().find(provider, name) is not None for name in names)


def test_the_file_that_ships_knows_the_well_known_models() -> None:
    for provider, model in (
        ("openai", "gpt-4o-mini"),
        ("openai-responses", "gpt-4o-mini"),
        ("azure", "gpt-4o"),
        ("anthropic", "claude-sonnet-4-6"),
        ("gemini", "gemini-2.5-flash"),
        ("mistral", "mistral-small-latest"),
        ("openai", "text-embedding-3-small"),
    ):
        price = find(provider, model)
        assert price is not None, (provider, model)
        assert price.rates.input
        assert "genai-prices" in price.source
    known = find("openai", "gpt-4o-mini")
    assert known is not None
    assert (known.rates.input, known.rates.output, known.context_tokens) == (
        [(0, 15 * DOLLAR // 100)],
        [(0, 60 * DOLLAR // 100)],
        128_000,
    )


async def test_a_reply_says_what_it_cost_by_the_user_s_prices_as_the_provider_bills_it() -> None:
    more = '[models."sim/tokens=7"]\ninput_per_million = 0.15\noutput_per_million = 0.60\n'
    llm, provider = in_process(more=more)
    whole = await llm.chat("hello", model="sim/tokens=7")
    stream = llm.stream("hello", model="sim/tokens=7")
    async for _ in stream:
        pass
    assert whole.cost_nanousd == stream.reply.cost_nanousd == provider.stats().billed_nanousd // 2
    assert whole.cost == pytest.approx((whole.usage.input_tokens or 0) * 0.15e-6 + 7 * 0.6e-6)
    assert (await llm.chat("hello", model="sim/tokens=6")).cost is None
    assert (await llm.chat("hello", model="demo/demo", deadline_s=30)).cost == 0
    assert msgspec.json.encode(whole.cost_nanousd).isdigit()
