"""`python -m bench.store [URL]`: what it costs to hold money before a request, and to settle it after.

A pair is a hold in two budgets of three caps, on disk before the next step, and its settlement. CPU is that of this
whole process, the writer's thread included. Figures are medians of the rounds.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from msgspec import Struct
from msgspec.structs import replace

from tramite.config import Cap
from tramite.store import Allowance, Entry, Store, open_store, sqlite_url

from .worker import Span

MUCH = 10**15
BUDGETS = (
    Allowance("global", (Cap(MUCH, "month"),)),
    Allowance("alice", (Cap(MUCH, "day"), Cap(MUCH, "total"))),
)
PACED_PER_S = 1000


class Load(Struct, frozen=True):
    """So many callers at once: as fast as they can, or all together this often a second."""

    name: str
    callers: int
    per_s: float | None = None


LOADS = (
    Load("one caller", 1),
    Load("32 callers, as fast as they can", 32),
    Load(f"32 callers, {PACED_PER_S:,}/s together", 32, PACED_PER_S),
)


class Measured(Struct, frozen=True):
    """One round."""

    pairs_per_s: float
    cpu_us: float
    """For each pair."""
    p50_ms: float
    """From asking for a hold to having it."""
    p99_ms: float


async def measure(store: Store, load: Load, seconds: float) -> Measured:
    """One round of pairs."""
    waits_s: list[float] = []
    span, until = Span(), time.perf_counter() + seconds

    async def one_after_another(number: int) -> None:
        due = time.perf_counter() + (number / load.per_s if load.per_s else 0.0)
        while (now := time.perf_counter()) < until:
            if load.per_s and due > now:
                await asyncio.sleep(due - now)
            due += load.callers / load.per_s if load.per_s else 0.0
            waits_s.append(await _pair(store))

    await asyncio.gather(*(one_after_another(number) for number in range(load.callers)))
    await store.flush()
    took = span.over(len(waits_s))
    waits_s.sort()
    return Measured(
        pairs_per_s=took["count"] / took["wall_s"],
        cpu_us=took["cpu_s"] / took["count"] * 1e6,
        p50_ms=waits_s[len(waits_s) // 2] * 1e3,
        p99_ms=waits_s[len(waits_s) * 99 // 100] * 1e3,
    )


async def _pair(store: Store) -> float:
    entry = Entry(
        id=os.urandom(16).hex(),
        call_id=os.urandom(16).hex(),
        at_ns=time.time_ns(),
        key="alice",
        kind="chat",
        asked="fast",
        route="fast",
        provider="openai",
        model="gpt-4o-mini",
        dialect="openai",
    )
    began_s = time.perf_counter()
    await store.place(entry, 1_000_000, BUDGETS, lease_s=600)
    waited_s = time.perf_counter() - began_s
    store.settle(
        replace(entry, cost_nanousd=250_000, status=200, outcome="ok", input_tokens=120, output_tokens=60, total_s=0.8)
    )
    return waited_s


def run(url: str, rounds: int, seconds: float) -> str:
    """All loads, as a table."""
    lines = [f"{'':<34}{'pairs/s':>10}{'CPU µs/pair':>14}{'p50 ms':>9}{'p99 ms':>9}"]
    for load in LOADS:
        store = open_store(url)
        asyncio.run(measure(store, load, seconds / 4))
        found = [asyncio.run(measure(store, load, seconds)) for _ in range(rounds)]
        store.close()
        pairs, cpu, p50, p99 = (median(getattr(one, name) for one in found) for name in Measured.__struct_fields__)
        lines.append(f"{load.name:<34}{pairs:>10,.0f}{cpu:>14,.0f}{p50:>9.2f}{p99:>9.2f}")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.store", description=__doc__)
    parser.add_argument("url", nargs="?", help="the store's address (default: SQLite in a temporary folder)")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=2.0, help="of each round (default: %(default)s)")
    options = parser.parse_args(arguments)
    with TemporaryDirectory() as folder:
        url = options.url or sqlite_url(Path(folder) / "ledger.sqlite")
        print(run(url, options.rounds, options.seconds))


if __name__ == "__main__":
    main()
