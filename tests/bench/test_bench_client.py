"""`make bench-client` on tiny counts: that it runs and writes what it found. What it found is no test's business."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import client, cold, processes
from bench.client import QUICK, Bench, Effort
from bench.report import page
from bench.results import MODES, TARGETS, Mode, Results


def ours_alone() -> dict[str, str]:
    """Only our library: the others take seconds to import."""
    return {name: python for name, python in processes.pythons([]).items() if name == "tramite"}


def test_every_mode_is_measured_and_answers_what_the_server_said() -> None:
    with processes.clean_place() as place, processes.server(place, QUICK.pace_s) as url:
        bench = Bench(QUICK, ours_alone(), url, place)
        bench.modes()
    assert set(bench.results.rounds) == set(MODES)
    for found in bench.results.rounds.values():
        assert found["tramite"][0]["count"] >= 1


def test_the_openai_library_is_measured_beside_ours() -> None:
    effort = Effort(rounds=2, seconds=0.01, modes=[Mode("async", "stream", 2)])
    with processes.clean_place() as place, processes.server(place, QUICK.pace_s) as url:
        bench = Bench(effort, processes.pythons([]), url, place)
        bench.modes()
    found = bench.results.rounds[effort.modes[0]]
    assert {"tramite", "openai", "by hand"} <= set(found)
    assert all(len(rounds) == 2 for rounds in found.values())


def test_crowd_and_leaving_lose_no_stream_and_leave_none_open() -> None:
    with processes.clean_place() as place, processes.server(place, QUICK.pace_s) as url:
        bench = Bench(QUICK, ours_alone(), url, place)
        bench.crowd()
        bench.leaving()
    assert bench.results.crowds["tramite"]["errors"] == 0
    assert all(None not in seen for seen in bench.results.latencies_ms.values())


def test_a_cold_interpreter_gets_its_first_reply() -> None:
    with processes.clean_place() as place, processes.server(place, QUICK.pace_s) as url:
        bench = Bench(QUICK, ours_alone(), url, place)
        bench.cold()
    assert set(bench.results.imports_s) == {name for name in cold.IMPORTS if name.startswith("tramite")}
    assert len(bench.results.first_replies_s["tramite"]) == QUICK.starts


def test_the_page_names_every_target_also_where_nothing_was_measured() -> None:
    text = page(Results(), "nothing")
    assert all(f"| {target.what} | not measured" in text for target in TARGETS)


def test_the_page_compares_libraries_by_ratio() -> None:
    mode = Mode("async", "call", 1)
    rounds = {
        "tramite": [{"count": 10, "cpu_s": 0.001, "wall_s": 0.002}],
        "openai": [{"count": 1, "cpu_s": 0.002, "wall_s": 0.01}],
    }
    text = page(Results(releases={"tramite": "1", "openai": "2"}, rounds={mode: rounds}), "once")
    assert "| 100 µs (100–100) | 2,000 µs (2,000–2,000) = 20.0 × |" in text
    assert f"| {mode.title}: at least 10 times less CPU than openai | 20.0 times | reached |" in text


def test_an_interpreter_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="expected one of"):
        client.main(["--quick", "--with", f"litellm={tmp_path / 'none'}"])
