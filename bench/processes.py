"""Starts and ends the processes of a benchmark. Measures nothing."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from . import subjects

ROOT = Path(__file__).parents[1]


@contextmanager
def clean_place() -> Iterator[dict[str, str]]:
    """An empty folder to run in, as an environment: no configuration, no provider's variables, no proxy."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL") if name in os.environ}
    with TemporaryDirectory() as folder:
        yield {
            **kept,
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",
            "HOME": folder,
            "TRAMITE_HOME": folder,
            "PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "src"))),
            "PWD": folder,
        }


def start(command: Sequence[str], place: Mapping[str, str]) -> subprocess.Popen[str]:
    """A Python process that ends when its stdin does. `command` begins with the interpreter."""
    return subprocess.Popen(
        command, env=place, cwd=place["PWD"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def output_of(command: Sequence[str], place: Mapping[str, str]) -> str:
    """What a process prints. Raises CalledProcessError."""
    run = subprocess.run(command, env=place, cwd=place["PWD"], stdout=subprocess.PIPE, text=True, check=True)
    return run.stdout


@contextmanager
def server(place: Mapping[str, str], pace_s: float) -> Iterator[str]:
    """The static server; gives its address, without /v1."""
    allow_many_files()
    command = [sys.executable, "-m", "bench.static_server", "--pace-s", str(pace_s)]
    with ended(start(command, place)) as process:
        yield f"http://127.0.0.1:{line_from(process).strip()}"


@contextmanager
def ended(process: subprocess.Popen[str]) -> Iterator[subprocess.Popen[str]]:
    """The process, ended on leaving."""
    try:
        yield process
    finally:
        process.communicate(timeout=30)


def line_from(process: subprocess.Popen[str]) -> str:
    """The next line that it prints. Raises RuntimeError when it ends instead."""
    line = process.stdout.readline() if process.stdout else ""
    if not line:
        raise RuntimeError(f"it ended: {process.args!r}")
    return line


def allow_many_files() -> None:
    """A thousand connections are more than a shell's usual limit of open files; children inherit ours."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 8192 if hard == resource.RLIM_INFINITY else min(8192, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


class Worker:
    """A `bench.worker` process, ready to measure; `release` is the version of its library."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.release = str(self._answer()["version"])

    def measure(self, seconds: float) -> dict[str, float]:
        """One round."""
        if self.process.stdin:
            print(seconds, file=self.process.stdin, flush=True)
        measured: dict[str, float] = self._answer()
        return measured

    def _answer(self) -> Any:
        return json.loads(line_from(self.process))


@contextmanager
def worker(python: str, what: Sequence[str], place: Mapping[str, str]) -> Iterator[Worker]:
    """A measuring process for `what` (see bench.worker), ended on leaving."""
    with ended(start([python, "-m", "bench.worker", *what], place)) as process:
        yield Worker(process)


def pythons(named: Sequence[str]) -> dict[str, str]:
    """The interpreter for each library: this one has what it has, others come as `library=/path/to/python`."""
    found = {library: sys.executable for library in subjects.PACKAGES if subjects.installed(library)}
    for text in named:
        library, equals, python = text.partition("=")
        if library not in subjects.PACKAGES or not equals or not Path(python).exists():
            raise SystemExit(f"--with {text}: expected one of {', '.join(subjects.PACKAGES)}, =, and an interpreter")
        found[library] = python
    return {library: found[library] for library in subjects.PACKAGES if library in found}
