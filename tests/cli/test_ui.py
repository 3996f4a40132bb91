"""`tramite ui`: begins, says where it is, refuses what it cannot do, and ends when it is told to."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.test_as_a_program import loaded
from tests.cli.world import PATIENCE_S, TRAMITE, call, nobody, provider, run, variables
from tramite.store.conversations import Conversations

ANSWERING = """
import socket, sys
from tramite.messages import assistant
from tramite.store.conversations import Node, new_id
from tramite.workbench import launch
from tramite.workbench.access import Access
from tramite.workbench.house import house

def begin():
    conversation = house().stored.create("chat", "one")
    node = Node(id=new_id(), conversation_id=conversation.id, message=assistant(""), status="running")
    house().stored.add(node, leaf=node.id)
    stream = house().clients.of(Access()).stream("hi", model="sim/tokens=100000")
    generation = house().generations.start(node, lambda: stream, house().stored)
    generation.wait(0, 20)
    print(node.id, flush=True)

launch.serve(socket.create_server(("127.0.0.1", 0)), "127.0.0.1", begin)
"""


@contextmanager
def started(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The program, and the first line that it says."""
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        try:
            yield program, program.stdout.readline().strip()
        finally:
            program.kill()


def test_its_help_loads_nothing_of_the_workbench() -> None:
    found = loaded("ui", "--help")
    assert not found & {"streamlit", "uvicorn", "starlette", "aiohttp", "tramite.workbench", "tramite.config"}


def test_its_help_says_what_it_is_for() -> None:
    said = call("ui", "--help").stdout
    assert "Open the workbench in a browser" in said
    assert "tramite ui --port 0 -q" in said


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_says_where_it_is_and_ends_without_a_fault_when_told_to(number: signal.Signals) -> None:
    with nobody(), started(*TRAMITE, "ui", "--port", "0", "--no-browser") as (program, address):
        with urllib.request.urlopen(f"{address}/_stcore/health", timeout=PATIENCE_S) as answer:
            assert answer.read() == b"ok"
        program.send_signal(number)
        rest, said = program.communicate(timeout=PATIENCE_S)
    assert (program.returncode, rest) == (0, "")
    assert "Ctrl-C ends it" in said
    assert "has ended" in said
    assert "Traceback" not in said


def test_quiet_says_the_address_alone() -> None:
    with nobody(), started(*TRAMITE, "ui", "-q", "--port", "0", "--no-browser") as (program, address):
        program.send_signal(signal.SIGTERM)
        rest, said = program.communicate(timeout=PATIENCE_S)
    assert address.startswith("http://127.0.0.1:")
    assert (program.returncode, rest, said) == (0, "", "")


def test_pages_are_guarded() -> None:
    with nobody(), started(*TRAMITE, "ui", "-q", "--port", "0", "--no-browser") as (_, address):
        with urllib.request.urlopen(address, timeout=PATIENCE_S) as answer:
            assert "default-src 'self'" in answer.headers["content-security-policy"]
        foreign = urllib.request.Request(address, headers={"host": "evil.example"})
        with pytest.raises(urllib.error.HTTPError, match="421"):
            urllib.request.urlopen(foreign, timeout=PATIENCE_S)


def test_a_second_one_says_where_the_first_is() -> None:
    with nobody(), socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = call("ui", "--port", str(port))
    assert done.exit_code == 1
    assert f"the workbench cannot listen on 127.0.0.1:{port}" in done.stderr
    assert "--port N" in done.stderr
    assert f"open http://127.0.0.1:{port}" in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.7", "example.org"])
def test_it_listens_on_this_machine_alone(host: str) -> None:
    done = call("ui", "--host", host)
    assert done.exit_code == 1
    assert "loopback only" in done.stderr
    assert "ssh -L" in done.stderr


def test_a_wrong_configuration_is_told_before_anything_is_served() -> None:
    file = Path("wrong.toml").absolute()
    file.write_text("[retry]\nattempts = 'many'\n")
    with variables(TRAMITE_CONFIG=str(file)):
        done = run("ui", "--port", "0", "--no-browser")
    assert done.returncode == 1
    assert b"retry.attempts" in done.stderr
    assert str(file).encode() in done.stderr
    assert done.stdout == b""
    assert b"Traceback" not in done.stderr


def test_without_its_extra_it_names_the_command_that_installs_it() -> None:
    hide = "import sys; sys.modules['streamlit'] = None; from tramite.cli import main; sys.exit(main(sys.argv[1:]))"
    with nobody():
        done = subprocess.run(
            [sys.executable, "-c", hide, "ui", "--port", "0"], capture_output=True, text=True, check=False
        )
    assert done.returncode == 1
    assert "pip install 'tramite[workbench]'" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_answer_that_is_being_written_is_kept_as_interrupted_and_its_request_ends(number: signal.Signals) -> None:
    with provider(token_interval_s=0.01) as simulator:
        with started(sys.executable, "-c", ANSWERING) as (program, node_id):
            assert node_id
            program.send_signal(number)
            _, said = program.communicate(timeout=PATIENCE_S)
        assert program.returncode == 0, said
        assert "Traceback" not in said
        assert simulator.stats().streams.gone == 1
    stored = Conversations.at(f"sqlite:///{os.environ['TRAMITE_HOME']}/data/ledger.sqlite")
    [node] = stored.nodes([node_id])
    stored.close()
    assert node.status == "interrupted"
    assert node.message.text.startswith("token-1")
