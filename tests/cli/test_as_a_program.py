"""The command line as a program of its own: signals, pipes, terminals, and what it loads."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.request

import pytest

from tests.cli.world import PATIENCE_S, TRAMITE, call, eventually, nobody, provider, run, screen, variables
from tramite import __version__

LOADED = """
import json, sys
from tramite.cli import main
code = main(sys.argv[1:])
sys.stderr.write(json.dumps(sorted(sys.modules)))
sys.exit(code)
"""


def loaded(*arguments: str) -> set[str]:
    """The modules that a command loads."""
    done = subprocess.run([sys.executable, "-c", LOADED, *arguments], capture_output=True, check=True, text=True)
    return set(json.loads(done.stderr[done.stderr.index("[") :]))


def test_help_loads_no_command_and_nothing_heavy() -> None:
    found = loaded("--help")
    assert not found & {
        "pydantic",
        "rich",
        "aiohttp",
        "asyncio",
        "anyio",
        "tenacity",
        "tramite.client",
        "tramite.config",
    }
    assert not found & {f"tramite.cli.{name}" for name in ("ask", "chat", "doctor", "models")}


def test_a_command_loads_neither_pydantic_nor_rich() -> None:
    with nobody():
        assert not loaded("ask", "hi", "-m", "demo/demo", "--json", "-q") & {"pydantic", "rich"}


def test_python_m_tramite_is_the_same_program() -> None:
    assert run("--version").stdout.decode() == f"tramite {__version__}\n"


def test_ctrl_c_keeps_what_was_printed_and_ends_the_request() -> None:
    with provider(token_interval_s=0.01) as simulator:
        program = subprocess.Popen(
            [*TRAMITE, "ask", "hello", "-m", "sim/tokens=100000", "-u"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert program.stdout is not None
        first = os.read(program.stdout.fileno(), 1000)
        program.send_signal(signal.SIGINT)
        rest, said = program.communicate(timeout=PATIENCE_S)
        eventually(lambda: simulator.stats().streams.gone == 1)
    assert program.returncode == 130
    assert (first + rest).startswith(b"token-1")
    assert b"interrupted" in said
    assert b"usage: " in said
    assert b"Traceback" not in said


def test_a_reader_that_wants_no_more_ends_the_request_without_a_word() -> None:
    with provider(token_interval_s=0.005) as simulator:
        program = subprocess.Popen(
            [*TRAMITE, "ask", "hello", "-q", "-m", "sim/tokens=100000"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert program.stdout is not None
        assert program.stderr is not None
        os.read(program.stdout.fileno(), 1)
        program.stdout.close()
        assert program.wait(PATIENCE_S) == 141
        assert program.stderr.read() == b""
        program.stderr.close()
        eventually(lambda: simulator.stats().streams.gone == 1)


def test_on_a_terminal_the_text_ends_with_a_newline_and_control_characters_are_shown() -> None:
    with provider():
        with screen("ask", "clear: \x1b[2J\x07", "-m", "sim/echo", "-q") as shown:
            assert shown.end() == 0
        assert shown.text == "clear: ␛[2J␇\n"
        assert run("ask", "clear: \x1b[2J\x07", "-m", "sim/echo", "-q").stdout == b"clear: \x1b[2J\x07"


@pytest.mark.parametrize("no_colour", ["", "1"])
def test_styles_are_for_terminals_whose_user_wants_them(no_colour: str) -> None:
    with provider(), variables(NO_COLOR=no_colour, TERM="xterm"), screen("ask", "hi", "-o", "max_tokens=1") as shown:
        shown.end()
    assert ("\x1b[" in shown.text) is not bool(no_colour)
    assert "model: sim/ok" in shown.text


def test_on_a_terminal_demo_stands_in_and_says_so_even_when_quiet() -> None:
    with nobody(), screen("ask", "hello", "-q") as shown:
        assert shown.end() == 0
    assert "no model is behind it" in shown.text
    assert "tramite secrets set OPENAI_API_KEY" in shown.text


def test_a_doctor_on_a_terminal_shows_its_styles_and_breaks_lines_between_words() -> None:
    with nobody(), variables(TERM="xterm", NO_COLOR=""), screen("doctor", columns=60) as shown:
        assert shown.end() == 1
    assert "\x1b[32mok" in shown.text
    assert "␛" not in shown.text
    keys = [line for line in shown.text.splitlines() if "_API_KEY)" in line]
    assert len(keys) > 3
    assert all(len(line) < 60 + len("\x1b[2m\x1b[0m") for line in keys)


def test_tables_have_heads_on_a_terminal() -> None:
    with nobody(), screen("config", "path", "--all") as shown:
        assert shown.end() == 0
    assert "where" in shown.text


def test_a_secret_is_typed_unseen() -> None:
    with screen("secrets", "set", "MINE") as shown:
        shown.until("MINE (not shown)")
        shown.type("sk-typed-at-the-keyboard\n")
        assert shown.end() == 0
    assert "sk-typed" not in shown.text
    assert call("secrets", "list").stdout == "MINE\t\tstored:MINE …oard\n"


def test_a_simulator_says_where_it_is_and_ends_with_ctrl_c() -> None:
    program = subprocess.Popen(
        [*TRAMITE, "simulate", "--port", "0", "--rpm", "7", "--key", "sk-test"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert program.stdout is not None
    url = program.stdout.readline().strip()
    with urllib.request.urlopen(f"{url}/sim/stats") as answer:
        assert json.load(answer)["requests"] == 0
    program.send_signal(signal.SIGINT)
    rest, said = program.communicate(timeout=PATIENCE_S)
    assert (program.returncode, rest) == (0, "")
    assert f'base_url = "{url}/v1"' in said
    assert "Traceback" not in said


def test_a_port_that_is_taken_is_said_so() -> None:
    with provider() as simulator:
        done = call("simulate", "--port", simulator.url.rpartition(":")[2])
    assert done.exit_code == 1
    assert "cannot listen" in done.stderr
