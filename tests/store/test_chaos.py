"""Processes that spend together and are killed at random never pass a budget: the short run of bench/chaos.py."""

from __future__ import annotations

from pathlib import Path

from bench.chaos import run


def test_budgets_hold_while_processes_are_killed(url: str, tmp_path: Path) -> None:
    assert run(url, tmp_path, kills=6).endswith("all hold")
