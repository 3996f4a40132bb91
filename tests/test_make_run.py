"""`make run`: the gateway and the workbench begin together, and end together."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.world import PATIENCE_S, nobody

SCRIPT = Path(__file__).parents[1] / "scripts" / "run.py"


@contextmanager
def started(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """The script as `make run` starts it, ended with the block."""
    with subprocess.Popen(
        [sys.executable, str(SCRIPT), *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as program:
        try:
            yield program
        finally:
            program.send_signal(signal.SIGTERM)


def read(program: subprocess.Popen[str], until: str) -> str:
    """Its lines up to the one that has this in it."""
    assert program.stdout is not None
    lines = ""
    for line in program.stdout:
        lines += line
        if until in line:
            return lines
    raise AssertionError(f"it ended before {until!r} came: {lines}")


def answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=PATIENCE_S) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_both_say_where_they_are_an_answer_comes_and_a_signal_ends_both(number: signal.Signals) -> None:
    with nobody(), started("--port", "0", "--ui-port", "0") as program:
        said = read(program, "Ctrl-C ends both")
        gateway = said.partition("The gateway is at ")[2].partition("/,")[0]
        workbench = said.partition("The workbench is at ")[2].partition("/ ")[0]
        assert answers(f"{gateway}/health/live")
        assert answers(f"{workbench}/_stcore/health")
        assert "no language model is behind" in said
        program.send_signal(number)
        rest, _ = program.communicate(timeout=PATIENCE_S)
        assert program.returncode == 0
        assert "Traceback" not in said + rest
        assert not answers(f"{gateway}/health/live")
        assert not answers(f"{workbench}/_stcore/health")


@pytest.mark.parametrize(("option", "who"), [("--port", "gateway"), ("--ui-port", "workbench")])
def test_where_a_port_is_taken_it_is_told_and_the_other_one_ends_too(option: str, who: str) -> None:
    other = "--ui-port" if option == "--port" else "--port"
    with nobody(), socket.create_server(("127.0.0.1", 0)) as taken:
        with started(option, str(taken.getsockname()[1]), other, "0") as program:
            said, _ = program.communicate(timeout=PATIENCE_S)
        assert program.returncode == 1
    assert f"the {who} cannot listen on 127.0.0.1:" in said
    assert f"The {who} has ended" in said
    assert "--port N --ui-port N" in said
    assert "Traceback" not in said
