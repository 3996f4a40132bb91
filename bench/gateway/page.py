"""What was found, as a page of Markdown: every figure in it comes from a run. Measures nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from statistics import median
from typing import TypeVar

from bench import bodies, targets
from bench.report import machine, spread, table

from .results import NGINX, TARGETS, Results, Spent
from .soaking import growth

T = TypeVar("T")

INTRO = f"""# What the gateway costs

Written by `make bench-gateway`; not to be edited. One process of each relay stands before the same providers: an nginx
with a chat completion of {len(bodies.chat())} bytes and a stream of {bodies.FRAMES} frames, and a server of paced
streams. wrk asks on 32 connections; CPU is the relay's own user and system time from the kernel. The relays take turns,
round by round; figures are medians, with the least and the most in brackets, and ratios are taken within a round.

`nginx` is `proxy_pass` as it is by default, with a connection to the provider for each request; with the provider's
connections kept alive it is the limit of what any relay can do. `prototype` is raw ASGI on uvicorn with aiohttp and
nothing else: the floor of ours. All of ours write the ledger and count metrics; "key, limits" checks a key with its
limits and its provider's limits, counted in memory (`state.url`), which is enough for one worker, or in files, which
several share. Other gateways have nothing on.
"""
LATENESS = """## Lateness of frames

200 streams, a frame every 20 ms in each. Late is what comes after the moment at which the provider was to send it:
provider and reader are in it, so `direct` is what the machine itself does.
"""
SOAKED = """## Soak

Requests, and streams that their reader leaves after a few frames, in turns, through one process. Growth is that of the
second half, with its standard error: pools and caches fill in the first.
"""
COSTS, SOAK = "gateway-cpu.svg", "gateway-soak.svg"


def page(results: Results, how: str, images: str = "../docs/images") -> str:
    """The whole page."""
    sections = [
        INTRO,
        f"{machine()} {how}\n",
        "## Targets\n",
        table(("target", "measured", ""), targets.rows(TARGETS, results)),
        "## CPU of a chat request\n",
        f"![CPU of a chat request]({images}/{COSTS})\n",
        _spent(results, results.wholes, "requests/s"),
        f"## CPU of a stream of {bodies.FRAMES} frames at once\n",
        _spent(results, results.streams, "streams/s"),
        "## CPU of a paced frame\n\n64 streams at once, a frame every 5 ms in each; their beginning is in it.\n",
        _spent(results, results.frames, "frames/s"),
        "## Latency of one request at a time\n",
        _latencies(results),
        LATENESS,
        _late(results),
        "## 1,000 open streams\n\nA frame every 250 ms in each; the most that is resident meanwhile.\n",
        _crowds(results),
        "## Start, and memory while idle\n",
        _starts(results),
        f"{SOAKED}\n![Resident memory]({images}/{SOAK})\n",
        _soak(results),
        *_failures(results),
    ]
    return "\n".join(sections)


def _spent(results: Results, found: Mapping[str, Sequence[Spent]], rate: str) -> str:
    def row(name: str, rounds: Sequence[Spent]) -> tuple[str, ...]:
        cpu = [one.cpu_us for one in rounds]
        form = ",.0f" if median(cpu) >= 100 else ".1f"
        times = f"{results.times(found, name, NGINX):.1f} ×" if NGINX in found else "–"
        return name, spread(cpu, "µs", form), times, f"{median(one.per_s for one in rounds):,.0f}"

    return table(("", "CPU", "of nginx's", rate), [row(*one) for one in found.items()])


def _latencies(results: Results) -> str:
    def row(name: str) -> tuple[str, ...]:
        rounds = results.latencies[name]
        p50, p99 = (_medians(rounds, value) for value in (lambda one: one.p50_ms, lambda one: one.p99_ms))
        alone = results.latencies.get("direct", rounds)
        added50, added99 = p50 - _medians(alone, lambda one: one.p50_ms), p99 - _medians(alone, lambda one: one.p99_ms)
        return name, *(f"{value:.2f} ms" for value in (p50, p99, added50, added99))

    return table(("", "p50", "p99", "added at p50", "added at p99"), [row(name) for name in results.latencies])


def _late(results: Results) -> str:
    rows = []
    for name, rounds in results.late.items():
        lost, wrong = sum(one.lost_pieces for one in rounds), sum(one.wrong for one in rounds)
        pieces = sum(one.pieces for one in rounds)
        late = (_medians(rounds, value) for value in (lambda one: one.p50_ms, lambda one: one.p999_ms))
        worst = max(one.worst_ms for one in rounds)
        rows.append((name, f"{pieces:,}", f"{lost + wrong}", *(f"{ms:.1f} ms" for ms in (*late, worst))))
    return table(("", "frames", "lost or wrong", "p50", "p99.9", "worst"), rows)


def _crowds(results: Results) -> str:
    rows = []
    for name, [(found, resident), *_] in results.crowds.items():
        late = (f"{ms:.1f} ms" for ms in (found.p50_ms, found.p999_ms, found.worst_ms))
        memory = f"{resident / 1e6:.0f} MB" if resident else "–"
        rows.append((name, f"{found.whole:,}", f"{found.wrong + found.lost_pieces}", *late, memory))
    return table(("", "whole streams", "lost or wrong", "p50 late", "p99.9", "worst", "resident"), rows)


def _starts(results: Results) -> str:
    rows = []
    for name, starts in results.starts.items():
        ready = spread([one.ready_s for one in starts], "s", ".2f")
        rows.append((name, ready, f"{_medians(starts, lambda one: one.resident_bytes) / 1e6:.0f} MB"))
    return table(("", "until it answers", "resident"), rows)


def _soak(results: Results) -> str:
    rows = []
    for name, samples in results.soak.items():
        last, (slope, error) = samples[-1], growth(samples)
        grown = f"{slope / 1e6:+.2f} MB (± {error / 1e6:.2f})"
        rows.append((name, f"{last.requests:,}", f"{last.aborted:,}", f"{last.resident_bytes / 1e6:.0f} MB", grown))
    return table(("", "requests", "aborted streams", "resident at the end", "growth per 100,000"), rows)


def _failures(results: Results) -> list[str]:
    if not results.failures:
        return []
    rows = [f"- {what}: {why}" for what, why in results.failures.items()]
    return ["## What could not be measured\n", "\n".join(rows) + "\n"]


def _medians(rounds: Sequence[T], value: Callable[[T], float]) -> float:
    return median(map(value, rounds))
