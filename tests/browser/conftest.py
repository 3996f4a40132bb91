"""Tests in Chromium: `make test-browser` finds or installs it; `make test` leaves them out.

Where it is, is read here, once: before each test the environment is emptied of names like its.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.browser.world import World

CHROMIUM = os.environ.get("TRAMITE_TEST_BROWSER", "")

collect_ignore_glob = [] if CHROMIUM else ["test_*.py"]

_FAILED = pytest.StashKey[bool]()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Not run is not passed: say so."""
    if not CHROMIUM:
        terminalreporter.write_line("tests/browser was left out: it needs Chromium, which `make test-browser` finds.")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Remember whether the test itself failed: then its traces are kept."""
    report = yield
    if call.when == "call":
        item.stash[_FAILED] = report.failed  # type: ignore[attr-defined]
    return report


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """One browser for all tests; each has contexts of its own."""
    assert CHROMIUM, "run it with `make test-browser`, which finds Chromium"
    options = ["--disable-dev-shm-usage", *(["--no-sandbox"] if os.getuid() == 0 else [])]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=options)
        yield browser
        browser.close()


@pytest.fixture
def world(chromium: Browser, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[World]:
    """A simulated provider, the real server before it, and browsers before that. What was wrong with any is told."""
    with World(chromium, tmp_path) as made:
        yield made
        if request.node.stash.get(_FAILED, False):
            made.keep_evidence(tmp_path / "evidence")
        else:
            made.check()
