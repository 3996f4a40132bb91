"""Measures all, one after another, and writes WORKBENCH.md."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median

from bench.report import machine, table

from . import browsing, measures
from .measures import Crowd

PAGE = Path(__file__).parents[1] / "WORKBENCH.md"
INTRO = """# What somebody waits for in the workbench

Written by `make bench-workbench`; not to be edited. `tramite ui` runs as a program of its own, before a provider that
notes when it sent each token and when its client left; Chromium runs beside them, headless, on the same cores, and a
MutationObserver in the page notes when it sees what. The first token is sent a tenth of a second after the question,
while the page is still being drawn anew. Others than the two in Chromium are sessions without a browser: they speak
Streamlit's own protocol over its socket, and note when a token arrives there.
"""


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(prog="bench.workbench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=10, help="of starts, stops and interactions")
    given = parser.parse_args()
    load = os.getloadavg()[0]
    with browsing.chromium() as browser:
        well, usable, cold = measures.starts(browser, given.rounds)
        print("starts", well, usable, flush=True)
        shown = measures.tokens(browser)
        print("tokens", max(shown), flush=True)
        first, middle = (measures.stops(browser, given.rounds, before) for before in (True, False))
        print("stops", max(first), max(middle), flush=True)
        long = measures.long_conversation(1000, given.rounds)
        print("1,000 messages", max(long), flush=True)
        crowd = measures.crowd(browser, 2, 8)
    PAGE.write_text(page(load, (well, usable, [cold], shown, first, middle, long), crowd))
    print(PAGE.read_text())


def page(load: float, measured: Sequence[list[float]], crowd: Crowd) -> str:
    """All of it."""
    well, usable, cold, shown, first, middle, long = measured
    rows = [
        row("usable within 3 s of `tramite ui`", usable, 3.0, median),
        row("a token on screen within 250 ms", shown, 0.25, max),
        row("1,000 messages: an interaction under 300 ms on the server", long, 0.3, median),
        (
            "ten sessions at once: no error, no word lost",
            *judged(not crowd.errors and not crowd.missing, faults(crowd)),
        ),
        row("ten sessions at once: a token shown within 1 s", crowd.late_s, 1.0, max),
        (
            "ten sessions at once: under 500 MB resident",
            *judged(crowd.most_mb < 500, f"{crowd.most_mb:.0f} MB; idle {crowd.idle_mb:.0f} MB"),
        ),
        row("a stop felt upstream within 250 ms, before the first token", first, 0.25, max),
        row("a stop felt upstream within 250 ms, in the middle", middle, 0.25, max),
    ]
    detail = [
        ("start to `/_stcore/health`", *spread(well)),
        ("start to a usable page, in a browser that was there before", *spread(usable)),
        ("start to a usable page, in a new browser", *spread(cold)),
        ("a token, one session", *spread(shown)),
        ("the same, from the sixth on", *spread(shown[5:])),
        ("a token, ten sessions, in Chromium", *spread(crowd.in_chromium_s)),
        ("a token, ten sessions, all", *spread(crowd.late_s)),
        ("an interaction, 1,000 messages", *spread(long)),
        ("a stop before the first token", *spread(first)),
        ("a stop in the middle", *spread(middle)),
    ]
    busy = f"Before it began, {load:.1f} other processes wanted to run, on average over a minute.\n"
    heads = ("ms", "median", "95 of 100", "most", "count")
    return "\n".join(
        [
            INTRO,
            f"{machine()} {busy}",
            "## Targets\n",
            table(("target", "measured", ""), rows),
            "## Times\n",
            table(heads, detail),
        ]
    )


def row(name: str, times: list[float], most_s: float, of: Callable[[list[float]], float]) -> tuple[str, str, str]:
    """A target of times."""
    found = of(times) if times else float("inf")
    said = f"{found * 1000:,.0f} ms ({'median' if of is median else 'worst'} of {len(times):,})"
    return (name, *judged(found <= most_s, said))


def judged(reached: bool, said: str) -> tuple[str, str]:
    """What was measured, and whether that is enough."""
    return said, "reached" if reached else "**missed**"


def faults(crowd: Crowd) -> str:
    """In words."""
    return f"{len(crowd.errors)} errors, {crowd.missing} words lost"


def spread(times: list[float]) -> tuple[str, ...]:
    """Milliseconds."""
    found = sorted(time * 1000 for time in times)
    if not found:
        return ("–", "–", "–", "0")
    high = found[min(len(found) - 1, int(len(found) * 0.95))]
    return tuple(f"{value:,.0f}" for value in (median(found), high, found[-1], len(found)))


if __name__ == "__main__":
    main()
