"""Usage: what the ledger adds up to, page by page and as files; unknown is never nothing, and days are UTC."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from streamlit.testing.v1 import AppTest

from tests.store.ledgers import NOON, answered, database, failed, ledger, put
from tests.workbench.opening import BOTH, housed, sound, text_of, visit
from tramite.config import Config, Store
from tramite.config.places import ledger_file
from tramite.errors import StoreFailed
from tramite.pipeline.limits.counted import Counted, Used
from tramite.simulator import Simulator
from tramite.store.filters import Filter
from tramite.store.opening import sqlite_url
from tramite.store.rows import Entry, Texts
from tramite.workbench.access import Access
from tramite.workbench.house import house
from tramite.workbench.language import Language, words
from tramite.workbench.usage import accounts, charts, export, tables

NOW_NS = int(datetime.now(UTC).timestamp()) * 10**9
DAY_NS = 86_400 * 10**9
LIMITED = '[limits."sim/ok"]\nrequests_per_minute = 60\nconcurrency = 4\n[budgets.global]\nlimit = "5/day"\n'
PRICED = '[models."sim/ok"]\ninput_per_million = 1.0\noutput_per_million = 2.0\n'


@pytest.fixture
def sim(monkeypatch: pytest.MonkeyPatch) -> Iterator[Simulator]:
    with housed(monkeypatch) as running:
        yield running


def kept(*entries: Entry, texts: dict[str, Texts] | None = None) -> None:
    """These are in the ledger of this test's home."""
    ledger_file().parent.mkdir(parents=True, exist_ok=True)
    with database(ledger_file()) as store:
        put(store, entries, texts)


def at(entry: Entry, days_ago: float = 0.0, number: int = 1) -> Entry:
    """The same some days ago, as its request's attempt of this number."""
    entry.at_ns, entry.number = NOW_NS - int(days_ago * DAY_NS), number
    return entry


def some_use() -> list[Entry]:
    """An answer whose cost is known, one whose is not, and one that came at the second attempt, a month ago."""
    return [
        at(answered(1, key="anna", cost_nanousd=2_500_000, first_token_s=0.25)),
        at(answered(2, provider="other", model="deep", cost_nanousd=None)),
        at(failed(3, "Throttled", "slow down please", call_id="retried"), 31),
        at(answered(4, call_id="retried", cost_nanousd=1_000_000), 31, number=2),
    ]


def column(page: AppTest, place: int, name: str) -> list[object]:
    """A column of the table of this place on the page."""
    found: list[object] = page.dataframe[place].value[name].tolist()
    return found


def test_periods_begin_at_midnight_in_utc_whatever_the_clock_here_says() -> None:
    now = datetime.fromisoformat("2026-11-02T00:30:00+02:00")  # still the first of November in UTC
    midnight = int(datetime(2026, 11, 1, tzinfo=UTC).timestamp()) * 10**9
    assert accounts.since_ns("today", now) == midnight
    assert accounts.since_ns("7", now) == midnight - 6 * DAY_NS
    assert accounts.since_ns("90", now) == midnight - 89 * DAY_NS
    assert accounts.since_ns("all", now) is None


def test_an_account_adds_up_by_day_model_and_key_and_tells_what_was_tried_again() -> None:
    with ledger(*some_use()) as found:
        month = accounts.account(found, accounts.since_ns("30"))
        everything = accounts.account(found, None)
    assert month.whole is not None
    assert (month.whole.attempts, month.whole.cost_nanousd, month.whole.unknown_cost) == (2, 2_500_000, 1)
    assert [one.group[0] for one in everything.groups["model"]] == ["other/deep", "sim/ok"]
    assert [(one.group[0], one.requests) for one in everything.groups["key"]] == [("", 2), ("anna", 1)]
    assert len(everything.groups["day"]) == 2
    assert everything.retried == {"Throttled": 1}


def test_an_unknown_cost_is_counted_and_never_nothing() -> None:
    with ledger(*some_use()) as found:
        account = accounts.account(found, None)
    t = words("en")
    rows = {row["Model"]: row for row in tables.sums("model", account.groups["model"], t)}
    assert (rows["other/deep"]["Cost"], rows["other/deep"]["Unknown costs"]) == (None, 1)
    assert (rows["sim/ok"]["Cost"], rows["sim/ok"]["Unknown costs"]) == (0.0035, 0)
    drawn = charts.cost_by_name(account.groups["model"], "Cost", "nobody").to_dict()
    [values] = drawn["datasets"].values()
    assert {row["name"]: row["value"] for row in values} == {"sim/ok": 0.0035, "other/deep": None}


