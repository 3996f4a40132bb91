"""The workbench as a program of its own, and how much memory it takes."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

from tramite.store import sqlite_url

STORE = "kept.sqlite"
COMMAND = [sys.executable, "-m", "tramite", "ui", "-q", "--no-browser"]


class Served:
    """A running one."""

    def __init__(self, process: subprocess.Popen[str], url: str, began: float, log: Path) -> None:
        self.process = process
        self.url = url
        self.began = began
        """When its process was started, on the monotonic clock."""
        self.log = log

    def resident_mb(self) -> float:
        """Now."""
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:")) / 1024


@contextmanager
def serving(folder: Path, provider_url: str, model: str = "paced", port: int = 0) -> Iterator[Served]:
    """A workbench whose default is this model; its home is in `folder`."""
    config = folder / "tramite.toml"
    config.write_text(
        f'default_model = "sim/{model}"\n[providers.sim]\nbase_url = "{provider_url}"\nauth = "none"\n'
        f'[store]\nurl = "{sqlite_url(folder / STORE)}"\n'
    )
    told = {"TRAMITE_CONFIG": str(config), "TRAMITE_HOME": str(folder / "home")}
    log = folder / "log"
    began = time.monotonic()
    with log.open("a") as errors:
        process = subprocess.Popen(
            [*COMMAND, "--port", str(port)], env=os.environ | told, stdout=subprocess.PIPE, stderr=errors, text=True
        )
    try:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        if not url:
            raise SystemExit(f"the workbench did not start: {log.read_text()}")
        yield Served(process, url, began, log)
    finally:
        process.terminate()
        process.wait(20)


def healthy(served: Served) -> float:
    """Seconds from the start of its process until it says that it is well."""
    while True:
        try:
            with urlopen(f"{served.url}/_stcore/health") as answer:
                if answer.status == 200:
                    return time.monotonic() - served.began
        except OSError:
            time.sleep(0.005)
