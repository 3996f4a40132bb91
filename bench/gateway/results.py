"""What was measured, and what it is held against. Knows no process and no page."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import NamedTuple

from bench.targets import Target

from .readers import Found
from .soaking import Sample, growth

NGINX, PROTOTYPE = "nginx", "prototype"
NOTHING_ON, GOVERNED, BUDGETED = "tramite: nothing on", "tramite: key, limits", "tramite: key, limits, budget"
LITELLM, PORTKEY = "LiteLLM", "Portkey"
DIRECT = "direct"


class Spent(NamedTuple):
    """One round of one relay: CPU of a request or a frame, and how many of them a second went through."""

    cpu_us: float
    per_s: float


class Latency(NamedTuple):
    """Of one request at a time."""

    p50_ms: float
    p99_ms: float


class Start(NamedTuple):
    """Of a relay: until it answers, and what it then has resident while nobody asks."""

    name: str
    ready_s: float
    resident_bytes: int


@dataclass
class Results:
    """All of it, by relay; round by round where there are rounds."""

    wholes: dict[str, list[Spent]] = field(default_factory=dict)
    streams: dict[str, list[Spent]] = field(default_factory=dict)
    """203 frames at once: of a stream."""
    frames: dict[str, list[Spent]] = field(default_factory=dict)
    """64 streams, a frame every 5 ms: of a frame."""
    latencies: dict[str, list[Latency]] = field(default_factory=dict)
    late: dict[str, list[Found]] = field(default_factory=dict)
    """200 streams, a frame every 20 ms."""
    crowds: dict[str, list[tuple[Found, int]]] = field(default_factory=dict)
    """1,000 open streams: what was read, and the most that was resident, in bytes."""
    starts: dict[str, list[Start]] = field(default_factory=dict)
    soak: dict[str, list[Sample]] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    """What could not be measured, and why."""

    def times(self, found: Mapping[str, Sequence[Spent]], relay: str, other: str) -> float:
        """How many times as much CPU this relay takes as the other; each round beside the other's of the same turn."""
        pairs = zip(found[named(found, relay)], found[named(found, other)], strict=False)  # a peer has fewer rounds
        return median(own.cpu_us / others.cpu_us for own, others in pairs)


def named(found: Mapping[str, Sequence[Spent]], beginning: str) -> str:
    """The relay of this name, its release left out. Raises KeyError."""
    for name in found:
        if name == beginning or name.startswith(f"{beginning} "):
            return name
    raise KeyError(beginning)


def _at_most(part: str, relay: str, times: float) -> Callable[[Results], tuple[str, bool]]:
    def measure(results: Results) -> tuple[str, bool]:
        found = getattr(results, part)
        ours, floor = (results.times(found, one, NGINX) for one in (relay, PROTOTYPE))
        return f"{ours:.1f} × (prototype: {floor:.1f} ×; ours is {ours / floor:.2f} × that)", ours <= times

    return measure


def _less_than(part: str, peer: str, times: float) -> Callable[[Results], tuple[str, bool]]:
    def measure(results: Results) -> tuple[str, bool]:
        less = results.times(getattr(results, part), peer, GOVERNED)
        return f"1/{less:.1f}", less >= times

    return measure


def _added(results: Results) -> tuple[str, bool]:
    own, nothing = (median(one.p99_ms for one in results.latencies[name]) for name in (GOVERNED, DIRECT))
    return f"{own - nothing:.2f} ms", own - nothing < 3


def _clean(results: Results) -> tuple[str, bool]:
    rounds = results.late[GOVERNED]
    wrong = sum(one.wrong + one.lost_pieces for one in rounds)
    worst, alone = (max(one.worst_ms for one in results.late[name]) for name in (GOVERNED, DIRECT))
    return f"{wrong} wrong or lost; worst {worst:.1f} ms (direct: {alone:.1f} ms)", not wrong and worst <= 50


def _crowd(results: Results) -> tuple[str, bool]:
    found, resident = results.crowds[GOVERNED][0]
    said = f"{resident / 1e6:.0f} MB; {found.wrong + found.lost_pieces} wrong or lost"
    return said, resident < 150e6 and not found.wrong and not found.lost_pieces


def _ready(results: Results) -> tuple[str, bool]:
    seconds = median(one.ready_s for one in results.starts[GOVERNED])
    return f"{seconds:.2f} s", seconds <= 1.5


def _idle(results: Results) -> tuple[str, bool]:
    resident = median(one.resident_bytes for one in results.starts[GOVERNED])
    return f"{resident / 1e6:.0f} MB", resident < 90e6


def _soak(results: Results) -> tuple[str, bool]:
    slope, error = growth(results.soak[BUDGETED])
    said = f"{slope / 1e6:+.2f} ± {error / 1e6:.2f} MB per 100,000"
    if PROTOTYPE in results.soak:
        said += " (the prototype, which keeps nothing: {:+.2f} ± {:.2f})".format(
            *(by / 1e6 for by in growth(results.soak[PROTOTYPE]))
        )
    return said, slope <= 2 * error


TARGETS: Sequence[Target[Results]] = (
    Target("chat, key and limits: at most 6 × nginx", _at_most("wholes", GOVERNED, 6)),
    Target("chat, durable budget too: at most 8 × nginx", _at_most("wholes", BUDGETED, 8)),
    Target("chat, key and limits: at most 1/35 of LiteLLM", _less_than("wholes", LITELLM, 35)),
    Target("chat, key and limits: at most 1/3.5 of Portkey", _less_than("wholes", PORTKEY, 3.5)),
    Target("streamed frame, key and limits: at most 3 × nginx", _at_most("frames", GOVERNED, 3)),
    Target("streamed frame, key and limits: at most 1/40 of LiteLLM", _less_than("frames", LITELLM, 40)),
    Target("added latency at p99, one connection: under 3 ms", _added),
    Target("200 paced streams: no frame lost, none later than 50 ms", _clean),
    Target("1,000 open streams: under 150 MB resident", _crowd),
    Target("ready within 1.5 s", _ready),
    Target("resident while idle: under 90 MB", _idle),
    Target("no growth over 200,000 requests and 20,000 aborted streams", _soak),
)
