"""`tramite serve` as a program: addresses, signals, workers that die, a configuration that changes."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from tests.gateway.running import until
from tramite.gateway.serving import listen, port_of

PATIENCE_S = 20.0
ADMIN_KEY = "admin-0123456789-abcdefghijklmnop"
ROUTE = '[routes.{name}]\ntargets = ["demo/demo"]\n'


class Program:
    """A gateway in a process of its own. What it says is in files, so that nobody has to read along."""

    def __init__(self, process: subprocess.Popen[bytes], said: Path, log: Path) -> None:
        self.process, self._said, self._log = process, said, log

    @property
    def url(self) -> str:
        return self._said.read_text().strip()

    @property
    def log(self) -> str:
        return self._log.read_text()

    def workers(self) -> list[int]:
        """The processes below it."""
        listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(self.process.pid)], capture_output=True, check=False)
        return [int(pid) for pid in listed.stdout.split()]

    def get(self, path: str) -> tuple[int, bytes]:
        """Status and body; 0 where nobody answers."""
        try:
            with urllib.request.urlopen(f"{self.url}{path}", timeout=PATIENCE_S) as came:
                return came.status, came.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()
        except OSError:
            return 0, b""

    def models(self) -> list[str]:
        return [model["id"] for model in json.loads(self.get("/v1/models")[1])["data"]]

    def end(self, number: int = signal.SIGTERM) -> int:
        """Its exit code."""
        self.process.send_signal(number)
        return self.process.wait(PATIENCE_S)


@contextmanager
def serving(*arguments: str, config: str = "") -> Iterator[Program]:
    """`tramite serve` on a free port, ready."""
    Path("gateway.toml").write_text(config)
    said, log = Path("said").absolute(), Path("log").absolute()
    command = [sys.executable, "-m", "tramite", "serve", "--port", "0", *arguments]
    environ = {**os.environ, "TRAMITE_CONFIG": str(Path("gateway.toml").absolute())}
    with said.open("wb") as out, log.open("wb") as err:
        process = subprocess.Popen(command, stdout=out, stderr=err, env=environ)
    program = Program(process, said, log)
    try:
        until(lambda: bool(program.url) or process.poll() is not None, PATIENCE_S)
        until(lambda: program.get("/health/live")[0] == 200, PATIENCE_S)
        yield program
    finally:
        with suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        process.wait(PATIENCE_S)


def is_there(pid: int) -> bool:
    """Whether a process runs; one that has ended and waits for its parent does not."""
    with suppress(OSError):
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    return False


def ask(program: Program, model: str) -> tuple[int, Any]:
    body = json.dumps({"model": model, "messages": [{"role": "user", "content": "hi"}]}).encode()
    request = urllib.request.Request(f"{program.url}/v1/chat/completions", body, {"content-type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as came:
            return came.status, json.loads(came.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_says_where_it_is_answers_and_ends_without_a_fault_when_told(number: int) -> None:
    with serving() as program:
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+", program.url)
        assert "without any key the gateway binds to loopback only" in program.log
        assert f"OPENAI_BASE_URL={program.url}/v1" in program.log
        assert program.get("/health/ready")[0] == 200
        status, reply = ask(program, "demo/demo")
        assert (status, reply["object"]) == (200, "chat.completion")
        assert program.end(number) == 0


def test_quiet_it_says_its_address_alone() -> None:
    with serving("-q") as program:
        assert program.log == ""


def test_without_a_key_it_is_not_opened_to_other_machines() -> None:
    command = [sys.executable, "-m", "tramite", "serve", "--port", "0", "--host", "0.0.0.0"]
    done = subprocess.run(command, capture_output=True, timeout=PATIENCE_S, check=False)
    assert done.returncode == 1
    assert b"without any key the gateway binds to loopback only" in done.stderr
    assert b"tramite keys create" in done.stderr


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_port_that_is_taken_is_an_error_that_says_what_to_do(workers: str) -> None:
    (taken,) = listen("127.0.0.1", 0)
    with taken:
        command = [sys.executable, "-m", "tramite", "serve", "--port", str(port_of(taken)), "--workers", workers]
        done = subprocess.run(command, capture_output=True, timeout=PATIENCE_S, check=False)
    assert done.returncode == 1
    assert b"choose another port" in done.stderr


def test_a_killed_worker_is_replaced_within_a_second_and_no_connection_is_refused() -> None:
    with serving("--workers", "2") as program:
        until(lambda: len(program.workers()) == 2)
        killed = program.workers()[0]
        os.kill(killed, signal.SIGKILL)
        began = monotonic()
        until(lambda: len(set(program.workers()) - {killed}) == 2)
        assert monotonic() - began < 1.0
        assert all(program.get("/health/live")[0] == 200 for _ in range(20))
        assert "signal 9" in program.log
        workers = program.workers()
        assert program.end() == 0
        assert not any(map(is_there, workers))


def test_workers_end_when_nobody_looks_after_them_any_more() -> None:
    with serving("--workers", "2") as program:
        until(lambda: len(program.workers()) == 2)
        until(lambda: program.log.count("is ready") == 2, PATIENCE_S)
        workers = program.workers()
        program.process.kill()
        until(lambda: not any(map(is_there, workers)), PATIENCE_S)


def test_whichever_worker_is_asked_for_metrics_answers_for_all() -> None:
    with serving("--workers", "2") as program:
        until(lambda: b'worker="1"' in program.get("/metrics")[1], PATIENCE_S)
        ask(program, "demo/demo")
        text = program.get("/metrics")[1].decode()
        assert text.count("# TYPE tramite_requests_open gauge") == 1
        assert set(re.findall(r'tramite_requests_open\{worker="(\d)"\}', text)) == {"0", "1"}


def test_metrics_tell_of_the_process_its_loop_its_limits_and_its_money() -> None:
    with serving(config="[budgets.global]\nlimit = '5/day'\n[limits.demo]\nrequests_per_minute = 60\n") as program:
        assert ask(program, "demo/demo")[0] == 200
        assert program.get("/nothing")[0] == 404
        request = urllib.request.Request(f"{program.url}/v1/models", headers={"host": "evil.example"})
        with pytest.raises(urllib.error.HTTPError):
            urllib.request.urlopen(request, timeout=PATIENCE_S)
        text = program.get("/metrics")[1].decode()
    values = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    assert float(values["process_resident_memory_bytes"]) > 0
    assert values["tramite_requests_open"] == "1.0"  # this one
    assert values["tramite_streams_open"] == "0.0"
    assert values['tramite_refused_total{reason="unknown_host"}'] == "1.0"
    assert values['tramite_budget_left_dollars{budget="global",per="day"}'] == "5.0"
    assert values['tramite_budget_held_dollars{budget="global",per="day"}'] == "0.0"
    assert any(name.startswith('tramite_limit_fill{limit="demo') for name in values)
    assert "# TYPE tramite_cooldown_seconds gauge" in text
    assert "# TYPE tramite_loop_lag_seconds histogram" in text


def test_the_access_log_says_who_was_asked_how_it_ended_and_what_it_took() -> None:
    with serving(config="[gateway]\naccess_log = true\n" + ROUTE.format(name="fast")) as program:
        assert ask(program, "fast")[0] == 200
        until(lambda: "chat/completions 200" in program.log)
        line = next(json.loads(line) for line in program.log.splitlines() if "completions 200" in line)
    expected = {"status": 200, "asked": "fast", "target": "demo/demo", "attempts": 1, "cost_nanousd": 0, "key": ""}
    assert expected.items() <= line.items()
    assert line["tokens"] > 0
    assert line["request"].startswith("req-")


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_new_configuration_is_taken_by_every_worker_and_a_wrong_one_by_none(workers: str) -> None:
    with serving("--workers", workers, config=ROUTE.format(name="before")) as program:
        until(lambda: "before" in program.models())
        if workers != "1":
            until(lambda: program.log.count("is ready") == int(workers), PATIENCE_S)
        file = Path("gateway.toml")
        file.write_text('[retry]\nattempts = "many"\n')
        program.process.send_signal(signal.SIGHUP)
        until(lambda: program.log.count("not changed") == int(workers))
        assert re.search(r"gateway\.toml.*retry\.attempts.*many", program.log)
        assert "before" in program.models()
        file.write_text(ROUTE.format(name="after"))
        program.process.send_signal(signal.SIGHUP)
        until(lambda: program.log.count("configuration read again") == int(workers))
        assert all("after" in program.models() for _ in range(8))
        assert ask(program, "after")[0] == 200
        assert program.end() == 0


def reload(program: Program) -> tuple[int, Any]:
    headers = {"authorization": f"Bearer {ADMIN_KEY}"}
    request = urllib.request.Request(f"{program.url}/admin/reload", method="POST", headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as came:
            return came.status, json.loads(came.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


def test_one_request_has_every_worker_read_the_configuration_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRAMITE_ADMIN_KEY", ADMIN_KEY)
    with serving("--workers", "2", config=ROUTE.format(name="before")) as program:
        until(lambda: program.log.count("is ready") == 2, PATIENCE_S)
        Path("gateway.toml").write_text("[retry]\nattempts = 'many'\n")
        status, said = reload(program)
        assert status == 400
        assert "retry.attempts" in str(said)
        Path("gateway.toml").write_text(ROUTE.format(name="after"))
        status, said = reload(program)
        assert status == 200
        assert "routes.after.targets" in str(said)
        until(lambda: program.log.count("configuration read again") == 2)
        assert ADMIN_KEY not in program.log


def test_a_gateway_that_cannot_start_ends_with_a_failure() -> None:
    Path("folder").mkdir()
    Path("gateway.toml").write_text(f'[store]\nurl = "sqlite:///{Path("folder").absolute()}"\n')
    command = [sys.executable, "-m", "tramite", "serve", "--port", "0", "--workers", "2"]
    environ = {**os.environ, "TRAMITE_CONFIG": str(Path("gateway.toml").absolute())}
    done = subprocess.run(command, capture_output=True, timeout=PATIENCE_S, check=False, env=environ)
    assert done.returncode == 1
    assert b"Traceback" not in done.stderr
