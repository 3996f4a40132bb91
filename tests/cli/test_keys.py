"""`tramite keys`: the secret is shown once and alone on stdout, and what was said is what is kept."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.cli.world import call, nobody, screen
from tramite.store.keys import SECRET


def made(*arguments: str) -> str:
    with nobody():
        done = call("keys", "create", *arguments)
    assert done.exit_code == 0, done.stderr
    return done.stdout.strip()


def shown(name: str) -> dict[str, Any]:
    with nobody():
        known: dict[str, Any] = json.loads(call("keys", "show", name, "--json").stdout)
    return known


def test_a_secret_is_alone_on_stdout_and_can_be_had_once() -> None:
    with nobody():
        done = call("keys", "create", "alice")
        assert SECRET.fullmatch(done.stdout.strip())
        assert "shown this once" in done.stderr
        assert call("keys", "create", "bob", "--quiet").stderr == ""
        for arguments in (["list"], ["list", "--json"], ["show", "alice"], ["show", "alice", "--json"]):
            assert done.stdout.strip() not in call("keys", *arguments).output


def test_all_that_is_said_of_a_key_is_kept() -> None:
    limits = ["--rps", "5", "--rpm", "600", "--rpd", "1e4", "--tpm", "100000", "--concurrency", "4"]
    money = ["--budget", "50/month", "--budget", "2/day", "--max-output-tokens", "100"]
    made("alice", *limits, *money, "--models", "fast, azure/*", "--address", "10.0.0.0/8", "--expires", "2027-06-30")
    known = shown("alice")
    assert known["limits"] == {
        "requests_per_second": 5,
        "requests_per_minute": 600,
        "requests_per_day": 10_000,
        "tokens_per_minute": 100_000,
        "concurrency": 4,
    }
    assert (known["budget"], known["max_output_tokens"]) == (["50/month", "2/day"], 100)
    assert (known["models"], known["addresses"]) == (["fast", "azure/*"], ["10.0.0.0/8"])
    assert (known["expires"], known["state"], known["last_used"]) == ("2027-06-30T00:00:00Z", "live", None)
    assert [one["left_nanousd"] for one in known["spent"]] == [50 * 10**9, 2 * 10**9]


def test_a_change_leaves_what_it_does_not_name_and_none_takes_away() -> None:
    made("alice", "--rpm", "600", "--tpm", "1000", "--models", "fast", "--budget", "1/day", "--max-output-tokens", "9")
    with nobody():
        assert call("keys", "change", "alice", "--rpm", "none", "--concurrency", "2", "--models", "none").exit_code == 0
    known = shown("alice")
    assert known["limits"] == {"tokens_per_minute": 1000, "concurrency": 2}
    assert (known["models"], known["budget"], known["max_output_tokens"]) == ([], ["1/day"], 9)
    with nobody():
        assert call("keys", "change", "alice", "--budget", "none").exit_code == 0
        assert call("keys", "change", "alice").exit_code == 2
    assert (shown("alice")["budget"], shown("alice")["max_output_tokens"]) == ([], None)


def test_rotating_gives_another_secret_and_revoking_ends_the_key() -> None:
    secret = made("alice")
    with nobody():
        rotated = json.loads(call("keys", "rotate", "alice", "--grace", "24h", "--json").stdout)
        assert SECRET.fullmatch(rotated["secret"])
        assert rotated["secret"] != secret
        assert rotated["old_secret_until"] is not None
        done = call("keys", "revoke", "alice")
        assert (done.exit_code, done.stdout) == (0, "")
        assert call("keys", "list").stdout == ""
        [listed] = json.loads(call("keys", "list", "--all", "--json").stdout)
    assert (listed["id"], listed["state"]) == (rotated["id"], "revoked")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["create", "a b"], "cannot be a key's name"),
        (["create", "x", "--budget", "50"], "50/month"),
        (["create", "x", "--rpm", "many"], "--rpm takes a number"),
        (["create", "x", "--rpm", "0"], "more than 0"),
        (["create", "x", "--concurrency", "1.5"], "a whole number"),
        (["create", "x", "--address", "home"], "a network such as"),
        (["create", "x", "--expires", "yesterday"], "90d"),
        (["create", "x", "--max-output-tokens", "5"], "belongs to a budget"),
        (["rotate", "alice", "--grace", "a while"], "30m"),
        (["show", "alcie"], "did you mean alice"),
        (["create", "alice"], "there is a key 'alice' already"),
    ],
)
def test_what_is_wrong_is_said_with_what_would_be_right(arguments: list[str], says: str) -> None:
    made("alice")
    with nobody():
        done = call("keys", *arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    assert says in done.stderr


def test_a_terminal_gets_a_table() -> None:
    made("alice", "--rpm", "600", "--budget", "50/month")
    with nobody(), screen("keys", "list") as seen:
        assert seen.end() == 0
    assert "last used" in seen.text
    assert "600 rpm" in seen.text


def test_without_keys_it_says_how_to_make_one() -> None:
    with nobody():
        done = call("keys", "list")
    assert (done.exit_code, done.stdout) == (0, "")
    assert "tramite keys create" in done.stderr
