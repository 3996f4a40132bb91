"""Processes of a benchmark, and what the kernel says they use (Linux: /proc). Knows nothing of what they do."""

from __future__ import annotations

import os
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

TICK_S = 1 / os.sysconf("SC_CLK_TCK")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
STATE, PARENT, USER, SYSTEM, RESIDENT = 0, 1, 11, 12, 21
"""Where they stand in /proc/PID/stat after the command's name (proc(5))."""


class Tree:
    """A process and those under it: all that a relay is made of."""

    def __init__(self, pid: int) -> None:
        self.pid = pid

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        fields = _fields(Path(f"/proc/{self.pid}/stat"))
        return fields is not None and fields[STATE] != "Z"

    def cpu_s(self) -> float:
        """User and system time so far."""
        return sum(int(fields[USER]) + int(fields[SYSTEM]) for fields in self._each()) * TICK_S

    def resident_bytes(self) -> int:
        """Memory that is resident now; what several of them share is counted for each."""
        return sum(int(fields[RESIDENT]) for fields in self._each()) * PAGE_BYTES

    def _each(self) -> list[list[str]]:
        stats = {int(path.parent.name): fields for path in _stats() if (fields := _fields(path)) is not None}
        found, new = [stats[self.pid]], {str(self.pid)}
        while new:
            under = {pid: fields for pid, fields in stats.items() if fields[PARENT] in new}
            found += under.values()
            new = {str(pid) for pid in under}
        return found


def _stats() -> Iterator[Path]:
    return Path("/proc").glob("[0-9]*/stat")


def _fields(path: Path) -> list[str] | None:
    with suppress(OSError):
        return path.read_text().rpartition(") ")[2].split()
    return None  # it has ended meanwhile


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def output(command: Sequence[str], environment: Mapping[str, str], folder: Path) -> str:
    """What a process says on stdout. Raises RuntimeError with what it says on stderr, when it fails."""
    run = subprocess.run(command, env=environment, cwd=folder, check=False, capture_output=True, text=True)
    if run.returncode:
        raise RuntimeError(f"{Path(command[0]).name}: {run.returncode}: {run.stderr.strip()[-500:]}")
    return run.stdout


@contextmanager
def started(command: Sequence[str], environment: Mapping[str, str], log: Path) -> Iterator[Tree]:
    """A process whose output goes to `log`; ended on leaving, by force when it takes longer than ten seconds."""
    with log.open("ab") as out:
        process = subprocess.Popen(
            command, env=environment, cwd=log.parent, stdin=subprocess.DEVNULL, stdout=out, stderr=out
        )
        try:
            yield Tree(process.pid)
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def seconds_until(url: str, tree: Tree, most_s: float = 120.0) -> float:
    """How long it takes until it answers there, and not with an error. Raises RuntimeError when it ends instead."""
    began = time.perf_counter()
    while (waited_s := time.perf_counter() - began) < most_s and tree.alive:
        with suppress(OSError), urllib.request.urlopen(url):
            return time.perf_counter() - began
        time.sleep(0.01)
    raise RuntimeError(f"nothing answers at {url} after {waited_s:.0f} s")
