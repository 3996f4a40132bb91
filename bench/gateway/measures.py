"""What is measured of one relay, once. Knows nothing of rounds, and of no other relay."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec

from . import relays
from .load import posted
from .processes import Tree, output
from .readers import Found, Plan
from .relays import Place, Relay
from .results import Latency, Spent, Start
from .soaking import Sample

CONNECTIONS = 32


def requests(place: Place, relay: Relay, what: str, seconds: float) -> Spent:
    """CPU of a request, as fast as they are answered."""
    with cpu_s(relay) as used:
        load = posted(place.folder, relay.post(what), CONNECTIONS, seconds)
    return Spent(used[0] / load.requests * 1e6, load.requests / load.wall_s)


def frames(place: Place, relay: Relay, streams: int, pieces: int) -> Spent:
    """CPU of a frame of streams that are read all at once, a frame every 5 ms; the streams' beginning is in it."""
    with cpu_s(relay) as used:
        found = read(place, relay, 5, streams, pieces)
    if found.whole < streams:
        raise RuntimeError(f"{found.wrong} of {streams} streams went wrong: {found.example}")
    return Spent(used[0] / found.pieces * 1e6, found.pieces / found.wall_s)


def latency(place: Place, relay: Relay, seconds: float) -> Latency:
    """Of one request at a time, on one connection."""
    load = posted(place.folder, relay.post("whole"), 1, seconds)
    return Latency(load.p50_ms, load.p99_ms)


def lateness(place: Place, relay: Relay, streams: int, pieces: int) -> Found:
    """How late the frames of many streams come, one every 20 ms in each."""
    return read(place, relay, 20, streams, pieces, apart_s=0.02 / 7)


def crowd(place: Place, relay: Relay, streams: int, pieces: int) -> tuple[Found, int]:
    """Many open streams, a frame every 250 ms in each; and the most that the relay has resident meanwhile, in bytes."""
    with peak_bytes(relay) as peak:
        found = read(place, relay, 250, streams, pieces, apart_s=0.004)
    return found, peak[0]


def start(place: Place, starter: relays.Starter, idle_s: float) -> Start:
    """From its start to its first answer, and what is resident when nobody has asked for a while."""
    with starter(place) as relay:
        time.sleep(idle_s)
        return Start(relay.name, relay.ready_s, relay.tree.resident_bytes() if relay.tree else 0)


def soak(place: Place, relay: Relay, requests: int, aborted: int) -> Iterator[Sample]:
    """What is resident after each block of so many requests and aborted streams (at least: wrk counts seconds)."""
    done = left = 0
    while True:
        goal = done + requests
        while done < goal:
            done += posted(place.folder, relay.post("whole"), CONNECTIONS, 1).requests
        found = read(place, relay, 5, aborted, 64, leave_after=4)
        if found.left < aborted:
            raise RuntimeError(f"{found.wrong} of {aborted} streams went wrong: {found.example}")
        left += found.left
        yield Sample(done, left, relay.tree.resident_bytes() if relay.tree else 0)


def read(
    place: Place,
    relay: Relay,
    every_ms: int,
    streams: int,
    pieces: int,
    apart_s: float = 0.0,
    leave_after: int | None = None,
) -> Found:
    """Paced streams, read by a process of its own. Those that are left are read 64 at a time, others all at once."""
    post = relay.post("paced", f"every-{every_ms}ms-{pieces}")
    plan = Plan(
        url=post.url,
        body=post.body,
        headers=post.headers,
        count=streams,
        at_once=streams if leave_after is None else 64,
        apart_s=apart_s,
        leave_after=leave_after,
        pieces=pieces,
        most_s=120,
    )
    command = [sys.executable, "-m", "bench.gateway.readers", msgspec.json.encode(plan).decode()]
    return msgspec.json.decode(output(command, relays.environment(place.folder), place.folder), type=Found)


@contextmanager
def cpu_s(relay: Relay) -> Iterator[list[float]]:
    """Seconds of CPU that the relay uses meanwhile, in a list that is filled on leaving."""
    used: list[float] = []
    before = relay.tree.cpu_s() if relay.tree else 0.0
    yield used
    used.append((relay.tree.cpu_s() if relay.tree else 0.0) - before)


@contextmanager
def peak_bytes(relay: Relay) -> Iterator[list[int]]:
    """The most that the relay has resident meanwhile, in a list that is filled on leaving."""
    peak, over, seen = list[int](), threading.Event(), [0]

    def watch(tree: Tree) -> None:
        while not over.wait(0.1):
            seen.append(tree.resident_bytes())

    watcher = threading.Thread(target=watch, args=(relay.tree,)) if relay.tree else None
    if watcher:
        watcher.start()
    try:
        yield peak
    finally:
        over.set()
        if watcher:
            watcher.join()
        peak.append(max(seen))
