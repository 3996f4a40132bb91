"""`tramite logs`: the ledger's entries, for people and for programs."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.cli.world import call, screen, variables
from tests.store.ledgers import NOON, answered, database, failed, put
from tramite.config.places import ledger_file
from tramite.store.rows import Entry, Texts


def keep(*entries: Entry, texts: dict[str, Texts] | None = None) -> None:
    """Put these into the ledger that the command line reads."""
    with database(ledger_file(os.environ)) as store:
        put(store, entries, texts)


def lines(*arguments: str) -> list[list[str]]:
    done = call("logs", *arguments)
    assert done.exit_code == 0, done.stderr
    return [line.split("\t") for line in done.stdout.splitlines()]


def test_where_there_is_no_ledger_yet_a_sentence_says_so() -> None:
    for command in (["logs"], ["usage"], ["logs", "--prune"]):
        done = call(*command)
        assert (done.exit_code, done.stdout) == (0, "")
        assert "there is no ledger yet" in done.stderr
    assert not ledger_file(os.environ).exists()


def test_a_line_tells_when_what_how_and_at_what_cost() -> None:
    keep(answered(1, key="anna", cost_nanousd=1_500), failed(2, text="the server\nis busy"))
    assert lines() == [
        ["2026-11-01T12:00:01Z", "sim/ok", "ok", "10", "20", "$0.000002", "1.00 s", "anna", ""],
        ["2026-11-01T12:00:02Z", "sim/ok", "Overloaded", "?", "?", "", "1.00 s", "", "the server is busy"],
    ]


def test_an_unknown_cost_is_never_nothing() -> None:
    keep(
        answered(1, cost_nanousd=None),
        answered(2, cost_nanousd=0),
        failed(3, maybe_billed=True),
        answered(4, outcome="left", cost_nanousd=None),
        answered(5, state="sent", outcome=None, cost_nanousd=None),
    )
    assert [line[5] for line in lines()] == ["unknown", "$0", "unknown", "unknown", ""]
    assert lines()[-1][2] == "under way"


def test_the_newest_are_shown_and_filters_choose() -> None:
    keep(*(answered(number, key="anna" if number % 2 else "") for number in range(30)), failed(30, "Throttled"))
    assert len(lines()) == 20
    assert lines()[-1][2] == "Throttled"
    assert len(lines("-n", "0")) == 31
    assert [line[0] for line in lines("-n", "1", "--key", "anna")] == ["2026-11-01T12:00:29Z"]
    assert [line[2] for line in lines("--errors")] == ["Throttled"]
    assert lines("--errors", "--search", "busy", "-m", "sim/ok") == lines("--errors")
    assert len(lines("--since", "2026-11-01T12:00:28")) == 3
    assert len(lines("--until", "2026-11-01T12:00:03Z")) == 3
    none = call("logs", "--search", "absent")
    assert (none.exit_code, none.stdout) == (0, "")
    assert "no such entry" in none.stderr


def test_since_counts_back_from_now() -> None:
    keep(answered(1, at_ns=NOON - 10**18))
    assert lines("--since", "2h") == []
    assert len(lines("--since", "99999w")) == 1


def test_json_is_one_object_per_line_with_the_texts_where_they_are_asked_for() -> None:
    keep(answered(1), answered(2), texts={"attempt-2": Texts("hello", "token-1")})
    first, second = map(json.loads, call("logs", "--json", "--texts").stdout.splitlines())
    assert (first["time"], first["id"], first["cost_nanousd"]) == ("2026-11-01T12:00:01Z", "attempt-1", 1_000)
    assert (first["prompt"], first["answer"]) == (None, None)
    assert (second["prompt"], second["answer"]) == ("hello", "token-1")
    assert "prompt" not in json.loads(call("logs", "--json", "-n", "1").stdout)
    shown = call("logs", "--texts").stdout
    assert "  prompt: hello\n  answer: token-1\n" in shown
    assert "(not kept)" in shown


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--since", "yesterday"), "--since takes 30m, 2h"),
        (("--until", "2026-13-01"), "--until takes"),
        (("-n", "-1"), "-n takes a whole number from 0"),
        (("--search", "!"), "no word to search for"),
    ],
)
def test_what_cannot_be_chosen_by_is_refused(arguments: tuple[str, ...], told: str) -> None:
    keep(answered(1))
    done = call("logs", *arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    assert told in done.stderr


def test_prune_deletes_what_is_older_than_is_to_be_kept() -> None:
    Path("tramite.toml").write_text("[store]\nkeep_days = 30\n")
    keep(answered(1, at_ns=0), answered(2, at_ns=10**18 * 4))  # of 1970, and of 2096
    done = call("logs", "--prune")
    assert "1 entry older than 30 days deleted" in done.stderr
    assert [line[0][:4] for line in lines()] == ["2096"]


def test_on_a_terminal_it_is_a_table() -> None:
    keep(answered(1, key="anna"))
    with screen("logs") as shown:
        shown.until("time (UTC)", "outcome", "key", "sim/ok", "anna")
        assert shown.end() == 0


def test_the_configured_store_is_read() -> None:
    with database(Path("other.sqlite")) as store:
        put(store, [answered(7)])
    Path("own.toml").write_text(f'[store]\nurl = "sqlite:///{Path("other.sqlite").absolute()}"\n')
    with variables(TRAMITE_CONFIG=str(Path("own.toml").absolute())):
        assert [line[0] for line in lines()] == ["2026-11-01T12:00:07Z"]
