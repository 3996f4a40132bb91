"""`python -m bench.chaos_gateway --kills 20`: clients spend the budgets of keys at a gateway whose workers are killed.

Like `bench.chaos_pipeline`, but from outside: `tramite serve` with several workers and limits in files, and one key
with a budget after the other. Every provider has the secret of one key's slice, so that the simulator's bill, which is
the judge, tells them apart.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import aiohttp

from tramite.config import Budget, Cap
from tramite.simulator import Simulator
from tramite.simulator.bill import client_of
from tramite.store import Allowance, sqlite_url
from tramite.store.keys import Keys, Terms
from tramite.store.opening import connect_migrated

from .chaos import ROOT
from .chaos_pipeline import CAP_NANOUSD, MODELS, PRICE, audit, secret

SLICE_S = 0.5
"""How long a key is asked with; then comes the next one."""
PAUSES_S = (0.5, 1.5)
READY_S = 30.0
DOORS = ("/v1/chat/completions", "/v1/messages")
HEAD = """[store]
url = "{store}"
[state]
url = "file"
[timeouts]
deadline_s = 2
first_token_s = 0.5
max_wait_s = 1
[retry]
attempts = 3
base_s = 0.01
max_s = 0.05
"""
PROVIDER = '[providers.s{n}]\nbase_url = "{url}"\napi_key = "{secret}"\n'


def allowance(n: int) -> Allowance:
    """The budget of a slice's key, as the store knows it."""
    return Allowance(f"key:k{n}", (Cap(CAP_NANOUSD, "total"),))


def prepare(folder: Path, provider: str, slices: int, environ: Mapping[str, str]) -> list[str]:
    """One provider and one key with a budget for each slice; the keys' secrets."""
    store = sqlite_url(folder / "ledger.sqlite")
    tables = [HEAD.format(store=store)]
    for n in range(slices):
        tables.append(PROVIDER.format(n=n, url=provider, secret=secret(n)))
        tables += [PRICE.format(n=n, model=model) for model in MODELS]
    (folder / "world.toml").write_text("".join(tables))
    with Keys(connect_migrated(store), environ=environ) as keys:
        terms = [Terms(models=(f"s{n}/*",), budget=Budget(limit=allowance(n).caps)) for n in range(slices)]
        return [keys.create(f"k{n}", each).secret for n, each in enumerate(terms)]


@contextmanager
def gateway(folder: Path, workers: int, environ: Mapping[str, str]) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """`tramite serve`: its address, and the process that looks after the workers."""
    command = [sys.executable, "-m", "tramite", "serve", "--port", "0", "--workers", str(workers), "--quiet"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=log, text=True, env=environ)
    with process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip(), process
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(READY_S)


def workers_of(process: subprocess.Popen[str]) -> list[int]:
    """The processes below it."""
    listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(process.pid)], capture_output=True, check=False)
    return [int(pid) for pid in listed.stdout.split()]


class Load:
    """Clients that ask one thing after the other, and do not always wait for the answer."""

    def __init__(self, url: str, keys: Sequence[str], callers: int) -> None:
        self._url = url
        self._keys = keys
        self._callers = callers
        self._began_s = time.monotonic()
        self._chance = random.Random(0)
        self.came: Counter[int] = Counter()
        """Answers by status; 0 is a connection that was lost."""

    @property
    def slice(self) -> int:
        """Whose turn it is."""
        return min(len(self._keys) - 1, int((time.monotonic() - self._began_s) / SLICE_S))

    async def run(self, process: subprocess.Popen[str], kills: int) -> None:
        """All of them, until so many workers were killed."""
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(self._url, connector=connector) as http:
            callers = [asyncio.create_task(self._go_on(http)) for _ in range(self._callers)]
            for _ in range(kills):
                await asyncio.sleep(self._chance.uniform(*PAUSES_S))
                while not (alive := workers_of(process)):  # noqa: ASYNC110 - who dies often starts ever later
                    await asyncio.sleep(PAUSES_S[0])
                os.kill(self._chance.choice(alive), signal.SIGKILL)
            await asyncio.sleep(PAUSES_S[1])
            for caller in callers:
                caller.cancel()
            for ended in await asyncio.gather(*callers, return_exceptions=True):
                assert isinstance(ended, asyncio.CancelledError), ended

    async def _go_on(self, http: aiohttp.ClientSession) -> None:
        while True:
            n, chance = self.slice, self._chance
            model = chance.choice(MODELS) if chance.random() < 0.1 else MODELS[0]
            messages = [{"role": "user", "content": "hello"}]
            asked = {"model": f"s{n}/{model}", "max_tokens": 50, "messages": messages, "stream": chance.random() < 0.5}
            headers = {"authorization": f"Bearer {self._keys[n]}"}
            try:
                async with asyncio.timeout(chance.choice([0.005, 0.05, 5, 5, 5])):
                    async with http.post(chance.choice(DOORS), json=asked, headers=headers) as response:
                        await response.read()
                        self.came[response.status] += 1
            except (aiohttp.ClientError, TimeoutError):
                self.came[0] += 1
                await asyncio.sleep(chance.uniform(0, 0.02))


def run(folder: Path, kills: int, callers: int = 128, workers: int = 2) -> str:
    """All of it; what was found, in a line. Raises AssertionError."""
    slices = int((kills + 3) * PAUSES_S[1] / SLICE_S) + 8  # the last one lasts as long as it takes
    environ = {
        **os.environ,
        "TRAMITE_CONFIG": str(folder / "world.toml"),
        "TRAMITE_HOME": str(folder),
        "TRAMITE_KEY_PEPPER": "a pepper for a test of kills, and nothing else",
    }
    with Simulator.in_thread(latency_s=0.002, input_nanousd=0) as simulator:
        keys = prepare(folder, simulator.base_url, slices, environ)
        with gateway(folder, workers, environ) as (url, process):
            load = Load(url, keys, callers)
            asyncio.run(load.run(process, kills))
            used = load.slice + 1
        accounts = simulator.stats().accounts
    known = [accounts.get(client_of(secret(n))) for n in range(used)]
    bills = [account.billed_nanousd for account in known if account is not None]
    allowances = [allowance(n) for n in range(used)]
    spent, holds = audit(sqlite_url(folder / "ledger.sqlite"), allowances, bills)
    assert load.came[200], load.came
    assert not load.came[500], load.came
    answers = ", ".join(f"{number:,} x {status or 'lost'}" for status, number in sorted(load.came.items()))
    return (
        f"{kills} kills of {workers} workers, {callers} clients ({answers}), {len(bills)} budgets: billed "
        f"{sum(bills) / CAP_NANOUSD / len(bills):.0%} of what was allowed, {max(bills) / CAP_NANOUSD:.0%} at most; "
        f"booked {spent / CAP_NANOUSD / len(bills):.0%}; {holds:,} holds ended: all hold"
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.chaos_gateway", description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--callers", type=int, default=128)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args(arguments)
    with TemporaryDirectory() as folder:
        print(run(Path(folder), options.kills, options.callers, options.workers))


if __name__ == "__main__":
    main()