def test_days_on_which_nothing_was_asked_are_gaps_in_the_picture() -> None:
    entries = [answered(1), answered(2, at_ns=NOON + 9 * DAY_NS)]
    with ledger(*entries) as found:
        sums = found.usage("day")
    assert charts.days(sums) == [f"2026-11-{day:02}" for day in range(1, 11)]
    assert charts.days(sums[:1]) == [f"2026-10-{day}" for day in range(26, 32)] + ["2026-11-01"]


def test_causes_are_the_errors_alone_the_commonest_first() -> None:
    under_way = answered(9, state="sent", outcome=None, lease_expires_ns=NOW_NS)
    entries = [failed(1, "TimedOut"), failed(2), failed(3), answered(4), answered(5, outcome="left"), under_way]
    with ledger(*entries) as found:
        rows = tables.causes(accounts.account(found, None), words("en"))
    assert [(row["Cause"], row["Failed attempts"], row["Tried again"]) for row in rows] == [
        ("Overloaded", 2, 0),
        ("TimedOut", 1, 0),
    ]


def test_pages_go_back_in_time_and_behind_the_last_one_is_the_last_one() -> None:
    with ledger(*(answered(number) for number in range(7))) as found:
        pages = [accounts.page(found, Filter(), number, 3) for number in (1, 2, 3, 9)]
    assert [page.count for page in pages] == [7] * 4
    numbers = [[int(entry.id.rpartition("-")[2]) for entry in page.entries] for page in pages]
    assert numbers == [[6, 5, 4], [3, 2, 1], [0], [0]]


@pytest.mark.parametrize("form", export.FORMS)
def test_files_have_what_is_chosen_the_oldest_first_and_no_more_than_the_bound(form: export.Form) -> None:
    with ledger(*(answered(number, key="anna" if number else "") for number in range(1_203))) as found:
        data = export.written(found, Filter(key="anna"), form, most=700).decode()
    rows = list(csv.DictReader(io.StringIO(data))) if form == "csv" else list(map(json.loads, data.splitlines()))
    assert [row["id"] for row in rows] == [f"attempt-{number}" for number in range(503, 1_203)]
    assert rows[0]["time"] == "2026-11-01T12:08:23Z"
    assert str(rows[0]["cost_nanousd"]) == "1000"


def test_a_text_of_others_is_no_formula_in_a_spreadsheet() -> None:
    with ledger(failed(1, text="=HYPERLINK(1)", cost_nanousd=-5)) as found:
        [row] = csv.DictReader(io.StringIO(export.written(found, Filter(), "csv").decode()))
    assert (row["error"], row["cost_nanousd"]) == ("'=HYPERLINK(1)", "-5")


def test_limits_are_told_with_what_is_used_and_who_says_so() -> None:
    mine = Used(limit="concurrency", most=4, window_s=None, source="tramite.toml", full=0.5, used=2)
    theirs = Used(limit="requests", most=100, window_s=60, source="x-ratelimit", told_ago_s=5, full=1.5, wait_s=30)
    found = [Counted(name="sim/ok", closed_s=90, in_flight=2, limits=(mine, theirs))]
    rows = tables.limits(found, words("en"))
    assert [tuple(row.values()) for row in rows] == [
        ("sim/ok", "concurrency", "4 at once", 0.5, "2 in flight", "tramite.toml"),
        ("sim/ok", "requests", "100 / 1 min", 1.0, "the next in 30 s", "x-ratelimit, 5 s ago"),
        ("sim/ok", "", "", 1.0, "closed by the provider for 1.5 min", ""),
    ]
    assert [row["Limite"] for row in tables.limits(found, words("it"))] == ["concurrency", "requests", ""]


def test_a_ledger_that_breaks_while_it_is_read_is_told_as_a_failure_of_the_store() -> None:
    url = sqlite_url(ledger_file())
    kept(answered(1))
    with database(ledger_file()) as store:
        store.execute("DROP TABLE texts")
        store.execute("ALTER TABLE attempts RENAME TO elsewhere")
    config = Config(store=Store(url=url))

    def read() -> None:
        with accounts.opened(config) as found:
            assert found is not None
            accounts.account(found, None)

    with pytest.raises(StoreFailed, match="cannot be read"):
        read()


@pytest.mark.parametrize("language", BOTH)
@pytest.mark.usefixtures("sim")
def test_an_empty_ledger_says_what_will_be_here_and_how_to_get_there(language: Language) -> None:
    page, t = visit("usage", language), words(language)
    assert [one.value for one in page.info] == [t("usage.nothing")]
    assert t("usage.no_limits") in text_of(page)
    assert t("usage.no_budgets") in text_of(page)


