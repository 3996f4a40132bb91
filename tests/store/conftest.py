"""Where the tests of the store keep it. Tests of other databases give another `url`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tramite.store import sqlite_url


@pytest.fixture
def url(tmp_path: Path) -> str:
    return sqlite_url(tmp_path / "ledger.sqlite")
