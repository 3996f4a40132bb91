"""`tramite compare`: one task, several models, side by side."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from typing import Any

import pytest

from tests.cli.world import PATIENCE_S, TRAMITE, call, configured, eventually, provider, screen

PRICED = '[models."sim/tokens=2"]\ninput_per_million = 1\noutput_per_million = 2\n'


def told(*arguments: str) -> dict[str, Any]:
    """The one object that `--json` prints."""
    return dict(json.loads(call("compare", "hello", "--json", *arguments).stdout))


def test_in_a_pipe_each_answer_is_a_line_of_facts() -> None:
    with provider(more=PRICED):
        done = call("compare", "hello", "-m", "sim/tokens=2", "-m", "sim/tokens=3")
    lines = [line.split("\t") for line in done.stdout.splitlines()]
    assert [line[:4] for line in lines] == [
        ["sim/tokens=2", "chat", "1", "stop"],
        ["sim/tokens=2", "completion", "1", "stop"],
        ["sim/tokens=3", "chat", "1", "stop"],
        ["sim/tokens=3", "completion", "1", "stop"],
    ]
    asked, written, dollars, first, total, fingerprint, text = lines[0][4:]
    assert (written, text, fingerprint) == ("2", "token-1 token-2", "fp_simulator")
    assert float(dollars) == pytest.approx((int(asked) + 2 * 2) * 1e-6)
    assert 0 < float(first) <= float(total)
    assert lines[2][6] == ""
    assert "(4 of 4)" in done.stderr


def test_a_line_stays_a_line_whatever_the_model_writes() -> None:
    with provider():
        done = call("compare", "a\tb\nc\\d", "-m", "sim/echo", "--style", "chat", "-q")
    assert done.stdout.splitlines() == [done.stdout[:-1]]
    assert done.stdout.endswith("\ta\\tb\\nc\\\\d\n")
    assert done.stderr == ""


def test_json_has_each_reply_whole_and_counts_different_answers() -> None:
    with provider():
        found = told("-m", "sim/filter@1:times=1", "--style", "chat", "--repeat", "3", "-o", "max_tokens=2")
    [column] = found["columns"]
    assert found["prompt"] == "hello"
    assert (column["target"], column["style"], column["different"]) == ("sim/filter@1:times=1", "chat", 2)
    assert column["system_fingerprints"] == ["fp_simulator"]
    assert column["cost_nanousd"] is None
    assert sorted(reply["text"] for reply in column["results"]) == ["token-1", "token-1 token-2", "token-1 token-2"]
    assert all(reply["timings"]["first_token_s"] is not None for reply in column["results"])


def test_a_model_that_fails_has_its_error_in_its_column() -> None:
    with provider():
        done = call(
            "compare", "hello", "-m", "sim/auth", "-m", "sim/ok", "-m", "nowhere/x", "--style", "chat", "--json"
        )
    failed, answered, unknown = json.loads(done.stdout)["columns"]
    assert done.exit_code == 0
    assert failed["results"][0]["error"] == "AuthenticationFailed"
    assert unknown["results"][0]["error"] == "UnknownProvider"
    assert answered["results"][0]["text"]
    assert "sim/auth, chat: failed" in done.stderr


@pytest.mark.parametrize(("model", "code"), [("auth", 3), ("429", 4), ("503", 5)])
def test_when_all_fail_the_first_error_decides_how_it_ends(model: str, code: int) -> None:
    with provider():
        done = call("compare", "hello", "-m", f"sim/{model}", "-m", "sim/notfound")
    assert done.exit_code == code
    assert len(done.stdout.splitlines()) == 4
    assert done.stderr.count("tramite: ") == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "each with -m"),
        (("-m", "sim/ok", "--repeat", "0"), "from 1"),
        (("-m", "sim/ok", "-o", "n=2"), "--repeat"),
        (("-m", "sim/ok", "--style", "song"), "completion"),
        (("-m", "sim/ok", "-o", "suffix=x"), "no setting"),
    ],
)
def test_what_cannot_be_compared_is_refused_before_anyone_is_asked(arguments: tuple[str, ...], words: str) -> None:
    with configured("http://127.0.0.1:9/v1"):
        done = call("compare", "hello", *arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    assert words in done.stderr


def test_on_a_terminal_answers_stand_side_by_side_and_wrap() -> None:
    models = ("sim/tokens=2", "fast", "sim/notfound")
    with provider(more=f'{PRICED}[routes.fast]\ntargets = ["sim/503", "sim/tokens=40"]\n'):
        arguments = [word for model in models for word in ("-m", model)]
        with screen("compare", "hello", *arguments, "--style", "chat", "-q", columns=110) as shown:
            assert shown.end() == 0
    lines = re.sub(r"\x1b\[\d*m", "", shown.text).splitlines()
    rows = {
        cells[0].strip(): [cell.strip() for cell in cells[1:]] for line in lines if len(cells := line.split("│")) > 1
    }
    assert [cell.split()[0] for cell in rows["answer"]] == ["token-1", "token-1", "failed:"]
    assert rows["cost"] == ["$0.000012", "unknown", ""]
    assert (rows["tries"], rows["answered by"]) == (["", "3", ""], ["", "sim/tokens=40", ""])
    assert any("sim/tokens=2" in line and "sim/notfound" in line for line in lines)
    assert "token-40" in shown.text
    assert max(map(len, lines)) <= 110


def test_on_a_narrow_terminal_columns_go_below_each_other() -> None:
    with provider():
        arguments = [word for model in ("sim/tokens=2", "sim/tokens=3") for word in ("-m", model)]
        with screen("compare", "hello", *arguments, "-q", "--repeat", "2", columns=60) as shown:
            assert shown.end() == 0
    assert shown.text.count("answer") == 4
    assert "1 of 2" in shown.text


def test_ctrl_c_shows_what_has_come_and_ends_the_rest() -> None:
    with provider() as simulator:
        command = [*TRAMITE, "compare", "hello", "--style", "chat", "-m", "sim/tokens=2", "-m", "sim/silent"]
        program = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert program.stderr is not None
        said = b""
        while b"(1 of 2)" not in said:
            said += os.read(program.stderr.fileno(), 1000)
        eventually(lambda: simulator.stats().requests == 2)
        program.send_signal(signal.SIGINT)
        shown, rest = program.communicate(timeout=PATIENCE_S)
        eventually(lambda: simulator.stats().open_now == 0)
    assert program.returncode == 130
    assert shown.startswith(b"sim/tokens=2\tchat\t1\tstop")
    assert shown.count(b"\n") == 1
    assert b"interrupted" in rest
    assert b"Traceback" not in rest
