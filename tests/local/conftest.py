"""Tests with PyTorch: `make test-local` runs them in an environment of their own, and `make test` leaves them out."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest

collect_ignore_glob = [] if find_spec("torch") else ["test_*.py"]


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of tiny models: `llama`, `plain` (no chat template) and `bert`."""
    from tests.local import tiny

    folder = tmp_path_factory.mktemp("models")
    tiny.llama(folder / "llama")
    tiny.llama(folder / "plain", template=None)
    tiny.bert(folder / "bert")
    return folder
