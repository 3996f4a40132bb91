"""`python -m bench.chaos [URL] --kills 50`: several processes spend the same budgets and are killed at random.

The judge is what their provider wrote down. Its bill never passes a budget, and neither does what the store says is
spent and held, whenever it is looked at. `havoc` knows nothing of the store: it starts, kills and starts again whatever
it is told to.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from tramite.config import Cap
from tramite.errors import BudgetExceeded
from tramite.store import Allowance, Entry, Store, open_store, sqlite_url
from tramite.store.windows import NS, read

ROOT = Path(__file__).parents[1]
WORST_NANOUSD = 100
CAP_NANOUSD = 2_000
"""About as much as the callers of two processes hold at once, so that budgets are full all the time."""
SLICE_S = 0.5
"""How long a budget is spent from; then comes the next one."""
LEASE_S = 1.0
PAUSES_S = (0.1, 0.6)
"""From one kill to the next."""


def havoc(
    command: Callable[[int], Sequence[str]],
    kills: int,
    watch: Callable[[], None],
    workers: int = 3,
    pauses_s: tuple[float, float] = PAUSES_S,
) -> None:
    """Keep so many processes running, the n-th one started with `command(n)`, and kill one of them this many times.

    `watch` is called again and again meanwhile. A process that ends by itself is a RuntimeError.
    """
    chance, started = random.Random(0), 0
    running: list[subprocess.Popen[bytes]] = []
    try:
        for kill in range(kills + 1):
            while len(running) < workers:
                running.append(subprocess.Popen(command(started), cwd=ROOT))
                started += 1
            until = time.monotonic() + chance.uniform(*pauses_s)
            while time.monotonic() < until:
                watch()
            if ended := [process for process in running if process.poll() is not None]:
                raise RuntimeError(f"it ended by itself: {ended[0].args!r}")
            if kill < kills:
                _kill(running.pop(chance.randrange(workers)))
    finally:
        for process in running:
            _kill(process)


def _kill(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()


def budgets(ago: int = 0) -> tuple[Allowance, Allowance]:
    """What is spent from now, or was so many slices ago; and what everything counts for."""
    number = int(time.time() / SLICE_S) - ago
    return _allowance(f"slice-{number}", CAP_NANOUSD), _allowance("everything", 10**15)


def _allowance(name: str, nanousd: int) -> Allowance:
    return Allowance(name, (Cap(nanousd, "total"), Cap(nanousd, "day")))


class Caller:
    """Asks a provider for something, one time after the other, in all the ways that there are to end."""

    def __init__(self, store: Store, bill: int, chance: random.Random) -> None:
        self._store = store
        self._bill = bill
        self._chance = chance

    async def spend(self) -> None:
        """One attempt."""
        chance, store = self._chance, self._store
        held, within = chance.randint(1, WORST_NANOUSD), budgets()
        entry = Entry(id=os.urandom(8).hex(), at_ns=time.time_ns(), key=within[0].name, provider="sim", model="ok")
        try:
            if chance.random() < 0.2:
                await store.place(entry, held, within, LEASE_S, sent=False)
            await store.place(entry, held, within, LEASE_S)
        except BudgetExceeded:
            await asyncio.sleep(0.002)
            return
        if chance.random() < 0.1:
            store.release(entry.id)
            return
        cost = self.provider(entry, held)
        await asyncio.sleep(1.3 * LEASE_S if chance.random() < 0.002 else chance.uniform(0, 0.01))
        if chance.random() < 0.95:  # else it dies without a word, as a task may
            told = cost if chance.random() < 0.9 else None
            store.settle(Entry(id=entry.id, cost_nanousd=told, outcome="ok"))

    def provider(self, entry: Entry, worst: int) -> int:
        """What it charges, in its own book, which a kill of this process does not reach."""
        cost = self._chance.randint(0, worst)
        os.write(self._bill, f"{entry.id} {entry.key} {cost}\n".encode())
        return cost


async def work(url: str, bill: Path, callers: int) -> None:
    """A worker: so many callers, until it is killed."""
    store = open_store(url)
    descriptor = os.open(bill, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    async def go_on() -> None:
        caller = Caller(store, descriptor, random.Random())
        while True:
            await caller.spend()

    await asyncio.gather(*(go_on() for _ in range(callers)))


def run(url: str, folder: Path, kills: int, callers: int = 16, workers: int = 3) -> str:
    """All of it; what was found, in a line. Raises AssertionError."""
    looks = 0
    store = open_store(url)

    def watch() -> None:
        nonlocal looks
        looks += 1
        for ago in range(3):
            for standing in store.budgets(budgets(ago)):
                used = standing.spent_nanousd + standing.held_nanousd
                assert used <= standing.cap.nanousd, standing

    def command(number: int) -> list[str]:
        bill = folder / f"{number}.bill"
        return [sys.executable, "-m", "bench.chaos", url, "--worker", str(bill), "--callers", str(callers)]

    havoc(command, kills, watch, workers)
    store.close()
    bills = _bills(folder)
    _audit(url, bills)
    return f"{kills} kills, {sum(map(len, bills.values())):,} charges, {len(bills)} budgets, {looks:,} looks: all hold"


def _bills(folder: Path) -> dict[str, dict[str, int]]:
    """What the provider charged, by budget and attempt."""
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for file in folder.glob("*.bill"):
        for line in file.read_text().splitlines():
            attempt_id, name, cost = line.split()
            found[name][attempt_id] = int(cost)
    return found


def _audit(url: str, bills: dict[str, dict[str, int]]) -> None:
    """An hour later, when no lease can be alive any more."""
    store = open_store(url, lambda: time.time_ns() + 3600 * NS)
    database = store.connect()
    rows = database.execute("SELECT id, state, cost_nanousd, windows FROM attempts")
    kept = database.execute("SELECT budget, period, start_ns, spent_nanousd, held_nanousd FROM windows")
    database.close()
    assert not [row for row in rows if row[1] in ("held", "sent")]
    costs = {row[0]: row[2] or 0 for row in rows}
    sums: Counter[tuple[str, str, int]] = Counter()
    for attempt_id, _, _, windows in rows:
        for window in read(windows):
            sums[window] += costs[attempt_id]
    assert {tuple(row[:3]): row[3:] for row in kept} == {window: (spent, 0) for window, spent in sums.items()}
    for name, bill in bills.items():
        assert sum(bill.values()) <= CAP_NANOUSD, f"{name}: the provider charged {sum(bill.values())}"
        assert all(costs[attempt_id] >= cost for attempt_id, cost in bill.items())
        spent = max(sum for window, sum in sums.items() if window[0] == name)
        asyncio.run(
            store.place(Entry(id=name), CAP_NANOUSD - spent, [Allowance(name, (Cap(CAP_NANOUSD, "total"),))], 1)
        )
    store.close()


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.chaos", description=__doc__)
    parser.add_argument("url", nargs="?", help="the store's address (default: SQLite in a temporary folder)")
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--callers", type=int, default=16, help="in each process (default: %(default)s)")
    parser.add_argument("--worker", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.worker:
        asyncio.run(work(options.url, options.worker, options.callers))
    with TemporaryDirectory() as folder:
        url = options.url or sqlite_url(Path(folder) / "ledger.sqlite")
        print(run(url, Path(folder), options.kills, options.callers))


if __name__ == "__main__":
    main()