@pytest.mark.parametrize("language", BOTH)
@pytest.mark.usefixtures("sim")
def test_the_page_shows_sums_times_errors_and_says_that_days_are_utc(language: Language) -> None:
    kept(*some_use())
    page, t = visit("usage", language), words(language)
    shown = text_of(page)
    assert "UTC" in shown
    assert t("usage.unknown_told", count="1") in [one.value for one in page.warning]
    assert [one.value for one in page.metric][:3] == ["\\$0.0025", "2", "0"]
    assert t("usage.no_errors") in shown
    page.button_group(key="usage.period").set_value("all").run()
    sound(page)
    assert [one.value for one in page.metric][1:3] == ["3", "1"]
    assert t("usage.no_errors") not in text_of(page)
    assert len(page.get("vega_lite_chart")) == 8


@pytest.mark.usefixtures("sim")
def test_a_period_in_which_nothing_was_asked_says_so() -> None:
    kept(at(answered(1), 40))
    page = visit("usage")
    assert [one.value for one in page.info] == [words("en")("usage.nothing_then")]
    page.button_group(key="usage.period").set_value("90").run()
    assert not sound(page).info


@pytest.mark.parametrize("language", BOTH)
@pytest.mark.usefixtures("sim")
def test_the_ledger_is_searched_and_an_entry_is_shown_whole(language: Language) -> None:
    texts = {"attempt-1": Texts("Scrivi di <b>Firenze</b>", "Culla del Rinascimento")}
    kept(at(answered(1, key="anna")), at(failed(2, "TimedOut", "silent for 60 s")), texts=texts)
    page, t = visit("usage", language), words(language)
    page.text_input(key="usage.words").set_value("firenze").run()
    assert t("usage.found", count="1") in text_of(sound(page))
    page.selectbox(key="usage.entry").set_value("attempt-1").run()
    shown = text_of(sound(page))
    assert "Scrivi di <b>Firenze</b>" in shown
    assert "Culla del Rinascimento" in shown
    page.text_input(key="usage.words").set_value("").run()
    page.toggle(key="usage.failed").set_value(True).run()
    assert t("usage.found", count="1") in text_of(sound(page))
    page.selectbox(key="usage.entry").set_value("attempt-2").run()
    assert "silent for 60 s" in [one.value for one in page.code]
    assert t("usage.texts_off") in text_of(page)
    page.selectbox(key="usage.key").set_value("anna").run()
    assert t("usage.none_found") in [one.value for one in sound(page).info]


@pytest.mark.usefixtures("sim")
def test_a_search_without_a_word_is_told_and_not_lost() -> None:
    kept(at(answered(1)))
    page = visit("usage")
    page.text_input(key="usage.words").set_value("!!").run()
    assert words("en")("errors.InvalidCall") in [one.value for one in sound(page).error]
    assert page.text_input(key="usage.words").value == "!!"


@pytest.mark.usefixtures("sim")
def test_many_entries_come_in_pages_and_another_filter_begins_at_the_first() -> None:
    kept(*(at(answered(number, key="anna" if number < 30 else ""), number / 86_400) for number in range(60)))
    page = visit("usage")
    page.get("pagination")[0].set_value(3).run()
    assert len(page.dataframe[-1].value) == 10
    page.selectbox(key="usage.key").set_value("anna").run()
    assert words("en")("usage.found", count="30") in text_of(sound(page))
    assert len(page.dataframe[-1].value) == 25


def test_limits_and_budgets_in_use_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    with housed(monkeypatch, LIMITED + PRICED):
        client = house().clients.of(Access(provider="sim"))
        house().generations.run(client.chat("Hi", model="sim/ok", max_tokens=5)).result(20)
        page, t = visit("usage"), words("en")
        limits, budgets = page.dataframe[-2].value, page.dataframe[-1].value
        assert set(limits[t("usage.limit_limit")]) >= {"requests_per_minute", "concurrency"}
        assert budgets[t("usage.budget")].tolist() == ["global"]
        assert budgets[t("usage.cap")].tolist() == [5.0]
        assert 0 < budgets[t("usage.spent")].tolist()[0] < 0.01


@pytest.mark.parametrize("url", ["memory", "off"])
def test_where_limits_are_not_shared_the_page_says_why_there_is_nothing(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with housed(monkeypatch, f'[state]\nurl = "{url}"\n'):
        assert words("it")(f"usage.limits_{url}") in text_of(visit("usage", "it"))
