"""`tramite limits` on a Redis that other processes count in."""

from __future__ import annotations

import json
from urllib.parse import urlsplit

from tests.cli.world import call, provider

LIMITS = '[limits."sim/ok"]\nrequests_per_minute = 6000\nrequests_per_day = 50\nconcurrency = 4\n'


def test_limits_of_a_redis_show_what_other_commands_have_used_and_learned(redis: str) -> None:
    with provider(more=f'{LIMITS}[state]\nurl = "{redis}"\n', rpm=600):
        assert call("ask", "ciao").exit_code == 0
        [bucket] = json.loads(call("limits", "--json").stdout)
        lines = [line.split("\t") for line in call("limits").stdout.splitlines()]
    used = {limit["limit"]: limit for limit in bucket["limits"]}
    assert bucket["name"].startswith("sim/ok@")
    assert (used["requests_per_day"]["used"], used["concurrency"]["used"]) == (1, 0)
    assert used["requests"]["most"] == 600
    assert used["requests"]["source"] == "x-ratelimit-limit-requests"
    assert {line[1] for line in lines} == {"requests_per_minute", "requests_per_day", "concurrency", "requests"}
    assert {line[0] for line in lines} == {bucket["name"]}


def test_limits_of_an_empty_redis_are_none(redis: str) -> None:
    with provider(more=f'[state]\nurl = "{redis}"\n'):
        done = call("limits", "--json")
    assert (done.exit_code, done.stdout) == (0, "[]\n")
    assert "nothing is counted at redis://…@127.0.0.1" in done.stderr
    assert str(urlsplit(redis).password) not in done.output
