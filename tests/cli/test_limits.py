"""`tramite limits`: which limits are counted, and how much of each is used."""

from __future__ import annotations

import json

import pytest

from tests.cli.world import call, configured, provider, screen
from tramite.config import Config, Limits
from tramite.pipeline.limits import counted
from tramite.pipeline.limits.decisions import DAY_US, LEASE_US, SECOND_US, STALE_US
from tramite.pipeline.limits.records import Bucket, Held, Learned, Rate, Snapshot

NOW = 1_800_000_000 * SECOND_US
CONFIG = Config(
    limits={"sim/ok": Limits(requests_per_minute=60, tokens_per_minute=6000, requests_per_day=10, concurrency=4)},
    origins={'limits."sim/ok".concurrency': "tramite.toml"},
)
LEARNED = Rate("requests", 100, 600_000.0, 1_000_000)


def look(bucket: Bucket, name: str = "sim/ok@12ab34cd") -> tuple[counted.Counted, dict[str, counted.Used]]:
    """One bucket, and its limits by name."""
    [found] = counted.buckets(CONFIG, Snapshot(NOW, {name: bucket}))
    return found, {used.limit: used for used in found.limits}


def test_an_unused_bucket_has_its_configured_limits_and_they_are_free() -> None:
    found, limits = look(Bucket())
    assert {name: used.most for name, used in limits.items()} == {
        "requests_per_minute": 60,
        "tokens_per_minute": 6000,
        "requests_per_day": 10,
        "concurrency": 4,
    }
    assert all(used.full == used.wait_s == 0 for used in found.limits)
    assert limits["concurrency"].source == "tramite.toml"
    assert (found.closed_s, found.in_flight) == (0, 0)


def test_what_is_used_of_each_limit_is_told_and_when_it_is_free_again() -> None:
    bucket = Bucket(
        due_us={"requests_per_minute": NOW + 3 * SECOND_US},
        day_us=NOW - DAY_US // 4,
        day_used=10,
        held={"a": Held(2, NOW + LEASE_US), "b": Held(1, NOW + LEASE_US), "silent": Held(9, NOW - 1)},
        closed_us=NOW + 12 * SECOND_US,
    )
    found, limits = look(bucket)
    assert limits["requests_per_minute"].full > 1
    assert limits["requests_per_minute"].wait_s == pytest.approx(3, abs=0.1)
    assert (limits["requests_per_day"].used, limits["requests_per_day"].full) == (10, 1)
    assert limits["requests_per_day"].wait_s == DAY_US * 3 // 4 / SECOND_US
    assert (limits["concurrency"].used, limits["concurrency"].full) == (3, 0.75)
    assert (found.closed_s, found.in_flight) == (12, 3)


def test_learned_limits_name_their_header_and_age_until_they_hold_no_more() -> None:
    told = {"requests": Learned(LEARNED, "x-ratelimit-limit-requests", 60 * SECOND_US, NOW - 5 * SECOND_US)}
    _, limits = look(Bucket(due_us={"requests": NOW + 500_000}, learned=told))
    requests = limits["requests"]
    assert (requests.most, requests.window_s, requests.source) == (100, 60, "x-ratelimit-limit-requests")
    assert (requests.told_ago_s, requests.full) == (5, 0.5)
    old = {"requests": Learned(LEARNED, "x-ratelimit-limit-requests", 60 * SECOND_US, NOW - STALE_US)}
    assert "requests" not in look(Bucket(learned=old))[1]


def test_a_day_that_is_over_counts_no_more() -> None:
    _, limits = look(Bucket(day_us=NOW - DAY_US, day_used=10))
    assert (limits["requests_per_day"].used, limits["requests_per_day"].wait_s) == (0, 0)


@pytest.mark.parametrize(("url", "word"), [("memory", "each process"), ("off", "neither")])
def test_where_nothing_is_shared_it_says_why_there_is_nothing_to_show(url: str, word: str) -> None:
    with configured("http://127.0.0.1:9/v1", more=f'[state]\nurl = "{url}"\n'):
        done = call("limits", "--json")
    assert (done.exit_code, done.stdout) == (0, "[]\n")
    assert word in done.stderr


def test_where_nothing_was_counted_yet_it_says_so() -> None:
    with configured("http://127.0.0.1:9/v1"):
        done = call("limits")
    assert (done.exit_code, done.stdout) == (0, "")
    assert "nothing is counted in" in done.stderr


def test_limits_show_what_other_commands_of_this_machine_have_used_and_learned() -> None:
    more = '[limits."sim/ok"]\nrequests_per_day = 50\nconcurrency = 4\n'
    with provider(more=more, rpm=600):
        assert call("ask", "ciao").exit_code == 0
        [bucket] = json.loads(call("limits", "--json").stdout)
        lines = {line.split("\t")[1]: line.split("\t")[2:] for line in call("limits").stdout.splitlines()}
    used = {limit["limit"]: limit for limit in bucket["limits"]}
    assert (used["requests_per_day"]["used"], used["concurrency"]["used"]) == (1, 0)
    assert lines["requests_per_day"][0::2] == ["50 in 1 d", "1 used"]
    assert lines["concurrency"][0::2] == ["4 at once", "0 in flight"]
    assert lines["requests"][0] == "600 in 1 min"
    assert lines["requests"][1].startswith("x-ratelimit-limit-requests, ")


def test_a_terminal_gets_a_table() -> None:
    with provider(more='[limits."sim/ok"]\nrequests_per_day = 50\n'):
        assert call("ask", "ciao").exit_code == 0
        with screen("limits", columns=160) as shown:
            assert shown.end() == 0
    assert "at most" in shown.text
    assert "50 in 1 d" in shown.text


def test_a_redis_that_cannot_be_reached_is_an_error_that_hides_its_password() -> None:
    with configured("http://127.0.0.1:9/v1", more='[state]\nurl = "redis://:hush@127.0.0.1:9/0"\n'):
        done = call("limits")
    assert done.exit_code == 1
    assert "cannot be reached" in done.stderr
    assert "hush" not in done.output
