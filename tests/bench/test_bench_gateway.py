"""`make bench-gateway` on tiny counts, without nginx and wrk: that it reads, counts and writes what there is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from xml.etree import ElementTree

import pytest

from bench import processes
from bench.gateway import measures, plot, relays
from bench.gateway.page import page
from bench.gateway.processes import free_port
from bench.gateway.readers import Found
from bench.gateway.relays import Place
from bench.gateway.results import TARGETS, Latency, Results, Spent, Start
from bench.gateway.soaking import Sample, growth
from bench.gateway.upstream import Upstream, pacing

STEADY = [Sample(n * 1000, n * 100, 60_000_000 + (n % 2) * 4096) for n in range(20)]


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """The static server in nginx's stead: it answers every path, and streams too."""
    paced = free_port()
    with ExitStack() as stack:
        environment = stack.enter_context(processes.clean_place())
        static = stack.enter_context(processes.server(environment, 0.01)).removeprefix("http://")
        stack.enter_context(pacing(paced, tmp_path))
        yield Place(tmp_path, Upstream(static, f"127.0.0.1:{paced}"))


@pytest.mark.parametrize("starter", [None, relays.prototype, relays.OURS[-1]])
def test_readers_get_every_piece_in_time_or_leave_when_they_are_told_to(
    place: Place, starter: relays.Starter | None
) -> None:
    with ExitStack() as stack:
        relay = stack.enter_context(starter(place)) if starter else relays.direct(place)
        found = measures.read(place, relay, 5, 4, 6)
        assert (found.whole, found.pieces, found.lost_pieces, found.wrong) == (4, 24, 0, 0), found.example
        assert 0 <= found.p50_ms <= found.p999_ms <= found.worst_ms < 5000
        left = measures.read(place, relay, 5, 4, 50, leave_after=2)
        assert (left.left, left.whole, left.wrong) == (4, 0, 0), left.example
        if relay.tree:
            assert relay.tree.alive
            assert relay.tree.cpu_s() > 0
            assert relay.tree.resident_bytes() > 10_000_000
    assert relay.tree is None or not relay.tree.alive


def test_memory_that_stays_has_no_slope_and_memory_that_grows_has_its_own() -> None:
    slope, error = growth(STEADY)
    assert abs(slope) <= 2 * error
    leaking = [one._replace(resident_bytes=one.resident_bytes + one.requests * 100) for one in STEADY]
    slope, error = growth(leaking)
    assert slope == pytest.approx(1e5 * 100 / 1.1, rel=0.05)
    assert slope > 2 * error


def test_the_page_names_every_target_also_where_nothing_was_measured() -> None:
    text = page(Results(), "nothing")
    assert all(f"| {target.what} | not measured" in text for target in TARGETS)


def test_the_page_holds_each_round_against_nginx_in_the_same_turn() -> None:
    ours, governed, budgeted = "tramite: nothing on", "tramite: key, limits", "tramite: key, limits, budget"
    costs = {"nginx": 10.0, "prototype": 20.0, ours: 40.0, governed: 50.0, budgeted: 70.0, "LiteLLM 1": 4000.0}
    spent = {name: [Spent(cost, 1000), Spent(cost * 3, 500)] for name, cost in costs.items()}
    found = Found(whole=9, pieces=90, worst_ms=9)
    results = Results(
        wholes=spent,
        streams=spent,
        frames=spent,
        latencies={"direct": [Latency(1, 2)], governed: [Latency(2, 4)]},
        late={"direct": [found], governed: [found]},
        crowds={governed: [(found, 90_000_000)]},
        starts={governed: [Start(governed, 0.5, 60_000_000)]},
        soak={budgeted: STEADY, "prototype": STEADY},
        failures={"Portkey 1: frames": "it refused"},
    )
    text = page(results, "twice")
    assert (
        "| chat, key and limits: at most 6 × nginx | 5.0 × (prototype: 2.0 ×; ours is 2.50 × that) | reached |" in text
    )
    assert "| chat, key and limits: at most 1/35 of LiteLLM | 1/80.0 | reached |" in text
    assert "| added latency at p99, one connection: under 3 ms | 2.00 ms | reached |" in text
    assert "- Portkey 1: frames: it refused" in text
    assert text.count("**missed**") == 1  # 5 times nginx for a frame


def test_pictures_are_drawings_that_name_what_they_show() -> None:
    memory = plot.lines("Memory", "requests", "MB", {"resident": [(one.requests, 60.0) for one in STEADY]})
    costs = plot.bars("CPU", {"nginx": 10.0, "tramite & co": 40.0}, "µs")
    for drawing, words in ((memory, ("Memory", "requests", "MB", "resident")), (costs, ("nginx", "tramite & co"))):
        said = [element.text or "" for element in ElementTree.fromstring(drawing).iter()]
        assert all(any(word in text for text in said) for word in words)
