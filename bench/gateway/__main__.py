"""`make bench-gateway`: what the gateway costs, beside nginx, a bare relay and other gateways, in one run.

It needs nginx and wrk (as root on Debian it installs them) and Linux. `--peers` installs LiteLLM and Portkey in the
user's cache when they are not there; where they are, they are measured. `--quick` only tries everything once.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from bench.processes import allow_many_files

from . import page, peers, plot
from .relays import Place
from .results import Results
from .run import QUICK, Bench, Effort, tell
from .upstream import upstream

ROOT = Path(__file__).parents[2]
FILE, IMAGES = ROOT / "bench/GATEWAY.md", ROOT / "docs/images"


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.gateway", description=__doc__)
    parser.add_argument("--peers", action="store_true", help="install LiteLLM and Portkey where they are missing")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--rounds", type=int, default=Effort.rounds)
    parser.add_argument("--only", choices=("costs", "lateness", "starts", "soak"), help="print one part, write nothing")
    options = parser.parse_args(arguments)
    if options.peers:
        peers.install()
    allow_many_files()
    effort = QUICK if options.quick else Effort(rounds=options.rounds)
    with TemporaryDirectory() as folder, upstream(Path(folder)) as providers:
        bench = Bench(effort, Place(Path(folder), providers), peers.installed())
        getattr(bench, options.only or "all")()
    text = page.page(bench.results, str(effort))
    if options.quick or options.only:
        print(text)
    else:
        FILE.write_text(text)
        draw(bench.results, IMAGES)
        tell(f"written: {FILE}")


def draw(results: Results, folder: Path) -> None:
    """The page's pictures."""
    folder.mkdir(exist_ok=True)
    costs = {name: median(one.cpu_us for one in rounds) for name, rounds in results.wholes.items()}
    if costs:
        (folder / page.COSTS).write_text(plot.bars("CPU of a chat request", costs, "µs"))
    if results.soak:
        resident = {
            name: [((one.requests + one.aborted), one.resident_bytes / 1e6) for one in samples]
            for name, samples in results.soak.items()
        }
        drawn = plot.lines("Resident memory", "requests and aborted streams", "MB", resident)
        (folder / page.SOAK).write_text(drawn)


if __name__ == "__main__":
    main()
