"""Tests with clients that others have written: `make test-clients` installs them; `make test` leaves them out."""

from __future__ import annotations

import os

import pytest

INSTALLED = bool(os.environ.get("TRAMITE_TEST_CLIENTS"))

collect_ignore_glob = [] if INSTALLED else ["test_*.py"]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Not run is not passed: say so."""
    if not INSTALLED:
        terminalreporter.write_line("tests/clients was left out: it needs clients, which `make test-clients` installs.")
