"""A world for the command line: a simulated provider on a port, a configuration that names it, and ways to call."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import termios
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import monotonic

from typer.testing import CliRunner, Result

from tramite.cli.app import app
from tramite.providers.catalogue import CATALOGUE
from tramite.simulator import Simulator

KEY = "sk-sim-0123456789-wxyz"
PATIENCE_S = 20
TRAMITE = [sys.executable, "-m", "tramite"]


@contextmanager
def provider(default: str = "sim/ok", more: str = "", **options: object) -> Iterator[Simulator]:
    """A simulated provider that wants a key, and a configuration that names it `sim`."""
    with Simulator.in_thread(key=KEY, **options) as simulator, configured(simulator.base_url, default, more):
        yield simulator


@contextmanager
def configured(base_url: str, default: str = "sim/ok", more: str = "") -> Iterator[None]:
    """`TRAMITE_CONFIG` and `SIM_KEY` for a provider `sim` at this address."""
    file = Path("sim.toml").absolute()
    file.write_text(
        f'default_model = "{default}"\n[providers.sim]\nbase_url = "{base_url}"\napi_key = "env:SIM_KEY"\n'
        f"[retry]\nattempts = 2\nbase_s = 0.001\nmax_s = 0.001\n{more}"
    )
    with variables(TRAMITE_CONFIG=str(file), SIM_KEY=KEY):
        yield


@contextmanager
def nobody() -> Iterator[None]:
    """A configuration without any model, in which no local server answers either, whatever runs on this machine."""
    file = Path("nobody.toml").absolute()
    local = [name for name, row in CATALOGUE.items() if row.local]
    file.write_text("".join(f'[providers."{name}"]\nbase_url = "http://127.0.0.1:9/v1"\n' for name in local))
    with variables(TRAMITE_CONFIG=str(file)):
        yield


@contextmanager
def variables(**values: str) -> Iterator[None]:
    """Set in the environment, here and in the programs started from here."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def call(*arguments: str, stdin: str | bytes = "") -> Result:
    """A command in this process, where a process of its own would show nothing more. Neither end is a terminal."""
    result = CliRunner().invoke(app, arguments, input=stdin, prog_name="tramite")
    assert KEY not in result.output
    return result


def run(*arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """A command as a program of its own."""
    done = subprocess.run([*TRAMITE, *arguments], input=stdin, capture_output=True, timeout=PATIENCE_S, check=False)
    assert KEY.encode() not in done.stdout + done.stderr
    return done


class Screen:
    """A program on a terminal: what stands there, and keys to press."""

    def __init__(self, arguments: Sequence[str], columns: int) -> None:
        self._master, slave = os.openpty()
        termios.tcsetwinsize(slave, (50, columns))
        environ = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
        self.process = subprocess.Popen([*TRAMITE, *arguments], env=environ, stdin=slave, stdout=slave, stderr=slave)
        os.close(slave)
        self.text = ""

    def until(self, *words: str) -> str:
        """Read until all these words have come since the last key, in this order; what has come."""
        ends = monotonic() + PATIENCE_S
        while not _in_order(self.text, words):
            ready, _, _ = select.select([self._master], [], [], max(0.0, ends - monotonic()))
            assert ready, f"waited for {words}, and there is: {self.text}"
            piece = self._read()
            assert piece, f"it ended before {words} came: {self.text}"
            self.text += piece
        return self.text

    def type(self, text: str) -> None:
        """Press keys; what stood there before is forgotten."""
        self.text = ""
        os.write(self._master, text.encode())

    def interrupt(self) -> None:
        """Press Ctrl-C, once it waits: between its prompt and its waiting, Python's readline would not notice."""
        eventually(self._waits)
        self.text = ""
        self.process.send_signal(signal.SIGINT)

    def _waits(self) -> bool:
        """Whether its main thread sleeps, as far as the system tells."""
        task = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/stat")
        return not task.exists() or task.read_text().rpartition(")")[2].split()[0] == "S"

    def end(self) -> int:
        """Read to the end; the exit code."""
        while piece := self._read():
            self.text += piece
        return self.process.wait(PATIENCE_S)

    def close(self) -> None:
        """Leave nothing behind."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self._master)
        assert KEY not in self.text

    def _read(self) -> str:
        try:
            return os.read(self._master, 65536).decode(errors="replace").replace("\r\n", "\n")
        except OSError:  # Linux says EIO where the other end is closed
            return ""


def _in_order(text: str, words: Sequence[str]) -> bool:
    at = 0
    for word in words:
        at = text.find(word, at)
        if at < 0:
            return False
        at += len(word)
    return True


@contextmanager
def screen(*arguments: str, columns: int = 200) -> Iterator[Screen]:
    """A program on a terminal, ended with the block."""
    shown = Screen(arguments, columns)
    try:
        yield shown
    finally:
        shown.close()


def eventually(true: Callable[[], bool]) -> None:
    """Wait, without a fixed sleep, for what another process or thread is about to do."""
    ends = monotonic() + PATIENCE_S
    while not true():
        assert monotonic() < ends, "it did not happen"
        select.select([], [], [], 0.005)
