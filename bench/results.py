"""What was measured, and what it is measured against. Knows no process and no file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from . import bodies
from .targets import Target

Round = dict[str, float]


@dataclass(frozen=True)
class Mode:
    """A way to use a library."""

    face: str
    what: str
    at_once: int

    @property
    def title(self) -> str:
        """For a table."""
        what = {
            "call": "call",
            "stream": f"stream of {bodies.FRAMES} frames",
            "embed": f"embedding of {bodies.VECTORS} texts",
        }
        return (
            f"{self.face}, {what[self.what]}, {'one after another' if self.at_once == 1 else f'{self.at_once} at once'}"
        )


MODES = tuple(
    Mode(face, what, at_once)
    for face in ("async", "sync")
    for what in ("call", "stream", "embed")
    for at_once in (1, 32)
    if (what, at_once) != ("embed", 32)
)


@dataclass
class Results:
    """All of it. Rounds by mode and library; seconds, bytes and milliseconds as the names say."""

    releases: dict[str, str] = field(default_factory=dict)
    rounds: dict[Mode, dict[str, list[Round]]] = field(default_factory=dict)
    imports_s: dict[str, list[float]] = field(default_factory=dict)
    first_replies_s: dict[str, list[float]] = field(default_factory=dict)
    crowds: dict[str, dict[str, Any]] = field(default_factory=dict)
    latencies_ms: dict[str, list[float | None]] = field(default_factory=dict)

    def micros(self, mode: Mode, library: str, kind: str = "cpu_s") -> list[float]:
        """Microseconds for one operation, round by round."""
        return [one[kind] / one["count"] * 1e6 for one in self.rounds[mode][library]]

    def times(self, mode: Mode, library: str, kind: str = "cpu_s") -> float:
        """How many times as much as ours, at the medians."""
        return median(self.micros(mode, library, kind)) / median(self.micros(mode, "tramite", kind))


def _times_less(mode: Mode, wanted: float) -> Target[Results]:
    def measure(results: Results) -> tuple[str, bool]:
        times = results.times(mode, "openai")
        floor = results.rounds[mode].get("by hand")
        best = f" (by hand: {times / results.times(mode, 'by hand'):.1f})" if floor else ""
        return f"{times:.1f} times{best}", times >= wanted

    return Target(f"{mode.title}: at least {wanted:g} times less CPU than openai", measure)


def _sync_call(results: Results) -> tuple[str, bool]:
    micros = median(results.micros(Mode("sync", "call", 1), "tramite"))
    return f"{micros:,.0f} µs", micros <= 1000


def _import_ratio(results: Results) -> tuple[str, bool]:
    ratio = median(results.imports_s["openai"]) / median(results.imports_s["tramite"])
    return f"1/{ratio:.0f}", ratio >= 12


def _import_s(results: Results) -> tuple[str, bool]:
    seconds = median(results.imports_s["tramite"])
    return f"{seconds * 1000:.0f} ms", seconds < 0.15


def _first_reply(results: Results) -> tuple[str, bool]:
    seconds = median(results.first_replies_s["tramite"])
    return f"{seconds:.2f} s", seconds < 0.6


def _crowd_errors(results: Results) -> tuple[str, bool]:
    found = results.crowds["tramite"]
    return f"{found['errors']:.0f} of {found['count']:,.0f}", found["errors"] == 0


def _crowd_memory(results: Results) -> tuple[str, bool]:
    peak = results.crowds["tramite"]["peak"]
    if peak is None:
        raise KeyError("/proc")
    return f"{peak / 1e6:.0f} MB", peak < 200e6


def _leaving(results: Results) -> tuple[str, bool]:
    seen = [value for values in results.latencies_ms.values() for value in values]
    if not seen:
        raise KeyError("leaving")
    worst = max(float("inf") if value is None else value for value in seen)
    return f"{worst:.1f} ms at worst", worst <= 100


TARGETS: Sequence[Target[Results]] = (
    _times_less(Mode("async", "call", 32), 10),
    _times_less(Mode("async", "call", 1), 10),
    _times_less(Mode("async", "stream", 32), 30),
    _times_less(Mode("async", "stream", 1), 30),
    Target(f"{Mode('sync', 'call', 1).title}: at most 1 ms of CPU", _sync_call),
    _times_less(Mode("sync", "stream", 1), 5),
    Target("`import tramite`: at most 1/12 of `import openai`", _import_ratio),
    Target("`import tramite`: under 150 ms", _import_s),
    Target("First reply of a cold interpreter, its start included: under 0.6 s", _first_reply),
    Target("1,000 streams at once from one client: no errors", _crowd_errors),
    Target("1,000 streams at once: peak of resident memory under 200 MB", _crowd_memory),
    Target("The reader leaves, however: the server sees it within 100 ms", _leaving),
)
