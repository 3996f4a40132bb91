"""Results as a page of Markdown: every figure in it comes from a run. Measures nothing."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from . import bodies, targets
from .results import MODES, TARGETS, Mode, Results

INTRO = """# What the client costs

Written by `make bench-client`; not to be edited. CPU is the user and system time of the measuring process, which holds
one library and does nothing else; a server of fixed answers runs in a process of its own. The libraries take turns,
round by round. Figures are medians, with the least and the most in brackets. Absolute times belong to the machine;
ratios hold elsewhere. `by hand` is aiohttp with msgspec and no checks at all: the floor, not a competitor.
"""


def page(results: Results, how: str) -> str:
    """The whole page."""
    sections = [
        INTRO,
        f"{machine()}\n\n{how} Versions: {_releases(results)}.\n",
        "## Targets\n",
        table(("target", "measured", ""), targets.rows(TARGETS, results)),
        "## CPU of one operation\n",
        _modes(results, "cpu_s"),
        f"A stream is {bodies.FRAMES} frames in one write, so a frame costs:\n",
        _frames(results),
        "## Wall time of one operation\n\nThe server's time is in it; many at once share it out.\n",
        _modes(results, "wall_s"),
        "## From a cold interpreter\n",
        _cold(results),
        "## A crowd of paced streams from one client\n",
        _crowd(results),
        "## From the reader's leaving to the server's seeing it\n",
        _latencies(results),
    ]
    return "\n".join(sections)


def _releases(results: Results) -> str:
    return ", ".join(f"{name} {release}" for name, release in results.releases.items())


def machine() -> str:
    """What this ran on, and when."""
    info = Path("/proc/cpuinfo")
    found = re.search(r"^model name\s*:\s*(.+)$", info.read_text(), re.MULTILINE) if info.exists() else None
    model = found[1] if found else platform.processor() or platform.machine()
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return f"{datetime.now(UTC):%Y-%m-%d}, {model}, {os.cpu_count()} cores, {platform.system()}, {python}."


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; the first column is words, the others are figures."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines) + "\n"


def spread(values: Sequence[float], unit: str, form: str = ",.0f") -> str:
    """The median, and between what the values lie."""
    low, middle, high = (format(value, form) for value in (min(values), median(values), max(values)))
    return f"{middle} {unit} ({low}–{high})"


def _modes(results: Results, kind: str) -> str:
    libraries = list(results.releases)

    def cell(mode: Mode, library: str) -> str:
        if library not in results.rounds[mode]:
            return "–"
        said = spread(results.micros(mode, library, kind), "µs")
        return said if library == "tramite" else f"{said} = {results.times(mode, library, kind):.1f} ×"

    measured = [mode for mode in MODES if mode in results.rounds]
    return table(("", *libraries), [(mode.title, *(cell(mode, library) for library in libraries)) for mode in measured])


def _frames(results: Results) -> str:
    measured = [mode for mode in MODES if mode.what == "stream" and mode in results.rounds]
    rows = [
        (
            mode.title,
            *(
                f"{median(results.micros(mode, name)) / bodies.FRAMES:.1f} µs" if name in results.rounds[mode] else "–"
                for name in results.releases
            ),
        )
        for mode in measured
    ]
    return table(("CPU of one frame", *results.releases), rows)


def _cold(results: Results) -> str:
    rows = []
    for what, found in (
        ("import {}", results.imports_s),
        ("{}: start, import, client, first reply", results.first_replies_s),
    ):
        for name, seconds in found.items():
            times = median(seconds) / median(found["tramite"])
            rows.append((what.format(name), spread([one * 1000 for one in seconds], "ms"), f"{times:.1f} ×"))
    return table(("", "wall time", "of tramite's"), rows)


def _crowd(results: Results) -> str:
    def megabytes(value: float | None) -> str:
        return "unknown" if value is None else f"{value / 1e6:.0f} MB"

    rows = [
        (
            name,
            f"{found['count']:,.0f}",
            f"{found['errors']:.0f}",
            f"{found['cpu_s'] / found['count'] / found['frames'] * 1e6:.0f} µs",
            f"{found['wall_s']:.1f} s (paced: {found['paced_s']:.1f} s)",
            f"{megabytes(found['peak'])} (one stream: {megabytes(found['alone'])})",
        )
        for name, found in results.crowds.items()
    ]
    return table(("", "streams", "errors", "CPU of a frame", "wall time", "peak of resident memory"), rows)


def _latencies(results: Results) -> str:
    def row(name: str, values: Sequence[float | None]) -> tuple[str, str]:
        seen = [value for value in values if value is not None]
        unseen = f"; never seen: {len(values) - len(seen)}" if len(seen) < len(values) else ""
        return name, (spread(seen, "ms", ".1f") if seen else "") + unseen

    return table(("way to leave", "latency"), [row(*one) for one in results.latencies_ms.items()])
