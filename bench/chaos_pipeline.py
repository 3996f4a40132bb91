"""`python -m bench.chaos_pipeline [URL] --kills 50`: whole clients spend one budget after the other, and are killed.

Like `bench.chaos`, but through everything: 1,000 callers in four processes send chats and streams that succeed, break
off, are left, are throttled, to a simulated provider over sockets. Its own bill is the judge: it never passes a budget.
Output alone costs something, and as much is asked for as comes: a hold is no more than its bill, and nothing but the
books keeps the bill within the budget.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import random
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from tramite import AsyncClient, Retry, TramiteError
from tramite.config import Cap, load
from tramite.simulator import Simulator
from tramite.simulator.bill import client_of
from tramite.store import Allowance, Entry, Store, open_store, sqlite_url
from tramite.store.windows import NS

from .chaos import havoc

SLICES = 400
SLICE_S = 0.25
"""How long a budget is spent from; then comes the next one."""
CAP_NANOUSD = 3_000_000
"""A hundred calls, far fewer than all callers together could send in that time: it is used up, always."""
PAUSES_S = (0.5, 1.5)
"""From one kill to the next: a process must have time to start."""
MODELS = tuple(f"{fault}tokens=50" for fault in ("", "cut@5,", "flaky:0.3,", "429:times=3,", "slow-first-token:1s,"))
PROVIDER = '[providers.s{n}]\nbase_url = "{url}"\napi_key = "secret-of-slice-{n:04}"\n[budgets.s{n}]\nlimit = "{cap}"\n'
PRICE = '[models."s{n}/{model}"]\ninput_per_million = 0\noutput_per_million = 0.6\n'


def configuration(file: Path, provider: str, store: str) -> None:
    """One provider and one key with a budget for each slice."""
    tables = [f'[store]\nurl = "{store}"\n[timeouts]\ndeadline_s = 2\nfirst_token_s = 0.5\nmax_wait_s = 1\n']
    for n in range(SLICES):
        tables.append(PROVIDER.format(n=n, url=provider, cap=f"{CAP_NANOUSD / 1e9:.9f}/total"))
        tables += [PRICE.format(n=n, model=model) for model in MODELS]
    file.write_text("".join(tables))


def secret(n: int) -> str:
    return f"secret-of-slice-{n:04}"


def current(began_at: float) -> int:
    """The slice whose turn it is."""
    return min(SLICES - 1, int((time.time() - began_at) / SLICE_S))


class Caller:
    """Asks one thing after the other, in all the ways that there are to end."""

    def __init__(self, llm: AsyncClient, began_at: float) -> None:
        self._llm = llm
        self._began_at = began_at
        self._chance = random.Random()

    async def go_on(self) -> None:
        """Until the process is killed."""
        while True:
            n, chance = current(self._began_at), self._chance
            options = {
                "model": f"s{n}/{chance.choice(MODELS) if chance.random() < 0.1 else MODELS[0]}",
                "key": f"s{n}",
                "max_tokens": 50,
            }
            try:
                if chance.random() < 0.5:
                    async with asyncio.timeout(chance.choice([0.001, 0.01, 5, 5, 5])):
                        await self._llm.chat("hello", **options)  # type: ignore[arg-type]
                else:
                    await self._stream(options)
            except (TramiteError, TimeoutError):
                await asyncio.sleep(chance.uniform(0, 0.02))

    async def _stream(self, options: dict[str, object]) -> None:
        leaves = self._chance.random() < 0.3
        async with self._llm.stream("hello", **options) as stream:  # type: ignore[arg-type]
            async for _ in stream.text:
                if leaves:
                    return


async def work(file: Path, callers: int, began_at: float) -> None:
    """A worker: so many callers, until it is killed."""
    logging.disable()
    llm = AsyncClient(load(file), retry=Retry(attempts=3, strategy="random", base_s=0.01, max_s=0.05))
    await asyncio.gather(*(Caller(llm, began_at).go_on() for _ in range(callers)))


def allowance(n: int) -> Allowance:
    return Allowance(f"s{n}", (Cap(CAP_NANOUSD, "total"),))


def run(url: str, folder: Path, kills: int, callers: int = 250, workers: int = 4) -> str:
    """All of it; what was found, in a line. Raises AssertionError."""
    looks, began_at, file = 0, time.time() + 2, folder / "world.toml"
    store = open_store(url)
    with Simulator.in_thread(latency_s=0.002, input_nanousd=0) as simulator:
        configuration(file, simulator.base_url, url)

        def watch() -> None:
            nonlocal looks
            looks += 1
            n = current(began_at)
            for standing in store.budgets([allowance(m) for m in range(max(0, n - 4), n + 1)]):
                assert standing.spent_nanousd + standing.held_nanousd <= CAP_NANOUSD, standing
            time.sleep(0.005)

        def command(number: int) -> list[str]:
            worker = ["--worker", str(file), "--callers", str(callers), "--began", str(began_at)]
            return [sys.executable, "-m", "bench.chaos_pipeline", url, *worker]

        havoc(command, kills, watch, workers, PAUSES_S)
        used = current(began_at) + 1
        time.sleep(0.5)  # what the killed had sent is on the bill by now
        accounts = simulator.stats().accounts
    store.close()
    bills = [accounts[client_of(secret(n))].billed_nanousd for n in range(used) if client_of(secret(n)) in accounts]
    requests = sum(account.requests for account in accounts.values())
    spent, cases = audit(url, [allowance(n) for n in range(used)], bills)
    billed, most = sum(bills) / CAP_NANOUSD / len(bills), max(bills) / CAP_NANOUSD
    return (
        f"{kills} kills, {workers} x {callers} callers, {requests:,} requests, {len(bills)} budgets: billed "
        f"{billed:.0%} of what was allowed, {most:.0%} at most; booked {spent / CAP_NANOUSD / len(bills):.0%}; "
        f"{cases:,} holds ended, {looks:,} looks: all hold"
    )


def audit(url: str, allowances: Sequence[Allowance], bills: Sequence[int]) -> tuple[int, int]:
    """An hour later, when no lease can be alive any more: what was spent, and how many holds there were."""
    assert bills
    assert max(bills) <= CAP_NANOUSD, f"the provider charged {max(bills)} of {CAP_NANOUSD}"
    store = open_store(url, lambda: time.time_ns() + 3600 * NS)
    spent = sum([asyncio.run(_fits(store, each)) for each in allowances])
    database = store.connect()
    [[alive]] = database.execute("SELECT count(*) FROM attempts WHERE state IN ('held', 'sent')")
    [[ended]] = database.execute("SELECT count(*) FROM attempts WHERE held_nanousd IS NOT NULL")
    database.close()
    store.close()
    assert not alive, f"{alive} holds have outlived their leases"
    return spent, ended


async def _fits(store: Store, allowed: Allowance) -> int:
    """A further call that fits is admitted, down to the last billionth; what was spent before it."""
    [before] = store.budgets([allowed])
    probe = Entry(id=f"probe-{allowed.name}", at_ns=time.time_ns())
    await store.place(probe, 0, [allowed], 1)
    store.release(probe.id)
    await store.flush()
    [swept] = store.budgets([allowed])
    assert swept.held_nanousd == 0, swept
    assert swept.spent_nanousd <= CAP_NANOUSD, swept
    rest = Entry(id=f"rest-{allowed.name}", at_ns=time.time_ns())
    await store.place(rest, swept.left_nanousd, [allowed], 1)
    store.release(rest.id)
    await store.flush()
    return max(before.spent_nanousd, swept.spent_nanousd)


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.chaos_pipeline", description=__doc__)
    parser.add_argument("url", nargs="?", help="the store's address (default: SQLite in a temporary folder)")
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--callers", type=int, default=250, help="in each process (default: %(default)s)")
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--worker", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--began", type=float, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.worker:
        asyncio.run(work(options.worker, options.callers, options.began))
    with TemporaryDirectory() as folder:
        url = options.url or sqlite_url(Path(folder) / "ledger.sqlite")
        print(run(url, Path(folder), options.kills, options.callers, options.workers))


if __name__ == "__main__":
    main()
