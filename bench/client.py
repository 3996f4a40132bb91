"""`make bench-client`: what a call and a stream cost, beside the other client libraries, in one run.

`--with litellm=/path/to/python` measures a library that another interpreter has (repeat it for more). `--quick` only
tries everything once.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from . import cold, processes, subjects
from .report import page
from .results import MODES, Mode, Results
from .static_server import PACED_FRAMES

CROWD = ("tramite", "openai")


@dataclass(frozen=True)
class Effort:
    """How much is measured."""

    rounds: int = 9
    seconds: float = 0.25
    """Of each round, for each library and mode."""
    starts: int = 7
    crowd: int = 1000
    pace_s: float = 0.25
    leavings: int = 20
    modes: Sequence[Mode] = MODES

    def __str__(self) -> str:
        return (
            f"{self.rounds} rounds of {self.seconds:g} s, {self.starts} starts of an interpreter, "
            f"{self.leavings} leavings of each kind."
        )


QUICK = Effort(rounds=1, seconds=0.01, starts=1, crowd=20, pace_s=0.01, leavings=1)


@dataclass(frozen=True)
class Bench:
    """One run: `pythons` is the interpreter of each library, `url` the server's, `place` the children's environment."""

    effort: Effort
    pythons: Mapping[str, str]
    url: str
    place: Mapping[str, str]
    results: Results = field(default_factory=Results)

    def modes(self) -> None:
        """CPU and wall time of every library in every mode, rounds alternating."""
        for mode in self.effort.modes:
            tell(mode.title)
            with ExitStack() as stack:
                workers = {
                    library: stack.enter_context(
                        processes.worker(self.pythons[library], self._what(library, mode), self.place)
                    )
                    for library in self.pythons
                    if subjects.has(library, mode.face)
                }
                self.results.releases |= {library: worker.release for library, worker in workers.items()}
                found = self.results.rounds[mode] = {library: [] for library in workers}
                for _ in range(self.effort.rounds):
                    for library, worker in workers.items():
                        found[library].append(worker.measure(self.effort.seconds))

    def _what(self, library: str, mode: Mode) -> Sequence[str]:
        return library, mode.face, mode.what, str(mode.at_once), f"{self.url}/v1"

    def cold(self) -> None:
        """Imports and first replies, alternating; the first round only fills the system's caches."""
        tell("imports and first replies of cold interpreters")
        imports = [name for name in cold.IMPORTS if name.partition(",")[0] in self.pythons]
        replies = [name for name in cold.FIRST_REPLIES if name in self.pythons]
        for number in range(self.effort.starts + 1):
            for name in imports:
                seconds = cold.import_s(name, self.pythons[name.partition(",")[0]], self.place)
                _note(self.results.imports_s, name, seconds, number)
            for name in replies:
                seconds = cold.first_reply_s(name, self.pythons[name], self.place, self.url)
                _note(self.results.first_replies_s, name, seconds, number)

    def crowd(self) -> None:
        """Many paced streams at once."""
        for library in CROWD:
            if library in self.pythons:
                tell(f"{self.effort.crowd} streams at once: {library}")
                command = [self.pythons[library], "-m", "bench.crowd", library, str(self.effort.crowd), self.url]
                found = json.loads(processes.output_of(command, self.place))
                paced_s = self.effort.pace_s * (PACED_FRAMES - 1)
                self.results.crowds[library] = {**found, "frames": PACED_FRAMES, "paced_s": paced_s}

    def leaving(self) -> None:
        """How soon the server sees that a reader has gone."""
        tell("leaving")
        command = [sys.executable, "-m", "bench.leaving", str(self.effort.leavings), self.url]
        self.results.latencies_ms |= json.loads(processes.output_of(command, self.place))


def _note(seconds: dict[str, list[float]], name: str, value: float, number: int) -> None:
    if number:
        seconds.setdefault(name, []).append(value)


def tell(what: str) -> None:
    """Progress."""
    print(what, file=sys.stderr, flush=True)


def run(effort: Effort, pythons: Mapping[str, str]) -> str:
    """All of it; the page that says what was found."""
    with processes.clean_place() as place, processes.server(place, effort.pace_s) as url:
        bench = Bench(effort, pythons, url, place)
        for part in (bench.modes, bench.cold, bench.crowd, bench.leaving):
            part()
    return page(bench.results, str(effort))


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.client", description=__doc__)
    parser.add_argument("--with", action="append", default=[], dest="others", metavar="LIBRARY=PYTHON")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--rounds", type=int, default=Effort.rounds)
    parser.add_argument("--seconds", type=float, default=Effort.seconds, help="of each round (default: %(default)s)")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("RESULTS.md"))
    options = parser.parse_args(arguments)
    effort = QUICK if options.quick else Effort(rounds=options.rounds, seconds=options.seconds)
    text = run(effort, processes.pythons(options.others))
    if options.quick:
        print(text)
    else:
        options.out.write_text(text)
        tell(f"written: {options.out}")


if __name__ == "__main__":
    main()
