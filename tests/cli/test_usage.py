"""`tramite usage`: sums of the ledger, and a provider's invoice held against it."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.test_logs import keep
from tests.cli.world import call, screen
from tests.store.ledgers import NOON, answered, failed

DAY_NS = 86_400 * 10**9


def some() -> None:
    keep(
        answered(1, first_token_s=0.5, key="anna"),
        answered(2, cost_nanousd=None),
        failed(3),
        answered(4, provider="other", at_ns=NOON + DAY_NS),
    )


def lines(*arguments: str) -> list[list[str]]:
    done = call("usage", *arguments)
    assert done.exit_code == 0, done.stderr
    return [line.split("\t") for line in done.stdout.splitlines()]


def test_sums_tell_an_unknown_cost_beside_the_known_one() -> None:
    some()
    assert lines() == [
        ["other/ok", "1", "0", "10", "20", "$0.000001", "", "1.00 / 1.00 s"],
        ["sim/ok", "3", "1", "20", "40", "$0.000001 + 1 unknown", "0.50 / 0.50 s", "1.00 / 1.00 s"],
    ]
    assert lines("--key", "", "-m", "sim/") == [["sim/ok", "2", "1", "10", "20", "1 unknown", "", "1.00 / 1.00 s"]]


def test_they_are_grouped_by_what_is_asked_for() -> None:
    some()
    assert [line[:2] for line in lines("--by", "day")] == [["2026-11-01", "3"], ["2026-11-02", "1"]]
    assert [line[:2] for line in lines("--by", "day", "--by", "key")] == [
        ["2026-11-01", ""],
        ["2026-11-01", "anna"],
        ["2026-11-02", ""],
    ]
    assert [line[0] for line in lines("--by", "hour", "--since", "2026-11-02")] == ["2026-11-02T12:00Z"]
    assert [line[0] for line in lines("--by", "outcome")] == ["Overloaded", "ok"]
    assert "--by takes model, key, day, hour, outcome" in call("usage", "--by", "moon").stderr


def test_csv_and_json_have_all_columns() -> None:
    some()
    from_csv = list(csv.DictReader(io.StringIO(call("usage", "--csv", "--by", "day").stdout)))
    from_json: list[dict[str, Any]] = json.loads(call("usage", "--json", "--by", "day").stdout)
    assert [list(row) for row in from_csv] == [list(row) for row in from_json]
    assert (from_csv[0]["day"], from_csv[0]["unknown_cost"], from_csv[0]["cost"]) == ("2026-11-01", "1", "1e-06")
    assert (from_json[0]["requests"], from_json[0]["cost_nanousd"], from_json[0]["cached_tokens"]) == (3, 1_000, None)
    assert call("usage", "--json", "--key", "nobody").stdout == "[]\n"
    assert call("usage", "--csv", "--json").exit_code == 2


def test_on_a_terminal_it_is_a_table_with_a_sum() -> None:
    some()
    with screen("usage") as shown:
        shown.until("requests", "first token", "sim/ok", "1 unknown", "in all: 4 requests, 1 failed tries")
        assert shown.end() == 0


def reconcile(text: str, *arguments: str) -> tuple[int, list[list[str]], str]:
    """The exit code, the lines that differ, and what was said."""
    Path("invoice.csv").write_text(text)
    done = call("usage", "reconcile", "invoice.csv", *arguments)
    return done.exit_code, [line.split("\t") for line in done.stdout.splitlines()], done.stderr


HEAD = "date,model,input_tokens,output_tokens,cost\n"


def test_an_invoice_that_says_the_same_agrees() -> None:
    keep(answered(1), answered(2), failed(3), answered(9, at_ns=NOON + 9 * DAY_NS))
    code, apart, said = reconcile(f"{HEAD}2026-11-01,ok,20,40,0.000002\n")
    assert (code, apart) == (0, [])
    assert "1 of 1 agree within 1 %" in said


def test_what_differs_or_is_on_one_side_only_is_shown_and_ends_with_1() -> None:
    keep(answered(1), answered(2, model="mine"))
    code, apart, said = reconcile(f"{HEAD}2026-11-01,ok,10,25,0.000001\n2026-11-01,theirs,1,,\n")
    assert code == 1
    assert apart == [
        ["2026-11-01", "mine", "10", "?", "20", "?", "$0.000001", "?", "only in the ledger"],
        ["2026-11-01", "ok", "10", "10", "20", "25", "$0.000001", "$0.000001", "20.0%"],
        ["2026-11-01", "theirs", "?", "1", "?", "?", "?", "?", "only on the invoice"],
    ]
    assert "0 of 3 agree" in said
    assert reconcile(f"{HEAD}2026-11-01,ok,10,25,0.000001\n2026-11-01,mine,,,\n", "--tolerance", "20")[0] == 1
    assert reconcile(f"{HEAD}2026-11-01,ok,10,25,\n2026-11-01,mine,10,,\n", "--tolerance", "20")[0] == 0


def test_only_the_invoices_provider_is_held_against_it() -> None:
    keep(answered(1), answered(2, provider="openai", model="gpt-4o-mini"))
    openai = "start_time_iso,model,input_tokens,output_tokens\n2026-11-01T00:00:00+00:00,gpt-4o-mini-2024-07-18,10,20\n"
    assert reconcile(openai)[0] == 0
    assert reconcile(f"{HEAD}2026-11-01,ok,10,20,\n", "--provider", "sim")[0] == 0
    assert reconcile(f"{HEAD}2026-11-01,ok,10,20,\n")[0] == 1


def test_costs_that_the_ledger_does_not_know_are_told() -> None:
    keep(answered(1, cost_nanousd=None))
    code, _, said = reconcile(f"{HEAD}2026-11-01,ok,10,20,5\n")
    assert code == 0
    assert "does not know what 1 tries cost" in said


def test_without_a_ledger_nothing_agrees() -> None:
    code, apart, said = reconcile(f"{HEAD}2026-11-01,ok,10,20,5\n")
    assert (code, len(apart)) == (1, 1)
    assert "there is no ledger yet" in said


def test_as_json_every_line_is_told() -> None:
    keep(answered(1))
    Path("invoice.csv").write_text(f"{HEAD}2026-11-01,ok,10,20,\n")
    [line] = json.loads(call("usage", "reconcile", "invoice.csv", "--json").stdout)
    assert (line["side"], line["difference"], line["ledger"]["cost_nanousd"]) == ("both", 0.0, 1_000)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("reconcile", "absent.csv"), "cannot read absent.csv"),
        (("--by", "day", "reconcile", "invoice.csv"), "options of reconcile go behind its name"),
    ],
)
def test_what_cannot_be_done_is_refused(arguments: tuple[str, ...], told: str) -> None:
    done = call("usage", *arguments)
    assert done.exit_code == 2
    assert told in done.stderr
