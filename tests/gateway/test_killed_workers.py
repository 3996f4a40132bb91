"""Workers that are killed while keys spend their budgets: what the provider charges stays within them."""

from __future__ import annotations

from pathlib import Path

from bench.chaos_gateway import run


def test_no_budget_is_passed_and_no_hold_outlives_its_lease(tmp_path: Path) -> None:
    assert "all hold" in run(tmp_path, kills=2, callers=64)
