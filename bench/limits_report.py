"""What `bench.limits` found, as a page of Markdown. Measures nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from .report import machine

if TYPE_CHECKING:
    from .limits import Case, Outcome

INTRO = """# How limits are kept

Written by `make bench-limits`; not to be edited. The simulator keeps the limits in fixed windows of its own: a minute's
requests in seconds too, tokens by the minute; a refused request counts. More wait to be sent than the limit lets go.
Counted is what comes after 5 s, in which a limit that was not told is learned. Requests for tokens ask for 60 to 710.
"""
LEAST, MOST = 0.98, 0.001


def page(found: Sequence[tuple[Case, Outcome]], costs: Mapping[str, float]) -> str:
    """The whole page."""
    sections = [
        INTRO,
        machine() + "\n",
        "## Used and refused\n\nTo be reached: at least 98 % used, less than 0.1 % refused.\n",
        table(("limit", "minutes", "used", "refused", "refused while learning", ""), [row(*each) for each in found]),
        "## What a request's way through the limiter costs\n\n`take_now`, `answered`, `settle`; the best round.\n",
        table(("limits", "time"), [(name, f"{seconds * 1e6:.1f} µs") for name, seconds in costs.items()]),
    ]
    return "\n".join(sections)


def row(case: Case, outcome: Outcome) -> Sequence[str]:
    """One case, and whether it is as it must be."""
    units = outcome.admitted if case.options.rpm else outcome.tokens
    used = units / outcome.seconds * 60 / case.permitted
    sent = outcome.admitted + outcome.refused
    refused = outcome.refused / sent if sent else 1.0
    return (
        case.title,
        f"{outcome.seconds / 60:g}",
        f"{used:.2%}",
        f"{refused:.3%} ({outcome.refused} of {sent:,})",
        str(outcome.refused_before),
        "reached" if used >= LEAST and refused < MOST else "**missed**",
    )


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table; the first column is text, the others are figures."""
    lines = ["| " + " | ".join(line) + " |" for line in (head, ["---", *["---:"] * (len(head) - 1)], *rows)]
    return "\n".join(lines) + "\n"
