"""`python -m bench.governing`: what limits, ledger and budgets add to a call, each beside the same call without them.

Writes bench/PIPELINE.md. The transport gives its answer at once, in this process, so that what is measured is ours; the
variants take turns, round by round, and CPU is that of the whole process, the store's thread included.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import random
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from typing import NamedTuple

from tramite import AsyncClient, config, system, user
from tramite.wire.seam import Request

from . import bodies, subjects
from .report import machine

HEAD = """# What limits, ledger and budgets add to a call

Written by `make bench-pipeline`; not to be edited. The answer comes without a network, so that all of a call's CPU is
ours; medians, with the least and the most in brackets. The variants take turns. 32 calls that are answered at once wait
for each other's CPU: how late one is because of a hold is seen where answers take their time.
"""
FILE = Path(__file__).parent / "PIPELINE.md"
MODEL = f"openai/{bodies.MODEL}"
MESSAGES = [system(subjects.SYSTEM), user(subjects.USER)]
LIMITS = f'[limits."{MODEL}"]\nrequests_per_minute = 100000000\ntokens_per_minute = 100000000000\nconcurrency = 1000\n'
STORE = '[store]\nurl = "sqlite:///{folder}/ledger.sqlite"\n'
BUDGET = '[budgets.global]\nlimit = "900000000/total"\n'
OFF = '[state]\nurl = "off"\n'
VARIANTS = {
    "nothing": OFF,
    "nothing configured (learns)": "",
    "limits": LIMITS,
    "limits, ledger": LIMITS + STORE,
    "limits, ledger, budget": LIMITS + STORE + BUDGET,
    "limits in files": LIMITS + '[state]\nurl = "file"\n',
}
"""What each has switched on; the first is what the others are held against."""


class Canned:
    """A transport whose answer is here already, with the headers that OpenAI sends."""

    status = 200

    def __init__(self, latency_s: float) -> None:
        self._latency_s = latency_s
        self._chance = random.Random(1)
        self._chat = bodies.chat()
        self.headers = {
            "content-type": "application/json",
            "x-request-id": "req_1",
            "x-ratelimit-limit-requests": "10000000",
            "x-ratelimit-limit-tokens": "2000000000",
            "x-ratelimit-remaining-requests": "9999999",
            "x-ratelimit-remaining-tokens": "1999999000",
            "x-ratelimit-reset-requests": "1ms",
            "x-ratelimit-reset-tokens": "1ms",
        }

    async def send(self, request: Request) -> Canned:
        await asyncio.sleep(self._latency_s * self._chance.uniform(0.5, 1.5))
        return self

    def __aiter__(self) -> Canned:
        return self

    async def __anext__(self) -> bytes:
        raise StopAsyncIteration

    def rest(self) -> bytes:
        return self._chat

    async def read(self) -> bytes:
        return self._chat

    def close(self) -> None:
        """Nothing is open."""

    async def aclose(self) -> None:
        """Nothing is open."""


class Variant:
    """One client with its own configuration, and what its calls took."""

    def __init__(self, more: str, own: Path, latency_s: float) -> None:
        own.mkdir(parents=True)
        file = own / "tramite.toml"
        file.write_text(more.format(folder=own))
        environ = {"OPENAI_API_KEY": subjects.KEY, "TRAMITE_HOME": str(own)}
        self.client = AsyncClient(config.load(file, environ), transport=Canned(latency_s))
        self.cpu_us: list[float] = []
        self.latencies_ms: list[float] = []

    async def round(self, calls: int, at_once: int) -> None:
        """So many calls; CPU a call, and how long each took."""
        gc.collect()
        began = time.process_time()
        await asyncio.gather(*[self._some(calls // at_once) for _ in range(at_once)])
        if (ledger := self.client._core.governor.ledger) is not None:
            await ledger.store.flush()
        self.cpu_us.append((time.process_time() - began) / (calls // at_once * at_once) * 1e6)

    async def _some(self, calls: int) -> None:
        for _ in range(calls):
            began = time.perf_counter()
            await self.client.chat(MESSAGES, model=MODEL, temperature=0.7, max_tokens=60)
            self.latencies_ms.append((time.perf_counter() - began) * 1e3)


class Load(NamedTuple):
    """How calls come: so many at once, to a provider that takes so long."""

    title: str
    at_once: int
    latency_s: float


LOADS = (
    Load("One after another", 1, 0),
    Load("32 at once, as fast as they go", 32, 0),
    Load("32 at once, each answered after 25 to 75 ms", 32, 0.05),
)


async def measured(folder: Path, rounds: int, calls: int, load: Load) -> dict[str, Variant]:
    """All variants, turn by turn."""
    at_once = load.at_once
    variants = {name: Variant(more, folder / str(n), load.latency_s) for n, (name, more) in enumerate(VARIANTS.items())}
    for variant in variants.values():
        await variant.round(at_once * 4, at_once)
        variant.cpu_us.clear()
        variant.latencies_ms.clear()
    for _ in range(rounds):
        for variant in variants.values():
            await variant.round(calls, at_once)
    for variant in variants.values():
        await variant.client.aclose()
    return variants


def table(variants: dict[str, Variant]) -> list[str]:
    """A row for each: CPU a call, what is added, and how late the hundredth call is."""
    base, *_ = variants.values()
    rows = ["| switched on | CPU of a call | added | p99 of a call | added |", "| --- | ---: | ---: | ---: | ---: |"]
    for name, variant in variants.items():
        cpu, p99 = median(variant.cpu_us), _p99(variant)
        # each round beside the one of the same turn: what the machine does meanwhile is in both
        added = median(own - off for own, off in zip(variant.cpu_us, base.cpu_us, strict=True))
        low, high = min(variant.cpu_us), max(variant.cpu_us)
        late = f"{p99:.2f} ms | {p99 - _p99(base):.2f} ms"
        rows.append(f"| {name} | {cpu:.0f} µs ({low:.0f}–{high:.0f}) | {added:.0f} µs | {late} |")
    return rows


def _p99(variant: Variant) -> float:
    return quantiles(variant.latencies_ms, n=100)[98]


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.governing", description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--calls", type=int, default=1600, help="in a round (default: %(default)s)")
    options = parser.parse_args(arguments)
    lines = [HEAD, machine()]
    with TemporaryDirectory() as folder:
        for number, load in enumerate(LOADS):
            variants = asyncio.run(measured(Path(folder) / str(number), options.rounds, options.calls, load))
            lines += ["", f"## {load.title}", "", *table(variants)]
    page = "\n".join([*lines, ""])
    print(page)
    FILE.write_text(page)


if __name__ == "__main__":
    main()
